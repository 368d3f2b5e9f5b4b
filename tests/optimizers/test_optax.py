"""Optax transformations in `compile`: which trees they see, what they are told beside gradients."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fkeras
from fkeras import layers, optimizers
from fkeras.errors import UserInputError

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
Y = (X[:, :1] * 2 - X[:, 1:2]).astype("float32")
BATCH = X, Y


def stack(dropout=0.0, built=True):
    fkeras.utils.set_random_seed(0)
    first = [fkeras.Input((4,))] if built else []
    return fkeras.Sequential(
        [*first, layers.Dense(3, activation="tanh"), layers.Dropout(dropout), layers.Dense(1)]
    )


def nested():
    """A Sequential in a functional model, whose Variables' own paths begin with its name."""
    inner = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(3)], name="inner")
    x = fkeras.Input((4,))
    return fkeras.Model(x, layers.Dense(1, name="head")(inner(x)))


class Subclass(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(3), layers.Dense(3)]
        self.head = layers.Dense(1)

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def paths(tree):
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return sorted(jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves)


# -- which trees it sees --------------------------------------------------------------------------


HOW = ["step", "fit", "fit, then step", "train_on_batch"]
MODELS = {"built": stack, "unbuilt": lambda: stack(built=False), "nested": nested, "own": Subclass}
ROWS = [
    *itertools.product(MODELS, HOW, ["plain"]),
    *itertools.product(["built", "nested"], ["step", "fit"], ["loss scale", "multi"]),
]


@pytest.mark.parametrize("make, how, wrap", ROWS)
def test_labels_by_path_see_the_paths_of_params_alone(make, how, wrap):
    seen = []

    def labels(params):
        seen.append(paths(params))
        first = sorted(params)[0]
        return jax.tree_util.tree_map_with_path(
            lambda path, _: "frozen" if path[0].key == first else "trained", params
        )

    transformation = optax.multi_transform(
        {"trained": optax.sgd(0.1), "frozen": optax.set_to_zero()}, labels
    )
    optimizer = {
        "plain": lambda: transformation,
        "loss scale": lambda: optimizers.LossScaleOptimizer(transformation, initial_scale=2.0),
        "multi": lambda: optimizers.MultiOptimizer(
            optimizers.OptimizerMap(optimizers.get(transformation))
        ),
    }[wrap]()
    model = MODELS[make]()
    model.compile(optimizer, "mse")
    before = model.init_state(model.build_key, BATCH).params
    if how == "step":
        after = model.step(model.init_state(model.build_key, BATCH), BATCH)[0].params
    else:
        if how == "train_on_batch":
            model.train_on_batch(*BATCH)
        else:
            model.fit(*BATCH, verbose=0)
        after = model.train_state().params
    if how == "fit, then step":
        after = model.step(model.train_state(), BATCH)[0].params
    assert {tuple(names) for names in seen} == {tuple(paths(before))}
    for name, old in before.items():
        changed = any(
            np.any(a != b) for a, b in zip(jax.tree.leaves(old), jax.tree.leaves(after[name]))
        )
        assert changed == (name != sorted(before)[0])


def test_a_layer_that_is_not_trained_is_not_in_the_tree():
    model = stack()
    model.layers[0].trainable = False
    seen = []

    def mask(params):
        seen.append(paths(params))
        return jax.tree.map(lambda a: a.ndim > 1, params)

    model.compile(
        optax.chain(optax.sgd(0.1), optax.masked(optax.add_decayed_weights(0.1), mask)), "mse"
    )
    model.fit(*BATCH, verbose=0)
    assert {tuple(names) for names in seen} == {("dense_1/bias", "dense_1/kernel")}


@pytest.mark.parametrize("how", ["step", "fit"])
def test_masks_may_be_trees_like_params(how):
    model = stack()
    params = model.init(model.build_key)["params"]
    mask = jax.tree.map(lambda a: a.ndim > 1, params)
    transformation = optax.chain(optax.masked(optax.add_decayed_weights(0.5), mask), optax.sgd(0.1))
    model.compile(transformation, "mse")

    def loss(params):
        return jnp.mean((model.apply({"params": params}, X)[0] - Y) ** 2)

    grads = jax.grad(loss)(params)
    updates, _ = transformation.update(grads, transformation.init(params), params)
    expected = optax.apply_updates(params, updates)
    if how == "step":
        state, _ = model.step(model.train_state(), BATCH)
    else:
        model.fit(*BATCH, batch_size=16, verbose=0)
        state = model.train_state()
    for a, b in zip(jax.tree.leaves(state.params), jax.tree.leaves(expected)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


# -- what it is told ------------------------------------------------------------------------------

CONTRIB = optax.contrib
TOLD = {
    "lbfgs": optax.lbfgs,
    "polyak_sgd": optax.polyak_sgd,
    "reduce_on_plateau": lambda: optax.chain(optax.sgd(0.1), CONTRIB.reduce_on_plateau(patience=0)),
    "backtracking": lambda: optax.chain(optax.sgd(0.5), optax.scale_by_backtracking_linesearch(5)),
    "momo": CONTRIB.momo,
    "injected": lambda: optax.inject_hyperparams(optax.polyak_sgd)(max_learning_rate=0.3),
    "MultiSteps": lambda: optax.MultiSteps(optax.sgd(0.1), 2),
    "MultiSteps of lbfgs": lambda: optax.MultiSteps(optax.lbfgs(), 2),
    "MultiSteps, as a transformation": lambda: optax.MultiSteps(
        optax.sgd(0.1), 2
    ).gradient_transformation(),
}


@pytest.mark.parametrize("name", TOLD)
def test_training_is_a_loop_with_optax(name):
    transformation = TOLD[name]()
    model = stack()
    model.compile(transformation, "mse")
    params = model.init(model.build_key)["params"]

    def loss(params):
        return jnp.mean((model.apply({"params": params}, X)[0] - Y) ** 2)

    @jax.jit
    def by_hand(params, opt_state):
        value, grads = jax.value_and_grad(loss)(params)
        more = {"value": value, "grad": grads, "value_fn": loss}
        if "as a transformation" in name:
            more = {}
        updates, opt_state = transformation.update(grads, opt_state, params, **more)
        return optax.apply_updates(params, updates), opt_state

    stepped, step = model.train_state(), jax.jit(model.step)
    opt_state = transformation.init(params)
    for _ in range(3):
        params, opt_state = by_hand(params, opt_state)
        stepped, _ = step(stepped, BATCH)
    model.fit(*BATCH, batch_size=16, epochs=3, shuffle=False, verbose=0)
    fitted = model.train_state()
    assert jax.tree.structure(fitted) == jax.tree.structure(stepped)
    for expected, *others in zip(
        *map(jax.tree.leaves, (params, stepped.params, fitted.params)), strict=True
    ):
        for value in others:
            np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-4)


OTHERS = {
    "sam": lambda: CONTRIB.sam(optax.sgd(0.1), optax.sgd(0.1), opaque_mode=True),
    "sophia": lambda: CONTRIB.sophia(0.1),
    "prodigy": CONTRIB.prodigy,
    "schedule_free": lambda: CONTRIB.schedule_free_sgd(0.1),
    "apply_if_finite": lambda: optax.apply_if_finite(optax.adam(0.1), 3),
    "noise": lambda: optax.chain(optax.add_noise(0.01, 0.5, jax.random.key(0)), optax.sgd(0.1)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_transformations_train_with_one_structure_of_state(name):
    model = stack()
    model.compile(OTHERS[name](), "mse")
    first = model.init_state(model.build_key, BATCH)
    second, _ = model.step(first, BATCH)
    assert (
        jax.tree.structure(second)
        == jax.tree.structure(first)
        == jax.tree.structure(model.train_state())
    )
    history = model.fit(*BATCH, batch_size=8, epochs=4, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.parametrize("how", ["step", "fit"])
def test_the_loss_that_is_evaluated_again_has_the_same_masks(how):
    """With dropout, in a loop of the transformation too: the loss at the parameters is the loss."""

    def init(params):
        return (jnp.zeros(()),) * 4

    def update(updates, state, params=None, *, value, grad, value_fn, **more):
        again, gradient = jax.value_and_grad(value_fn)(params)
        looped = jax.lax.fori_loop(0, 2, lambda i, _: value_fn(params), 0.0)
        difference = optax.tree.norm(optax.tree.sub(gradient, grad))
        return updates, (value, again, looped, difference)

    model = stack(dropout=0.5)
    model.compile(optax.GradientTransformationExtraArgs(init, update), "mse")
    if how == "step":
        state, logs = jax.jit(model.step)(model.train_state(), BATCH)
        loss = float(logs["loss"])
    else:
        loss = model.fit(*BATCH, batch_size=16, verbose=0).history["loss"][0]
        state = model.train_state()
    *values, difference = map(float, state.opt_state["transformation"])
    assert values == pytest.approx([loss] * 3, rel=1e-5) and difference == pytest.approx(
        0, abs=1e-5
    )


def test_the_pure_form_passes_on_what_it_is_told():
    optimizer = optimizers.get(optax.polyak_sgd())
    params = {"w": jnp.array([3.0, 4.0])}
    grads, value = {"w": jnp.array([3.0, 4.0])}, jnp.float32(12.5)
    state = optimizer.init(params)
    new, _ = optimizer.update(grads, state, params, value=value)
    # Polyak's rate: value / |gradient|^2, here 12.5 / 25.
    np.testing.assert_allclose(new["w"], [1.5, 2.0], rtol=1e-5)
    variable = fkeras.Variable(params["w"])
    optimizer.build([variable])
    optimizer.apply([grads["w"]], [variable], value=value)
    np.testing.assert_allclose(variable, [1.5, 2.0], rtol=1e-5)


# -- refusals -------------------------------------------------------------------------------------


def asks_for_hessian():
    def update(updates, state, params=None, *, hessian, **more):
        return updates, state

    return optax.GradientTransformationExtraArgs(optax.init_empty_state, update)


@pytest.mark.parametrize(
    "transformation, reason",
    [
        (lambda: CONTRIB.differentially_private_aggregate(1.0, 0.1, 0), "batch dimension"),
        (asks_for_hessian, "hessian"),
    ],
)
def test_what_no_step_can_serve_is_refused_at_compile(transformation, reason):
    with pytest.raises(UserInputError, match=f"{reason}[^$]*loop of your own"):
        stack(built=False).compile(transformation(), "mse")


def test_the_loss_does_not_reach_inside_of_others():
    with pytest.raises(UserInputError, match="LossScaleOptimizer: compile with `auto_scale_loss"):
        optimizers.LossScaleOptimizer(optax.lbfgs())
    composed = optimizers.MultiOptimizer(optimizers.OptimizerMap(optimizers.get(optax.lbfgs())))
    with pytest.raises(UserInputError, match="inside of a MultiOptimizer"):
        composed.init({"w": jnp.ones(2)})


def test_a_step_of_ones_own_is_told_to_pass_the_loss():
    optimizer = optimizers.get(optax.polyak_sgd())
    params = {"w": jnp.ones(2)}
    with pytest.raises(UserInputError, match="value=loss"):
        optimizer.update(params, optimizer.init(params), params)
    with pytest.raises(UserInputError, match="gradients and variables only.*value"):
        sgd = optimizers.SGD()
        sgd.build([fkeras.Variable(jnp.ones(2))])
        sgd.apply([jnp.ones(2)], value=1.0)


def test_only_transformations_are_taken():
    with pytest.raises(ValueError, match="GradientTransformation"):
        optimizers.OptaxOptimizer("adam")
