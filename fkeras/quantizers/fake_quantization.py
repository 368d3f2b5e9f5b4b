"""Rounding to a few bits in training, with gradients that pass."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import TensorLike


@op
def fake_quant_with_min_max_vars(
    inputs: TensorLike,
    min_vals: TensorLike,
    max_vals: TensorLike,
    num_bits: int = 8,
    narrow_range: bool = False,
    axis: int | None = None,
) -> jax.Array:
    """Values cut to a range and rounded to the steps that a few bits can say, as floats.

    Gradients pass where a value lies in the range. Those outside pass theirs to the bound that cuts
    them, so that the bounds can be trained.

    Args:
        inputs: array of floats.
        min_vals, max_vals: the range, a scalar or one for each channel; it is moved a little, so
            that 0 is one of the steps.
        num_bits: bits of a number.
        narrow_range: whether numbers start at 1 rather than 0.
        axis: the axis of channels; None for one range.

    Returns:
        An array of the inputs' shape and dtype.

    Raises:
        UserInputError: `axis` is outside of the inputs' axes.

    Examples:
        >>> import jax.numpy as jnp
        >>> x = jnp.array([-4.0, 0.3, 2.0])
        >>> fake_quant_with_min_max_vars(x, -3.0, 3.0, num_bits=3).tolist()
        [-3.42..., 0.0, 1.71...]
    """
    x = jnp.asarray(inputs)
    if axis is not None:
        if not -x.ndim <= axis < x.ndim:
            raise UserInputError(f"`axis`={axis} is outside of inputs of rank {x.ndim}.")
        axis %= x.ndim
    low, high = jnp.asarray(min_vals), jnp.asarray(max_vals)
    return _rounded(x, low, high, int(num_bits), narrow_range, axis)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4, 5))
def _rounded(
    x: jax.Array,
    low: jax.Array,
    high: jax.Array,
    num_bits: int,
    narrow_range: bool,
    axis: int | None,
) -> jax.Array:
    return _forward(x, low, high, num_bits, narrow_range, axis)[0]


def _forward(
    x: jax.Array,
    low: jax.Array,
    high: jax.Array,
    num_bits: int,
    narrow_range: bool,
    axis: int | None,
) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    smallest = 1 if narrow_range else 0
    largest = 2**num_bits - 1
    low_of_channels, high_of_channels = (_along(bound, axis, x.ndim) for bound in (low, high))
    low_of_channels = low_of_channels.astype(jnp.promote_types(low.dtype, "float32"))
    width = high_of_channels.astype(low_of_channels.dtype) - low_of_channels
    scale = width / (largest - smallest)
    steps_per_unit = (largest - smallest) / width  # not 1 / scale, which loses a bit
    zero = jnp.round(jnp.clip(smallest - low_of_channels / scale, smallest, largest))
    lowest, highest = (smallest - zero) * scale, (largest - zero) * scale
    cut = jnp.clip(x.astype(scale.dtype), lowest, highest) - lowest
    first_step = jnp.floor(-lowest * steps_per_unit + 0.5)
    rounded = jnp.floor(cut * steps_per_unit - first_step + 0.5) * scale
    return rounded.astype(x.dtype), (x, lowest, highest, low, high)


def _backward(
    num_bits: int,
    narrow_range: bool,
    axis: int | None,
    saved: tuple[jax.Array, ...],
    upstream: jax.Array,
) -> tuple[jax.Array, ...]:
    x, lowest, highest, low, high = saved
    others = None if axis is None else tuple(i for i in range(x.ndim) if i != axis)

    def of_bound(is_cut: jax.Array, bound: jax.Array) -> jax.Array:
        summed = others if bound.size > 1 else None
        total = jnp.where(is_cut, upstream, 0).sum(axis=summed)
        return total.reshape(bound.shape).astype(bound.dtype)

    inside = (x >= lowest) & (x <= highest)
    return (
        jnp.where(inside, upstream, 0),
        of_bound(x <= lowest, low),
        of_bound(x >= highest, high),
    )


_rounded.defvjp(_forward, _backward)


def _along(bound: jax.Array, axis: int | None, ndim: int) -> jax.Array:
    """A bound so that it stands along the axis of channels."""
    if axis is None or bound.size == 1:
        return bound.reshape(())
    return bound.reshape([-1 if i == axis else 1 for i in range(ndim)])
