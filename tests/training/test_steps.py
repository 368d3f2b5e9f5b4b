"""The pure training step: `TrainState`, Keras's step contract, and the facade that does the
same.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.training.state import TrainState

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = (X[:, :1] * 2 - X[:, 1:2]).astype("float32")
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 32, 8)]


def network(optimizer="adam", metrics=("mae",), dropout=0.3):
    model = fkeras.Sequential(
        [
            fkeras.Input((4,)),
            layers.Dense(6, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(dropout),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse", metrics=list(metrics))
    return model


def equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b)):
        x, y = (
            jax.random.key_data(v) if jnp.issubdtype(v.dtype, jax.dtypes.prng_key) else v
            for v in (x, y)
        )
        np.testing.assert_array_equal(x, y)


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def state(model):
    return model.init_state(jax.random.key(7), BATCHES[0])


def test_init_state_is_a_pure_function_of_the_key(model, state):
    before = model.get_weights()
    equal(model.init_state(jax.random.key(7), BATCHES[0]), state)
    other = model.init_state(
        jax.random.key(8),
        jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), BATCHES[0]),
    )
    assert np.any(
        np.asarray(other.params["dense"]["kernel"]) != np.asarray(state.params["dense"]["kernel"])
    )
    assert int(state.step) == 0 and sorted(state.variables) == ["params", "state"]
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_the_build_key_gives_the_weights_of_the_facade():
    model = network()
    params = model.init_state(model.build_key, BATCHES[0]).params
    np.testing.assert_array_equal(params["dense"]["kernel"], model.get_weights()[0])


def test_step_leaves_the_facade_alone(model, state):
    before, iterations = model.get_weights(), int(model.optimizer.iterations.numpy())
    after, logs = jax.jit(model.step)(state, BATCHES[0])
    assert int(after.step) == 1 and sorted(logs) == ["loss", "mae"]
    assert np.any(
        np.asarray(after.params["dense"]["kernel"]) != np.asarray(state.params["dense"]["kernel"])
    )
    assert int(model.optimizer.iterations.numpy()) == iterations
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_loop_of_steps_is_fit_bit_for_bit():
    model = network()
    state = model.init_state(model.build_key, BATCHES[0])
    step = jax.jit(model.step, donate_argnums=0)
    for batch in BATCHES:
        state, _ = step(state, batch)
    logs = model.running_logs(state)
    history = model.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history
    assert float(logs["loss"]) == history["loss"][0] and float(logs["mae"]) == history["mae"][0]
    ours = model.train_state()
    equal(
        (state.params, state.state, state.opt_state, state.step),
        (ours.params, ours.state, ours.opt_state, ours.step),
    )


def test_scan_over_batches_is_the_loop_of_steps(model, state):
    stacked = jax.tree.map(lambda *a: np.stack(a), *BATCHES)
    scanned, logs = jax.jit(lambda s, b: jax.lax.scan(model.step, s, b))(state, stacked)
    looped, step = state, jax.jit(model.step)
    for batch in BATCHES:
        looped, last = step(looped, batch)
    assert int(scanned.step) == 4 and logs["loss"].shape == (4,)
    for a, b in zip(
        jax.tree.leaves((scanned.params, scanned.state)),
        jax.tree.leaves((looped.params, looped.state)),
    ):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(logs["loss"][-1], last["loss"], rtol=1e-5)


def test_vmap_trains_an_ensemble_whose_members_differ(model):
    keys = jax.random.split(jax.random.key(0), 3)
    ensemble = jax.vmap(lambda key: model.init_state(key, BATCHES[0]))(keys)
    after, logs = jax.jit(jax.vmap(model.step, in_axes=(0, None)))(ensemble, BATCHES[0])
    single, single_logs = jax.jit(model.step)(model.init_state(keys[1], BATCHES[0]), BATCHES[0])
    assert logs["loss"].shape == (3,) and len(set(np.asarray(logs["loss"]).tolist())) == 3
    np.testing.assert_allclose(logs["loss"][1], single_logs["loss"], rtol=1e-5)
    np.testing.assert_allclose(
        after.params["dense"]["kernel"][1], single.params["dense"]["kernel"], rtol=1e-4, atol=1e-6
    )


def test_a_state_goes_into_the_facade_and_out_again():
    model = network()
    state = model.init_state(jax.random.key(3), BATCHES[0])
    state, _ = jax.jit(model.step)(state, BATCHES[0])
    model.set_train_state(state)
    np.testing.assert_array_equal(model.get_weights()[0], state.params["dense"]["kernel"])
    assert int(model.optimizer.iterations.numpy()) == 1
    out = model.train_state()
    equal(
        (out.params, out.state, out.opt_state, out.metrics, out.step),
        (state.params, state.state, state.opt_state, state.metrics, state.step),
    )


def test_donating_a_state_leaves_the_facade_and_the_key_alive():
    model = network()
    step = jax.jit(model.step, donate_argnums=0)
    for state in (model.init_state(model.build_key, BATCHES[0]), model.train_state()):
        state, _ = step(state, BATCHES[0])
        model.set_train_state(state)
        step(state, BATCHES[0])
        assert np.isfinite(model.fit(*BATCHES[0], verbose=0).history["loss"][0])


def test_frozen_weights_stay_in_params_and_do_not_move():
    model = network()
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    state = model.init_state(jax.random.key(0), BATCHES[0])
    after, _ = jax.jit(model.step)(state, BATCHES[0])
    assert sorted(state.params) == sorted(after.params)
    np.testing.assert_array_equal(state.params["dense"]["kernel"], after.params["dense"]["kernel"])
    assert np.any(
        np.asarray(state.params["dense_1"]["kernel"])
        != np.asarray(after.params["dense_1"]["kernel"])
    )


def test_an_optax_transformation_is_an_optimizer():
    model = network(optax.chain(optax.clip(1.0), optax.sgd(0.1)), metrics=())
    state = model.init_state(model.build_key, BATCHES[0])
    after, _ = jax.jit(model.step)(state, BATCHES[0])
    model.fit(*BATCHES[0], batch_size=8, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], after.params["dense"]["kernel"])


def test_step_takes_sample_weights(model, state):
    step = jax.jit(model.step)
    ones, _ = step(state, (*BATCHES[0], np.ones(8, "float32")))
    plain, _ = step(state, BATCHES[0])
    nothing, logs = step(state, (*BATCHES[0], np.zeros(8, "float32")))
    np.testing.assert_allclose(
        ones.params["dense"]["kernel"], plain.params["dense"]["kernel"], rtol=1e-6
    )
    np.testing.assert_array_equal(
        nothing.params["dense"]["kernel"], state.params["dense"]["kernel"]
    )
    assert float(logs["loss"]) == 0


def test_step_refuses_what_is_not_a_state(model):
    with pytest.raises(ValueError, match="TrainState"):
        model.step({"params": {}}, BATCHES[0])
    with pytest.raises(ValueError, match="compile"):
        fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)]).init_state(
            jax.random.key(0), BATCHES[0]
        )


def test_a_train_state_is_a_frozen_pytree(state):
    assert isinstance(jax.tree.map(lambda x: x, state), TrainState)
    assert int(state.replace(step=jnp.int32(9)).step) == 9 and int(state.step) == 0
    with pytest.raises(AttributeError):
        state.step = 3


# -- Keras's contract ----------------------------------------------------------


class Guide(fkeras.Model):
    """As guides for Keras on JAX write it: everything by hand on lists of values."""

    def __init__(self):
        super().__init__()
        self.dense, self.drop, self.head = (
            layers.Dense(6, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1),
        )

    def call(self, x, training=False):
        return self.head(self.drop(self.dense(x), training=training))


class ByHand(Guide):
    def by_hand(self, trainable, rest, x, y):
        y_pred, rest = self.stateless_call(trainable, rest, x, training=True)
        return jnp.mean(jnp.square(y - y_pred)), (y_pred, rest)

    def train_step(self, state, data):
        trainable, rest, optimizer_variables, metrics_variables = state
        x, y = data
        (loss, (y_pred, rest)), gradients = jax.value_and_grad(self.by_hand, has_aux=True)(
            trainable, rest, x, y
        )
        trainable, optimizer_variables = self.optimizer.stateless_apply(
            optimizer_variables, gradients, trainable
        )
        new, logs = [], {}
        for metric in self.metrics:
            mine = metrics_variables[len(new) : len(new) + len(metric.variables)]
            mine = (
                metric.stateless_update_state(mine, loss)
                if metric.name == "loss"
                else metric.stateless_update_state(mine, y, y_pred)
            )
            result = metric.stateless_result(mine)
            logs.update(result if isinstance(result, dict) else {metric.name: result})
            new += mine
        return logs, (trainable, rest, optimizer_variables, new)


def test_an_overridden_train_step_acts_in_fit_and_in_step():
    fkeras.utils.set_random_seed(2)
    plain = Guide()
    plain.build((None, 4))
    mine = ByHand()
    mine.build((None, 4))
    mine.set_weights(plain.get_weights())
    for model in (plain, mine):
        model.compile(fkeras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    state = mine.init_state(mine.build_key, BATCHES[0])
    state, logs = jax.jit(mine.step)(state, BATCHES[0])
    assert sorted(logs) == ["loss", "mae"]
    history = mine.fit(X, Y, batch_size=8, shuffle=False, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0] and set(history) == {"loss", "mae"}


def test_an_overridden_compute_loss_and_compute_metrics_act():
    class Weighted(Guide):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return 3 * super().compute_loss(x, y, y_pred, sample_weight, training)

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            return {
                **super().compute_metrics(x, y, y_pred, sample_weight),
                "bias": jnp.mean(y_pred - y),
            }

    model = Weighted()
    model.compile(fkeras.optimizers.SGD(0.0), "mse", metrics=["mae"])
    logs = model.evaluate(X, Y, batch_size=32, return_dict=True, verbose=0)
    y_pred = model.predict(X, verbose=0)
    assert logs["loss"] == pytest.approx(3 * np.mean((Y - y_pred) ** 2), rel=1e-5)
    assert logs["bias"] == pytest.approx(np.mean(y_pred - Y), rel=1e-4)


def test_stateless_call_lends_values_and_returns_new_state():
    model = network(dropout=0.0)
    trainable = [v.value * 0 for v in model.trainable_variables]
    rest = [v.value for v in model.non_trainable_variables]
    before = model.get_weights()
    outputs, after = model.stateless_call(trainable, rest, X, training=True)
    np.testing.assert_array_equal(outputs, np.zeros((32, 1)))
    assert len(after) == len(rest) and any(
        np.any(np.asarray(a) != np.asarray(b)) for a, b in zip(after, rest)
    )
    outputs, _, losses = model.stateless_call(trainable, rest, X, return_losses=True)
    assert losses == []
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="trainable_variables"):
        model.stateless_call(trainable[1:], rest, X)


def test_stateless_compute_loss_is_pure():
    model = network(dropout=0.0)
    model.evaluate(X, Y, verbose=0)
    values = [
        [v.value for v in group]
        for group in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.metrics_variables,
        )
    ]
    loss, (trainable, rest, metrics) = model.stateless_compute_loss(*values, x=X, y=Y, y_pred=Y + 2)
    assert float(loss) == pytest.approx(4.0, rel=1e-5)
    assert (len(trainable), len(rest), len(metrics)) == tuple(map(len, values))


def test_state_trees_hold_all_values_by_path():
    model = network()
    model.fit(X, Y, verbose=0)
    tree = model.get_state_tree(value_format="numpy_array")
    assert sorted(tree) == [
        "metrics_variables",
        "non_trainable_variables",
        "optimizer_variables",
        "trainable_variables",
    ]
    kernel = tree["trainable_variables"]["sequential"]["dense"]["kernel"]
    assert isinstance(kernel, np.ndarray)
    np.testing.assert_array_equal(kernel, model.get_weights()[0])
    trained = model.get_weights()
    model.set_weights([w * 0 for w in trained])
    model.set_state_tree(tree)
    for a, b in zip(model.get_weights(), trained):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="value_format"):
        model.get_state_tree(value_format="list")


def test_run_eagerly_gives_the_same_numbers_and_real_values():
    seen = []

    class Looking(layers.Layer):
        def call(self, x):
            seen.append(isinstance(x, jax.core.Tracer))
            return x

    results = []
    for eagerly in (False, True):
        fkeras.utils.clear_session()
        fkeras.utils.set_random_seed(4)
        model = fkeras.Sequential(
            [fkeras.Input((4,)), layers.Dense(3), layers.Dropout(0.2), layers.Dense(1)]
        )
        model.compile("sgd", "mse", run_eagerly=eagerly)
        results.append(
            (
                model.fit(X, Y, epochs=2, batch_size=16, verbose=0).history["loss"],
                model.get_weights(),
            )
        )
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    for a, b in zip(results[0][1], results[1][1]):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    model = fkeras.Sequential([fkeras.Input((4,)), Looking(), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    seen.clear()
    model.predict_on_batch(X)
    assert seen == [False]


def test_a_loss_of_the_users_own_is_one_number():
    class Own(fkeras.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return fkeras.ops.square(y - y_pred)

    model = Own([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    for use in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(
            UserInputError, match=r"array of shape \(4, 1\): it must return a scalar"
        ):
            use(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"))
