"""Arithmetic of arrays of different ranks, with JAX's own promotion of ranks forbidden."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core import broadcasting

X = np.arange(12.0, dtype="float32").reshape(2, 2, 3)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1), (2, 2, 3), (1, 2, 3)])
def test_what_has_fewer_axes_is_put_under_the_last_ones(shape):
    y = np.arange(1.0, 1 + np.prod(shape, dtype=int), dtype="float32").reshape(shape)
    with jax.numpy_rank_promotion("raise"):
        added = broadcasting.add(jnp.asarray(X), jnp.asarray(y))
        multiplied = jax.jit(broadcasting.multiply)(X, y)
    np.testing.assert_array_equal(added, X + y)
    np.testing.assert_array_equal(multiplied, X * y)


def test_dtypes_are_promoted_as_operators_do():
    half = jnp.ones(3, "bfloat16")
    assert broadcasting.add(jnp.ones((2, 3), "bfloat16"), half).dtype == jnp.bfloat16
    assert broadcasting.add(jnp.ones((2, 3)), half).dtype == jnp.float32


def test_an_array_of_full_rank_stays_as_it_is():
    x = jnp.ones((2, 3))
    assert broadcasting.with_rank(x, 2) is x
    assert broadcasting.with_rank(x, 4).shape == (1, 1, 2, 3)
