"""Arithmetic of arrays of different ranks, spelled out.

`x + bias` puts axes before those of `bias` by itself, unless JAX was told not to
(`jax.numpy_rank_promotion("raise")`), as those do who were bitten by it. fkeras's layers, losses,
metrics and optimizers work there too: what has fewer axes gets its leading ones here.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp


def with_rank(x: jax.Array, rank: int) -> jax.Array:
    """`x` with axes of size 1 put before its own, up to `rank` axes."""
    return jnp.expand_dims(x, tuple(range(rank - x.ndim))) if x.ndim < rank else x


# Each is one operation in eager calls too, as `x + y` is.
@functools.partial(jax.jit, inline=True)
def add(x: jax.Array, y: jax.Array) -> jax.Array:
    """`x + y`; the axes of `y` are the last ones of `x`."""
    return x + with_rank(y, x.ndim)


@functools.partial(jax.jit, inline=True)
def multiply(x: jax.Array, y: jax.Array) -> jax.Array:
    """`x * y`; the axes of `y` are the last ones of `x`."""
    return x * with_rank(y, x.ndim)
