"""Losses, state and captured outputs in inner transformations: as written by hand, or an error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, lift, ops
from fkeras.errors import PureCallError

from .forms import OPS_ONCE, OPS_REPEATED, OURS_ONCE, RAW_ONCE, RAW_REPEATED, Block, keys, plain

X = jax.random.normal(jax.random.key(1), (3, 4))
KEPT = pytest.mark.parametrize("kept", [False, True], ids=["inline", "kept"])
# Outside of programs a rule is not traced: what it adds and writes counts.
RAW_TRACED = {name: form for name, form in RAW_ONCE.items() if name != "custom_vjp"}
RUN_ONCE = RAW_TRACED | OPS_ONCE
# From a vmap losses come out, as the sum over its members.
REFUSING = RUN_ONCE | RAW_REPEATED | OPS_REPEATED
del REFUSING["vmap"], REFUSING["ops.vectorized_map"]


def regularized():
    return layers.Dense(4, activity_regularizer="l2", kernel_regularizer="l2")


def outcome(layer, variables, training=None):
    """Everything that a pure call gives, and the gradient."""

    def run(params):
        y, state, losses = layer.apply(
            {**variables, "params": params}, X, training=training, return_losses=True
        )
        return (y**3).sum() + sum(losses), (y, state, losses)

    return jax.value_and_grad(run, has_aux=True)(variables["params"])


def assert_same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5), a, b)


@KEPT
@pytest.mark.parametrize("form", OURS_ONCE.values(), ids=OURS_ONCE)
@pytest.mark.parametrize("make", [regularized, layers.BatchNormalization])
def test_ours_carry_losses_and_state(make, form, kept):
    layer, by_hand = Block(make(), form, kept), Block(make(), plain)
    variables = by_hand.init(keys()[0], X)
    layer.init(keys()[0], X)
    expected = outcome(by_hand, variables, True)
    assert_same(outcome(layer, variables, True), expected)
    assert_same(jax.jit(lambda v: outcome(layer, v, True))(variables), expected)
    by_hand(X), layer(X)
    layer.set_weights(by_hand.get_weights())
    for training in (True, False, True):
        assert_same(layer(X, training=training), by_hand(X, training=training))
        assert_same(layer.losses, by_hand.losses)
    assert_same(layer.get_weights(), by_hand.get_weights())


@pytest.mark.parametrize("form", REFUSING.values(), ids=REFUSING)
def test_those_of_jax_refuse_losses(form):
    layer = Block(regularized(), form)
    variables = Block(regularized(), plain).init(keys()[0], X)
    with pytest.raises(PureCallError, match="`add_loss.*`fkeras.lift.scan`"):
        layer.apply(variables, X, return_losses=True)
    layer.built = True
    with pytest.raises(PureCallError, match="`add_loss"):
        layer(X)


@pytest.mark.parametrize("form", RUN_ONCE.values(), ids=RUN_ONCE)
def test_those_of_jax_refuse_written_state(form):
    layer = Block(layers.BatchNormalization(), form)
    variables = layer.init(keys()[0], X)
    with pytest.raises(PureCallError, match="moving_mean.*inner scan"):
        layer.apply(variables, X, training=True)
    assert_same(layer.apply(variables, X)[0], Block(layers.BatchNormalization(), plain)(X))


def test_a_rule_of_jax_loses_no_loss():
    layer = Block(regularized(), RAW_ONCE["custom_vjp"])
    by_hand = Block(regularized(), plain)
    variables = by_hand.init(keys()[0], X)

    def total(variables):
        return sum(layer.apply(variables, X, return_losses=True)[2])

    expected = sum(by_hand.apply(variables, X, return_losses=True)[2])
    np.testing.assert_allclose(total(variables), expected, rtol=1e-6)
    with pytest.raises(PureCallError, match="`add_loss"):
        jax.jit(total)(variables)
    # JAX runs the rule behind the derivative's trace: the loss would have a gradient of zero.
    activity = Block(layers.ActivityRegularization(l2=1.0), RAW_ONCE["custom_vjp"])
    with pytest.raises(PureCallError, match="`add_loss"):
        jax.grad(lambda x: sum(activity.apply({"params": {}}, x, return_losses=True)[2]))(X)


def test_a_constant_loss_counts_at_each_call_or_is_refused():
    class Adding(layers.Layer):
        def call(self, x):
            self.add_loss(1.0)
            return x

    layer = Block(Adding(), jax.jit, kept=True)
    for _ in range(2):
        with pytest.raises(PureCallError, match="`add_loss"):
            layer.apply({"params": {}}, X, return_losses=True)
    layer = Block(Adding(), fkeras.remat, kept=True)
    for _ in range(2):
        assert layer.apply({"params": {}}, X, return_losses=True)[2] == [1.0]


@pytest.mark.parametrize(
    "loop",
    [
        lambda f, x: jax.vmap(lambda row: f(row[None])[0])(x),
        lambda f, x: lift.vmap(lambda row: f(row[None])[0])(x),
        lambda f, x: ops.vectorized_map(lambda row: f(row[None])[0], x),
        lambda f, x: lift.scan(lambda c, row: (c, f(row[None])[0]), 0.0, x)[1],
        lambda f, x: jnp.stack([f(row[None])[0] for row in x]),
    ],
)
def test_losses_of_runs_and_members_are_summed(loop):
    layer = Block(regularized(), lambda f: lambda x: loop(f, x))
    variables = layer.init(keys()[0], X)

    def total(variables):
        return sum(layer.apply(variables, X, return_losses=True)[2])

    kernel = variables["params"]["part"]["kernel"]
    expected = 0.01 * ((X @ kernel) ** 2).sum() + 0.01 * (kernel**2).sum()
    np.testing.assert_allclose(total(variables), expected, rtol=1e-5)
    gradient = jax.jit(jax.grad(total))(variables)["params"]["part"]["kernel"]
    np.testing.assert_allclose(gradient, 0.02 * (X.T @ X @ kernel + kernel), rtol=1e-4, atol=1e-6)
    layer(X)
    assert len(jax.tree.leaves(layer.losses)) in (2, 4)


def test_a_branch_without_losses_adds_none():
    class Plain(layers.Layer):
        def call(self, x):
            return lift.cond(x.sum() > 0, lambda x: x, lambda x: 2 * x, x)

    assert Plain().apply({"params": {}}, X, return_losses=True)[2] == []


def test_state_goes_from_run_to_run_in_a_scan():
    class Counting(layers.Layer):
        def __init__(self):
            super().__init__()
            self.count = self.add_weight(initializer="zeros", trainable=False, name="count")

        def call(self, x):
            self.count.assign_add(jnp.sum(x))
            return x + self.count

    layer = Block(Counting(), lambda f: lambda x: lift.scan(lambda c, r: (c, f(r)), 0.0, x)[1])
    rows = jnp.array([[1.0], [2.0], [4.0]])
    variables = layer.init(keys()[0], rows)
    for run in (layer.apply, jax.jit(layer.apply)):
        y, state = run(variables, rows)
        assert y[:, 0].tolist() == [2.0, 5.0, 11.0] and state["part"]["count"] == 7.0
    layer(rows)
    assert float(layer.part.count) == 7.0
    members = Block(Counting(), lambda f: lambda x: lift.vmap(f)(x))
    with pytest.raises(PureCallError, match="inside `fkeras.lift.vmap`.*`fkeras.lift.scan`"):
        members.apply(variables, rows)


@pytest.mark.parametrize(
    ("form", "shape"),
    [
        (fkeras.remat, (3, 4)),
        (lambda f: fkeras.remat(fkeras.remat(f)), (3, 4)),
        (lambda f: lambda x: lift.scan(lambda c, r: (c, f(r[None])), 0.0, x)[1], (3, 1, 4)),
        (lambda f: lambda x: lift.vmap(lambda r: f(r[None]))(x), (3, 1, 4)),
    ],
)
def test_outputs_inside_are_captured(form, shape):
    layer = Block(layers.Dense(4), form)
    variables = layer.init(keys()[0], X)
    y, _, captured = layer.apply(variables, X, capture="part")
    assert list(captured) == ["part"] and captured["part"][0].shape == shape
    np.testing.assert_array_equal(captured["part"][0], y)


@pytest.mark.parametrize(
    "form",
    [jax.jit, jax.checkpoint, lambda f: jax.jit(fkeras.remat(f)), OURS_ONCE["lift.cond"]],
)
def test_outputs_that_cannot_come_out_are_an_error(form):
    layer = Block(layers.Dense(4), form)
    variables = layer.init(keys()[0], X)
    with pytest.raises(PureCallError, match="`capture` asks for the outputs of 'part'"):
        layer.apply(variables, X, capture="*")


def test_remat_scope_equals_plain():
    def make():
        return fkeras.Sequential(
            [regularized(), layers.BatchNormalization(), layers.Dropout(0.5, seed=2)]
        )

    by_hand = make()
    with fkeras.RematScope("full"):
        layer = make()
    variables = by_hand.init(keys()[0], X)
    layer.init(keys()[0], X)
    names = list(variables["params"])
    renamed = {
        group: dict(zip(list(layer.init(keys()[0], X)[group]), tree.values()))
        for group, tree in variables.items()
    }
    assert names == list(renamed["params"])

    def run(model, variables, key):
        def loss(params):
            y, state, losses = model.apply(
                {**variables, "params": params}, X, training=True, rngs=key, return_losses=True
            )
            return y.sum() + sum(losses), (y, state, losses)

        return jax.value_and_grad(loss, has_aux=True)(variables["params"])

    for key in keys():
        assert_same(run(layer, renamed, key), run(by_hand, variables, key))
        assert_same(jax.jit(lambda k: run(layer, renamed, k))(key), run(by_hand, variables, key))
    _, _, captured = layer.apply(renamed, X, capture="*")
    assert len(captured) == 3
    by_hand(X), layer(X)
    layer.set_weights(by_hand.get_weights())
    for training in (True, False, True):
        assert_same(layer(X, training=training), by_hand(X, training=training))
        assert_same(layer.losses, by_hand.losses)
