"""`TrainState`s that come from elsewhere: what does not fit is refused, what fits goes on."""

import jax
import numpy as np
import optax
import pytest

import fkeras
from fkeras import layers, optimizers
from fkeras.errors import UserInputError

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
BATCH = X, X[:, :1]


def make(optimizer="adam", metrics=(), dropout=0.5):
    model = fkeras.Sequential(
        [fkeras.Input((4,)), layers.Dense(3), layers.Dropout(dropout), layers.Dense(1)]
    )
    model.compile(optimizer, "mse", metrics=list(metrics))
    return model


@pytest.fixture(scope="module")
def model():
    return make()


@pytest.fixture(scope="module")
def state(model):
    return model.init_state(jax.random.key(0), BATCH)


def without(tree, *path):
    tree = dict(tree)
    if len(path) == 1:
        del tree[path[0]]
    else:
        tree[path[0]] = without(tree[path[0]], *path[1:])
    return tree


def changed(tree, value, *path):
    return {**tree, path[0]: value if len(path) == 1 else changed(tree[path[0]], value, *path[1:])}


ROWS = {
    "surplus": (
        lambda s: s.replace(params={**s.params, "lora": {"a": X}}),
        r"unexpected params/lora/a of shape \(8, 4\)",
    ),
    "missing": (
        lambda s: s.replace(params=without(s.params, "dense", "bias")),
        r"missing params/dense/bias of shape \(3,\)",
    ),
    "no params": (lambda s: s.replace(params=None), "must be a dict"),
    "shape": (
        lambda s: s.replace(params=changed(s.params, X, "dense", "kernel")),
        r"params/dense/kernel: expected shape \(4, 3\), received \(8, 4\)",
    ),
    "state": (lambda s: s.replace(state={"norm": {"mean": X}}), "unexpected state/norm/mean"),
    "slot missing": (
        lambda s: s.replace(opt_state=without(s.opt_state, "momentum", "dense", "bias")),
        r"Missing: \['dense/bias'\]",
    ),
    "slot surplus": (
        lambda s: s.replace(opt_state=changed(s.opt_state, X, "velocity", "lora")),
        r"Not expected: \['lora'\]",
    ),
    "slot no tree": (
        lambda s: s.replace(opt_state={**s.opt_state, "momentum": X}),
        "is of other parameters",
    ),
    "slot shape": (
        lambda s: s.replace(opt_state=changed(s.opt_state, X, "momentum", "dense", "kernel")),
        r"shape \(8, 4\) where .* has \(4, 3\)",
    ),
    "no opt_state": (lambda s: s.replace(opt_state={}), "what `init` or `update` returned"),
    "no rate": (
        lambda s: s.replace(opt_state=without(s.opt_state, "learning_rate")),
        "learning rate was of another kind",
    ),
    "metric missing": (lambda s: s.replace(metrics={}), r"no values of the metrics \['loss/"),
    "metric surplus": (
        lambda s: s.replace(metrics={**s.metrics, "mae": {"total": X}}),
        "mae/total: not expected",
    ),
    "metric shape": (
        lambda s: s.replace(metrics=changed(s.metrics, X, "loss", "total")),
        r"loss/total: expected shape \(\), received \(8, 4\)",
    ),
    "key": (lambda s: s.replace(key=7), "Expected a JAX key"),
    "keys": (lambda s: s.replace(key=jax.random.split(s.key)), "single JAX key"),
}


@pytest.mark.parametrize("way", ["step", "jit of step", "set_train_state"])
@pytest.mark.parametrize("row", ROWS)
def test_a_state_that_does_not_fit_is_refused(model, state, way, row):
    change, message = ROWS[row]
    before = model.get_weights()
    run = {
        "step": lambda s: model.step(s, BATCH),
        "jit of step": lambda s: jax.eval_shape(lambda: model.step(s, BATCH)),
        "set_train_state": model.set_train_state,
    }[way]
    with pytest.raises(UserInputError, match=message):
        run(change(state))
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


OPTIMIZERS = {
    "adam": lambda: "adam",
    "sgd": lambda: "sgd",
    "momentum": lambda: optimizers.SGD(momentum=0.9),
    "schedule": lambda: optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)),
    "accumulating": lambda: optimizers.SGD(gradient_accumulation_steps=2),
    "scaled": lambda: optimizers.LossScaleOptimizer(optimizers.SGD()),
    "multi": lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.SGD())),
    "optax adam": lambda: optax.adam(0.1),
    "optax sgd": lambda: optax.sgd(0.1),
    "none": lambda: None,
}


@pytest.mark.parametrize("other", OPTIMIZERS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_another_optimizers_state_is_refused(name, other, states_by_optimizer):
    models, states = states_by_optimizer
    model, state = models[name], states[other]
    ways = [model.set_train_state]
    if name != "none":  # without an optimizer there is no step
        ways.append(lambda state: jax.eval_shape(lambda: model.step(state, BATCH)))
    for run in ways:
        if name == other:
            run(state)
        else:
            with pytest.raises(UserInputError):
                run(state)


@pytest.fixture(scope="module")
def states_by_optimizer():
    models = {name: make(optimizer()) for name, optimizer in OPTIMIZERS.items()}
    key = jax.random.key(0)
    return models, {name: model.init_state(key, BATCH) for name, model in models.items()}


# -- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        lambda: jax.random.key(7),
        lambda: jax.random.PRNGKey(7),
        lambda: jax.random.key(7, impl="rbg"),
    ],
    ids=["typed", "plain", "rbg"],
)
def test_training_goes_on_with_the_states_key(key):
    first, second = make("sgd"), make("sgd")
    step = jax.jit(first.step)
    state, _ = step(first.init_state(key(), BATCH), BATCH)
    second.set_train_state(state)
    again = second.train_state()
    assert int(again.step) == 1
    expected, _ = step(state, BATCH)
    for got in (second.step(again, BATCH)[0], _fitted(second)):
        for a, b in zip(jax.tree.leaves(expected.params), jax.tree.leaves(got.params)):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def _fitted(model):
    model.fit(*BATCH, batch_size=8, shuffle=False, verbose=0)
    return model.train_state()


def test_two_models_that_take_one_state_train_alike():
    first, second = make("sgd"), make("sgd")
    state = first.init_state(jax.random.key(3), BATCH)
    weights = []
    for model in (first, second):
        model.set_train_state(state)
        model.fit(*BATCH, batch_size=2, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights):
        np.testing.assert_array_equal(a, b)


def test_a_state_survives_what_the_facade_does_with_it():
    """Donating a state that was taken over, or that came from the facade, deletes nothing."""
    model = make("sgd")
    state = model.init_state(jax.random.key(0), BATCH)
    model.set_train_state(state)
    step = jax.jit(model.step, donate_argnums=0)
    step(state, BATCH)
    step(model.train_state(), BATCH)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    np.testing.assert_array_equal(
        jax.random.key_data(model.train_state().key), jax.random.key_data(jax.random.key(0))
    )
