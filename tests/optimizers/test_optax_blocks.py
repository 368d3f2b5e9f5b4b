import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fkeras.core.values.stacking import StackedName
from fkeras.optimizers import optax_blocks


def trees():
    """Parameters with stacks, one of them inside another, and the same as separate blocks."""
    a = jnp.arange(6.0).reshape(3, 2)
    b = jnp.arange(12.0).reshape(3, 2, 2) + 1
    s, t = StackedName("s", 3), StackedName("t", 2)
    stacked = {"head": {"w": jnp.ones(2)}, "body": {s: {"a": a, "inner": {t: {"b": b}}}}}
    separate = {
        "head": {"w": jnp.ones(2)},
        "body": {
            f"s_{i}": {"a": a[i], "inner": {f"t_{j}": {"b": b[i, j]} for j in range(2)}}
            for i in range(3)
        },
    }
    return stacked, separate


def assert_equal(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b)):
        np.testing.assert_allclose(x, y, rtol=1e-6)


def test_separated_and_stacked_again():
    stacked, separate = trees()
    assert_equal(optax_blocks.separated(stacked), separate)
    assert_equal(optax_blocks.stacked_like(separate, stacked), stacked)
    plain = {"w": jnp.ones(2), "list": [jnp.zeros(1)]}
    assert_equal(optax_blocks.separated(plain), plain)


@pytest.mark.parametrize(
    "transformation",
    [
        optax.adafactor(0.1, min_dim_size_to_factor=1),
        optax.lamb(0.1),
        optax.chain(optax.clip_by_block_rms(0.1), optax.sgd(0.1, momentum=0.9)),
        optax.adamw(0.1, mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params)),
    ],
    ids=["adafactor", "lamb", "block rms", "masked"],
)
def test_transformations_see_blocks(transformation):
    stacked, separate = trees()
    own = optax_blocks.by_block(transformation)
    state, want_state = own.init(stacked), transformation.init(separate)
    for _ in range(2):
        grads = jax.tree.map(lambda p: 0.3 * p + 1, stacked)
        updates, state = own.update(grads, state, stacked)
        stacked = optax.apply_updates(stacked, updates)
        grads = jax.tree.map(lambda p: 0.3 * p + 1, separate)
        updates, want_state = transformation.update(grads, want_state, separate)
        separate = optax.apply_updates(separate, updates)
    assert_equal(optax_blocks.separated(stacked), separate)
    assert_equal(state, want_state)


def test_functions_of_parameters_are_told_the_stacks():
    stacked, separate = trees()
    value_of = lambda tree: sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree))
    transformation = optax.lbfgs()
    own = optax_blocks.by_block(transformation)

    def seen(tree):
        assert set(tree["body"]) == {"s"}
        return value_of(tree)

    value, grad = jax.value_and_grad(value_of)(stacked)
    updates, _ = own.update(grad, own.init(stacked), stacked, value=value, grad=grad, value_fn=seen)
    value, grad = jax.value_and_grad(value_of)(separate)
    want, _ = transformation.update(
        grad, transformation.init(separate), separate, value=value, grad=grad, value_fn=value_of
    )
    assert_equal(optax_blocks.separated(updates), want)
