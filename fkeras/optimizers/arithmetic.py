"""Arithmetic that update rules share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp

T = TypeVar("T")


@jax.custom_jvp
def sqrt(x: jax.Array) -> jax.Array:
    """The square root, with derivative 0 at 0.

    So updates can be differentiated where a gradient was exactly zero.
    """
    return jax.lax.sqrt(x)


@sqrt.defjvp
def _sqrt_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]):
    (x,), (t,) = primals, tangents
    root = sqrt(x)  # not lax's: second derivatives go through this rule too
    # The inner `where` keeps 0 out of the division: NaN times 0 would be NaN again in a derivative.
    return root, jnp.where(x == 0, 0, t / (2 * jnp.where(x == 0, 1, root)))


def at_least_float32(x: jax.Array) -> jax.Array:
    """Half precision made float32: such parameters are updated in float32 and rounded once.

    In bfloat16 itself 0.999 is 1, and Adam's step exactly zero.
    """
    return x if x.dtype.itemsize >= 4 else x.astype(jnp.float32)


def clip_by_norm(gradient: jax.Array, limit: float) -> jax.Array:
    """Scales one gradient so that its L2 norm is at most `limit`."""
    gradient = at_least_float32(gradient)
    norm = sqrt(jnp.sum(jnp.square(gradient)))
    return gradient * limit / jnp.maximum(norm, limit)


def clip_by_global_norm(gradients: Sequence[jax.Array], limit: float) -> list[jax.Array]:
    """Scales all gradients by one factor so that their joint L2 norm is at most `limit`.

    All become NaN if any is not finite.
    """
    norm = sqrt(sum(jnp.sum(jnp.square(at_least_float32(g))) for g in gradients))
    # norm - norm is 0, or NaN for an infinite norm, which the quotient would hide as 0.
    scale = limit / jnp.maximum(norm, limit) + (norm - norm)
    return [at_least_float32(g) * scale for g in gradients]


def either(condition: jax.Array | bool, yes: Callable[[], T], no: Callable[[], T]) -> T:
    """`yes()` or `no()`: decided now where the condition is a plain value, else on the device."""
    if isinstance(condition, jax.core.Tracer):
        return jax.lax.cond(condition, yes, no)
    return yes() if condition else no()
