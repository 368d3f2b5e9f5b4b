"""Arithmetic that update rules share."""

import jax
import jax.numpy as jnp


@jax.custom_jvp
def sqrt(x):
    """The square root with derivative 0 at 0, so that updates can be differentiated where a
    gradient was exactly zero.
    """
    return jax.lax.sqrt(x)


@sqrt.defjvp
def _sqrt_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    root = jax.lax.sqrt(x)
    return root, jnp.where(x == 0, 0, t / (2 * jnp.where(x == 0, 1, root)))


def wide(x):
    """At least float32: half precision parameters are updated in float32 and rounded once.

    In bfloat16 itself 0.999 is 1, and Adam's step exactly zero.
    """
    return x if x.dtype.itemsize >= 4 else x.astype(jnp.float32)


def clip_by_norm(gradient, limit):
    """Scales one gradient so that its L2 norm is at most `limit`."""
    gradient = wide(gradient)
    norm = sqrt(jnp.sum(jnp.square(gradient)))
    return gradient * limit / jnp.maximum(norm, limit)


def clip_by_global_norm(gradients: list, limit) -> list:
    """Scales all gradients by one factor so that their joint L2 norm is at most `limit`; all become
    NaN if any is not finite.
    """
    norm = sqrt(sum(jnp.sum(jnp.square(wide(g))) for g in gradients))
    scale = limit / jnp.maximum(norm, limit) + (norm - norm)
    return [wide(g) * scale for g in gradients]


def either(condition, yes, no):
    """`yes()` or `no()`: decided now where the condition is a plain value, else on the device."""
    if isinstance(condition, jax.core.Tracer):
        return jax.lax.cond(condition, yes, no)
    return yes() if condition else no()
