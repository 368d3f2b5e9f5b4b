"""Training of a `Repeat` against that of separate blocks: rules that look at the norm or the shape
of a weight see single blocks.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fkeras
from fkeras import layers, optimizers
from fkeras.saving.record import record_model

N = 3


class Separate(layers.Layer):
    """The blocks in a list: what `Repeat` stands for."""

    def __init__(self, blocks, **kwargs):
        super().__init__(**kwargs)
        self.blocks = blocks

    def call(self, x, training=None):
        for block in self.blocks:
            x = block(x)
        return x


def block():
    return fkeras.Sequential(
        [
            layers.Dense(
                4,
                activation="tanh",
                name="dense",
                kernel_regularizer="l2",
                kernel_constraint=fkeras.constraints.UnitNorm(axis=0),
                activity_regularizer="l1",
            ),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.3, name="drop"),
        ]
    )


def model_with(body, optimizer):
    model = fkeras.Sequential([fkeras.Input((4,)), body, layers.Dense(1, name="head")])
    model.compile(optimizer, "mse")
    return model


def pair(make_optimizer):
    """A model with `Repeat` and one with separate blocks, of equal weights and keys."""
    repeated = model_with(layers.Repeat(block(), N, name="body"), make_optimizer())
    separate = model_with(Separate([block() for _ in range(N)], name="body"), make_optimizer())
    rng = np.random.default_rng(0)
    weights = [rng.uniform(0.1, 0.9, w.shape).astype("float32") for w in separate.get_weights()]
    for model in (repeated, separate):
        model.set_weights(weights)
    separate._info.root_key = repeated._info.root_key
    return repeated, separate


def data():
    rng = np.random.default_rng(1)
    return rng.normal(size=(12, 4)).astype("float32"), rng.normal(size=(12, 1)).astype("float32")


class NormedByKeras(optimizers.Optimizer):
    """Written as for Keras; its step depends on the norm and the shape of the gradient."""

    def __init__(self, learning_rate=0.1, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.momentums = [self.add_variable_from_reference(v, "m") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        momentum = self.momentums[self._get_variable_index(variable)]
        self.assign(momentum, 0.9 * momentum + gradient)
        scale = variable.shape[0] ** 0.5 / (1e-3 + fkeras.ops.norm(momentum))
        self.assign_sub(variable, learning_rate * momentum.value * scale)


class NormedByRule(optimizers.Optimizer):
    """The same as a rule on values."""

    def __init__(self, learning_rate=0.1, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)

    def slot_groups(self):
        return [("momentum",)]

    def leaf_step(self, gradient, param, slots, scalars, info):
        momentum = 0.9 * slots["momentum"] + gradient
        assert info.shape == param.shape and info.ndim == param.ndim
        scale = info.shape[0] ** 0.5 / (1e-3 + jnp.linalg.norm(momentum.ravel()))
        return param - scalars * momentum * scale, {"momentum": momentum}


def by_path():
    adam, lamb = optimizers.Adam(0.1), optimizers.Lamb(0.1)
    return optimizers.MultiOptimizer(optimizers.OptimizerMap(adam, {".*kernel": lamb}))


def without_decay_on_biases():
    optimizer = optimizers.AdamW(0.1, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta"])
    return optimizer


def labelled():
    """Each block has a label of its own by its path: the first is frozen."""

    def labels(params):
        return jax.tree_util.tree_map_with_path(
            lambda path, _: "frozen" if "blocks_0" in jax.tree_util.keystr(path) else "lamb", params
        )

    return optax.multi_transform({"frozen": optax.set_to_zero(), "lamb": optax.lamb(0.1)}, labels)


OPTAX = {
    "optax adam": lambda: optax.adam(0.1),
    "optax adafactor": lambda: optax.adafactor(0.1, min_dim_size_to_factor=1),
    "optax block rms": lambda: optax.chain(optax.clip_by_block_rms(0.01), optax.sgd(1.0)),
    "optax labels": labelled,
}
OPTIMIZERS = {
    **OPTAX,
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "clipnorm": lambda: optimizers.SGD(1.0, clipnorm=0.01),
    "clipvalue": lambda: optimizers.RMSprop(0.1, clipvalue=0.01),
    "global clipnorm": lambda: optimizers.Adam(0.1, global_clipnorm=0.01),
    "lamb": lambda: optimizers.Lamb(0.1),
    "muon": lambda: optimizers.Muon(0.1),
    "adafactor": lambda: optimizers.Adafactor(0.1),
    "schedule-free": lambda: optimizers.ScheduleFreeAdamW(0.1),
    "nadam": lambda: optimizers.Nadam(0.1),
    "averages": lambda: optimizers.AdamW(
        0.1, clipnorm=0.1, use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=2
    ),
    "excluded": without_decay_on_biases,
    "loss scale": lambda: optimizers.LossScaleOptimizer(optimizers.Lamb(0.1)),
    "several": by_path,
    "as for keras": NormedByKeras,
    "own rule": NormedByRule,
}


def assert_equal_weights(repeated, separate):
    for a, b in zip(repeated.get_weights(), separate.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_goes_as_with_separate_blocks(name):
    repeated, separate = pair(OPTIMIZERS[name])
    x, y = data()
    losses = [
        model.fit(x, y, batch_size=4, epochs=2, verbose=0).history["loss"]
        for model in (repeated, separate)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    assert_equal_weights(repeated, separate)
    if name in OPTAX:  # a state of blocks, as it is
        values = [[v.numpy() for v in model.optimizer.variables] for model in (repeated, separate)]
    elif name != "as for keras":  # what `build` made there is in an order of its own
        # The state in files, too: the same arrays in the same order.
        own, want = record_model(repeated).optimizer, record_model(separate).optimizer
        assert own.trained == want.trained
        values = [own.values, want.values]
    else:
        return
    for a, b in zip(*values, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", ["clipnorm", "lamb", "muon", "adafactor", "as for keras", *OPTAX])
def test_batch_by_batch_in_the_facade_and_pure(name):
    repeated, separate = pair(OPTIMIZERS[name])
    x, y = data()
    state = repeated.train_state()
    for model in (repeated, separate):
        for _ in range(2):
            model.train_on_batch(x, y)
    assert_equal_weights(repeated, separate)
    step = jax.jit(repeated.step)
    for _ in range(2):
        state, _ = step(state, (x, y))
    for variable in repeated.trainable_variables:
        path = next(p for p, v in repeated._structure().variables if v is variable)
        value = state.params
        for part in path:
            value = value[part]
        np.testing.assert_allclose(value, variable.value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["clipnorm", "lamb", "muon", "adafactor"])
def test_pure_optimizers_see_blocks_with_the_infos_of_the_model(name):
    repeated, separate = pair(OPTIMIZERS[name])

    def run(model):
        optimizer, variables = model.optimizer, model.trainable_variables
        params = [v.value for v in variables]
        infos = optimizer.parameter_infos_of(variables)
        state = optimizer.init(params, infos)
        for _ in range(2):
            grads = [0.3 * p + 1 for p in params]
            params, state = optimizer.update(grads, state, params, parameter_infos=infos)
        for variable, value in zip(variables, params):
            variable.assign(value)

    run(repeated), run(separate)
    assert_equal_weights(repeated, separate)


def test_a_state_made_purely_trains_as_the_facade():
    repeated, _ = pair(OPTIMIZERS["adafactor"])
    x, y = data()
    state = repeated.init_state(repeated.build_key, (x, y))
    assert state.params["body"]["blocks"]["dense"]["kernel"].shape == (N, 4, 4)
    slots = state.opt_state["row"]["body"]["blocks"]["dense"]
    assert slots["kernel"].shape == (N, 4) and slots["bias"].shape == (N,)
    facade = repeated.train_state()
    assert jax.tree.structure(facade.opt_state) == jax.tree.structure(state.opt_state)
    assert jax.tree.map(jnp.shape, facade.opt_state) == jax.tree.map(jnp.shape, state.opt_state)


def test_apply_on_variables():
    repeated, separate = pair(OPTIMIZERS["lamb"])
    for model in (repeated, separate):
        variables = model.trainable_variables
        model.optimizer.apply([0.1 * v.value for v in variables], variables)
    assert_equal_weights(repeated, separate)


def test_weights_of_blocks_can_be_given_to_an_optimizer_one_by_one():
    """As Keras's own loops do: then each is a parameter."""
    repeated, separate = pair(OPTIMIZERS["lamb"])
    for model in (repeated, separate):
        weights = model.trainable_weights
        optimizer = optimizers.Lamb(0.1)
        for _ in range(2):
            optimizer.apply([0.1 * w.value for w in weights], weights)
    assert_equal_weights(repeated, separate)


@pytest.mark.parametrize("generator", [False, True], ids=["fused", "step by step"])
def test_evaluate_and_predict(generator):
    repeated, separate = pair(OPTIMIZERS["sgd"])
    x, y = data()
    for model in (repeated, separate):
        if generator:
            model.fit(iter([(x, y)] * 2), epochs=1, steps_per_epoch=2, verbose=0)
        else:
            model.fit(x, y, batch_size=12, epochs=2, verbose=0)
    assert repeated.evaluate(x, y, verbose=0) == pytest.approx(
        separate.evaluate(x, y, verbose=0), rel=1e-4
    )
    np.testing.assert_allclose(
        repeated.predict(x, verbose=0), separate.predict(x, verbose=0), rtol=1e-3, atol=1e-5
    )
