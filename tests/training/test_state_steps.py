"""Pure steps on a `TrainState`: logs of a batch beside those that run on; evaluation, prediction
and metrics without the model's own state.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = np.random.default_rng(1).integers(0, 2, (24, 1)).astype("float32")
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in (0, 8, 16)]


class Largest(fkeras.metrics.Metric):
    """A metric of one's own whose values do not add up."""

    def __init__(self, name="largest"):
        super().__init__(name=name)
        self.value = self.add_variable((), "zeros", name="value")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign(jnp.maximum(self.value, jnp.max(jnp.abs(y_true - y_pred))))

    def result(self):
        return self.value.value


def metrics_of_all_kinds():
    return ["mae", "accuracy", fkeras.metrics.AUC(num_thresholds=5), Largest()]


def stack(metrics=metrics_of_all_kinds):
    fkeras.utils.set_random_seed(0)
    model = fkeras.Sequential(
        [
            fkeras.Input((4,)),
            layers.Dense(3, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("sgd", "binary_crossentropy", metrics=metrics())
    return model


class Own(fkeras.Model):
    """A step of one's own in Keras's contract, and a metric that the call itself updates."""

    def __init__(self):
        super().__init__()
        self.head = layers.Dense(1, activation="sigmoid")
        self.mean_output = fkeras.metrics.Mean(name="mean_output")

    def call(self, x):
        outputs = self.head(x)
        self.mean_output.update_state(outputs)
        return outputs

    def train_step(self, state, data):
        logs, state = super().train_step(state, data)
        return {**logs, "twice": 2 * logs["loss"], "constant": 7.0}, state


def own():
    model = Own()
    model.compile("sgd", "binary_crossentropy", metrics=metrics_of_all_kinds())
    return model


def two_outputs():
    x = fkeras.Input((4,))
    heads = [layers.Dense(1, activation="sigmoid", name=name)(x) for name in ("a", "b")]
    model = fkeras.Model(x, heads)
    model.compile("sgd", ["binary_crossentropy", "mse"], metrics=[["mae"], [Largest()]])
    return model


MODELS = {"stack": stack, "own": own, "two outputs": two_outputs, "eager": lambda: stack()}


def batches_for(name):
    return [(x, [y, 2 * y]) for x, y in BATCHES] if name == "two outputs" else BATCHES


def close(a, b, **tolerance):
    assert sorted(a) == sorted(b)
    for name in a:
        np.testing.assert_allclose(a[name], b[name], err_msg=name, **{"rtol": 1e-5, **tolerance})


@pytest.mark.parametrize("kind", ["step", "test"])
@pytest.mark.parametrize("name", MODELS)
def test_logs_are_those_of_the_batch_and_running_ones_those_of_all(name, kind):
    """Against steps from a state whose metrics were reset, and against the facade's."""
    model, batches = MODELS[name](), batches_for(name)
    run = getattr(model, kind)
    run = run if name == "eager" else jax.jit(run)
    state = model.init_state(jax.random.key(0), batches[0])
    for batch in batches:
        alone, alone_logs = run(model.reset_metrics(state), batch)
        state, logs = run(state, batch)
        close(logs, alone_logs)
        own = {k: v for k, v in logs.items() if k not in ("twice", "constant")}
        close(own, model.running_logs(alone))
        for a, b in zip(jax.tree.leaves(state.params), jax.tree.leaves(alone.params)):
            np.testing.assert_array_equal(a, b)
    running = model.running_logs(state)
    if kind == "test":
        model.set_train_state(model.init_state(jax.random.key(0), batches[0]))
        x, y = X, [Y, 2 * Y] if name == "two outputs" else Y
        expected = model.evaluate(x, y, batch_size=8, return_dict=True, verbose=0)
    else:
        model.set_train_state(model.init_state(jax.random.key(0), batches[0]))
        x, y = X, [Y, 2 * Y] if name == "two outputs" else Y
        history = model.fit(x, y, batch_size=8, shuffle=False, verbose=0).history
        expected = {k: v[0] for k, v in history.items() if k not in ("twice", "constant")}
    close(running, expected)


def test_the_loss_of_a_batch_is_that_of_its_outputs():
    model = stack(metrics=list)
    state = model.init_state(jax.random.key(0), BATCHES[0])
    for x, y in BATCHES:
        p = np.asarray(model.predict(state, x), "float64")
        expected = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
        state, logs = model.test(state, (x, y))
        assert float(logs["loss"]) == pytest.approx(expected, rel=1e-5)
    assert int(state.step) == 0


def test_a_step_is_computed_once():
    """Two values of the metrics do not make two forward passes, nor two draws."""
    calls = []

    class Counted(layers.Layer):
        def call(self, x):
            calls.append(fkeras.random.uniform((), seed=fkeras.random.SeedGenerator(1)))
            return x

    model = fkeras.Sequential([fkeras.Input((4,)), Counted(), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    state = model.init_state(jax.random.key(0), BATCHES[0])
    calls.clear()
    jaxpr = jax.make_jaxpr(model.step)(state, BATCHES[0])
    assert len(calls) == 1
    # One product forwards, one backwards for the kernel.
    assert str(jaxpr).count("dot_general[") == 2


def test_weights_may_depend_on_a_metric():
    class Scaled(fkeras.Model):
        """The loss grows with what the metric has counted so far."""

        def __init__(self):
            super().__init__()
            self.head = layers.Dense(1, use_bias=False, kernel_initializer="ones")
            self.count = fkeras.metrics.Sum(name="count")

        def call(self, x):
            return self.head(x)

        def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
            self.count.update_state(1.0)
            return self.count.result() * jnp.mean(y_pred)

    model = Scaled()
    model.compile(fkeras.optimizers.SGD(1.0))
    x = np.ones((2, 1), "float32")
    state = model.init_state(jax.random.key(0), x)
    kernels = []
    for _ in range(3):
        state, logs = jax.jit(model.step)(state, x)
        kernels.append(float(state.params["head"]["kernel"][0, 0]))
        assert float(logs["count"]) == 1
    assert kernels == [0.0, -2.0, -5.0]  # the gradient is 1, then 2, then 3
    assert float(model.running_logs(state)["count"]) == 3


@pytest.mark.parametrize("transform", ["vmap", "scan", "jit"])
def test_evaluation_under_transformations(transform):
    model = stack()
    keys = jax.random.split(jax.random.key(0), 2)
    states = [model.init_state(key, BATCHES[0]) for key in keys]
    if transform == "vmap":
        stacked = jax.vmap(lambda key: model.init_state(key, BATCHES[0]))(keys)
        _, logs = jax.vmap(model.test, in_axes=(0, None))(stacked, BATCHES[0])
        outputs = jax.vmap(model.predict, in_axes=(0, None))(stacked, X[:8])
        for i, state in enumerate(states):
            close({k: v[i] for k, v in logs.items()}, model.test(state, BATCHES[0])[1])
            np.testing.assert_allclose(outputs[i], model.predict(state, X[:8]), rtol=1e-5)
    elif transform == "scan":
        stacked = jax.tree.map(lambda *a: np.stack(a), *BATCHES)
        after, logs = jax.lax.scan(model.test, states[0], stacked)
        looped = states[0]
        for i, batch in enumerate(BATCHES):
            looped, own = model.test(looped, batch)
            close({k: v[i] for k, v in logs.items()}, own)
        close(model.running_logs(after), jax.jit(model.running_logs)(looped))
    else:
        reset = jax.jit(model.reset_metrics)
        state, logs = jax.jit(model.test)(states[0], BATCHES[0])
        assert all(np.all(np.asarray(x) == 0) for x in jax.tree.leaves(reset(state).metrics))
        assert jax.tree.structure(reset(state)) == jax.tree.structure(state)


def test_nothing_of_the_model_is_read_or_written():
    model = stack()
    state = model.init_state(jax.random.key(5), BATCHES[0])
    model.fit(X, Y, verbose=0)
    values = [np.asarray(v) for v in (*model.weights, *model.metrics_variables)]
    outputs = model.predict(state, X)
    assert isinstance(outputs, jax.Array)
    np.testing.assert_allclose(outputs, model.apply(state.variables, X)[0], rtol=1e-5)
    assert np.abs(outputs - model.predict(X, verbose=0)).max() > 1e-3
    after, _ = model.test(state, BATCHES[0])
    model.running_logs(after)
    model.reset_metrics(after)
    for before, variable in zip(values, (*model.weights, *model.metrics_variables)):
        np.testing.assert_array_equal(before, variable)


def test_prediction_takes_inputs_in_any_structure():
    a, b = fkeras.Input((4,), name="a"), fkeras.Input((4,), name="b")
    model = fkeras.Model({"a": a, "b": b}, {"sum": layers.Add()([a, b]), "a": a})
    model.compile("sgd", {"sum": "mse", "a": "mse"})
    state = model.train_state()
    outputs = jax.jit(model.predict)(state, {"a": X, "b": 2 * X})
    np.testing.assert_allclose(outputs["sum"], 3 * X, rtol=1e-6)
    assert list(outputs) == ["sum", "a"] or sorted(outputs) == ["a", "sum"]


def test_overridden_steps_are_called():
    class Shifted(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(1)

        def call(self, x):
            return self.head(x)

        def predict_step(self, state, data):
            outputs, rest = super().predict_step(state, data)
            return outputs + 1, rest

        def test_step(self, state, data):
            logs, state = super().test_step(state, data)
            return {**logs, "own": logs["loss"] * 2}, state

    model = Shifted()
    model.compile("sgd", "mse")
    state = model.init_state(jax.random.key(0), BATCHES[0])
    np.testing.assert_allclose(
        model.predict(state, X), model.apply(state.variables, X)[0] + 1, rtol=1e-5
    )
    _, logs = model.test(state, BATCHES[0])
    assert float(logs["own"]) == 2 * float(logs["loss"])


def test_random_layers_in_evaluation_draw_from_the_states_key():
    class Noisy(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seeds = fkeras.random.SeedGenerator(0)

        def call(self, x):
            return x + fkeras.random.normal(x.shape, seed=self.seeds)

    model = fkeras.Sequential([fkeras.Input((4,)), Noisy(), layers.Dense(1)])
    model.compile("sgd", "mse")
    state = model.init_state(jax.random.key(0), BATCHES[0])
    first = model.predict(state, X)
    np.testing.assert_array_equal(first, model.predict(state, X))
    assert np.any(first != model.predict(state.replace(step=jnp.int32(1)), X))


def test_a_state_without_metrics_gets_them_by_a_reset():
    model = stack()
    complete = model.init_state(jax.random.key(0), BATCHES[0])
    state = model.reset_metrics(complete.replace(metrics={}))
    assert jax.tree.structure(state) == jax.tree.structure(complete)
    model.step(state, BATCHES[0])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m, s: m.test({}, BATCHES[0]), "`test` takes a TrainState first.*dict"),
        (lambda m, s: m.running_logs({}), "`running_logs` takes a TrainState first"),
        (lambda m, s: m.reset_metrics({}), "`reset_metrics` takes a TrainState first"),
        (lambda m, s: m.set_train_state({}), "`set_train_state` takes a TrainState first"),
        (lambda m, s: m.predict(s), "no inputs"),
        (lambda m, s: m.predict(s, X, steps=2), "no `steps`"),
        (lambda m, s: m.predict(s.replace(params={}), X), "missing params/dense/kernel"),
        (lambda m, s: m.test(s.replace(metrics={}), BATCHES[0]), "no values of the metrics"),
    ],
)
def test_wrong_uses_are_told(call, message):
    model = stack()
    state = model.init_state(jax.random.key(0), BATCHES[0])
    with pytest.raises(UserInputError, match=message):
        call(model, state)


def test_before_compile_there_is_no_test():
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)])
    with pytest.raises(UserInputError, match="compile.*`train_state`"):
        model.train_state()
