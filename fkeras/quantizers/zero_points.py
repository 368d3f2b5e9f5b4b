"""Whole numbers that are counted from a zero point, with a scale and a zero point for each group.

`value = scale * (number - zero)`. Kernels stand as `(outputs, inputs)` here, and groups are of
neighbouring inputs, as GPTQ and AWQ have them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.argument_kinds import read
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import DTypeLike, TensorLike


def in_blocks(x: Any, block_size: int, xp: Any = jnp) -> Any:
    """`(rows, ...)` as `(blocks, block_size, ...)`; the last block is filled up with zeros.

    Args:
        x: array.
        block_size: rows of a block.
        xp: the module that computes: jax.numpy or numpy.
    """
    count = math.ceil(x.shape[0] / block_size)
    widths = [(0, count * block_size - x.shape[0])] + [(0, 0)] * (x.ndim - 1)
    return xp.pad(x, widths).reshape(count, block_size, *x.shape[1:])


def range_with_zero(low: Any, high: Any, xp: Any = jnp) -> tuple[Any, Any]:
    """The range from `low` to `high` with 0 in it.

    Without 0 the zero point of values of one sign would lie outside of what a few bits can say, and
    all of them would be cut to wrong values.
    """
    return xp.minimum(low, 0), xp.maximum(high, 0)


def compute_quantization_parameters(
    x: TensorLike,
    *,
    bits: int,
    symmetric: bool = False,
    per_channel: bool = False,
    group_size: int = -1,
    compute_dtype: DTypeLike = "float32",
    epsilon: float = 0.0,
    signed: bool = False,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Scales and zero points for a kernel.

    Args:
        x: kernel, `(outputs, inputs)`.
        bits: bits of a number.
        symmetric: whether the range is as wide below zero as above.
        per_channel: whether each output has its own scale; else all share one.
        group_size: inputs of a group, with `per_channel`; -1 for one group.
        compute_dtype: dtype of the largest number that is returned.
        epsilon: added to the range.
        signed: whether numbers are in [-2**(bits - 1), 2**(bits - 1) - 1], rather than in
            [0, 2**bits - 1].

    Returns:
        Scales `(outputs, groups)`, zero points of the same shape (int8 if signed, else uint8), and
        the largest number without a sign.

    Raises:
        UserInputError: no kernel, of rank below 2, or without elements.

    Examples:
        >>> import jax.numpy as jnp
        >>> kernel = jnp.array([[-1.0, 2.0, 0.0, 3.0]])
        >>> scale, zero, _ = compute_quantization_parameters(
        ...     kernel, bits=4, per_channel=True, group_size=2
        ... )
        >>> scale.shape, zero.tolist()
        ((1, 2), [[5, 0]])
    """
    if x is None:
        raise UserInputError("Input tensor None cannot be None: expected a kernel.")
    x = jnp.asarray(read(x))
    if x.ndim < 2:
        raise UserInputError(f"Expected a kernel of rank at least 2, but got rank {x.ndim}.")
    if x.size == 0:
        raise UserInputError("Input tensor 'x' cannot be empty.")
    low, high = _ranges(x, per_channel, group_size)  # (outputs, groups)
    low, high = range_with_zero(low, high)
    if symmetric:
        high = jnp.maximum(-low, high)
        low = -high
    is_flat = low == high
    low = jnp.where(is_flat, low - 1, low)
    high = jnp.where(is_flat, high + 1, high)
    largest = jnp.asarray(2**bits - 1, compute_dtype)
    scale = (high - low + epsilon) / largest
    offset = 2 ** (bits - 1) if signed else 0
    middle = 2 ** (bits - 1)
    zero = jnp.full_like(scale, middle) if symmetric else jnp.round(-low / scale)
    zero = jnp.clip(zero - offset, -offset, 2**bits - 1 - offset)
    return scale, zero.astype("int8" if signed else "uint8"), largest


def _ranges(x: jax.Array, per_channel: bool, group_size: int) -> tuple[jax.Array, jax.Array]:
    """The smallest and largest values, `(outputs, groups)`."""
    outputs = x.shape[0]
    if not per_channel:
        shape = (outputs, 1)
        return jnp.broadcast_to(x.min(), shape), jnp.broadcast_to(x.max(), shape)
    rows = x.reshape(outputs, -1)
    size = group_size if 0 < group_size < rows.shape[1] else rows.shape[1]
    groups = in_blocks(rows.T, size)  # (groups, size, outputs)
    return groups.min(axis=1).T, groups.max(axis=1).T


def quantize_with_zero_point(
    input_tensor: TensorLike, scale: TensorLike, zero: TensorLike, maxq: TensorLike
) -> jax.Array:
    """Values as numbers in [0, maxq], of the inputs' dtype.

    Args:
        input_tensor: array of floats.
        scale, zero: scale and zero point, of a shape that fits.
        maxq: the largest number.
    """
    scale = jnp.asarray(read(scale))
    safe = jnp.where(scale == 0, jnp.asarray(1e-8, scale.dtype), scale)
    numbers = jnp.asarray(read(input_tensor)) / safe + jnp.asarray(read(zero)).astype(scale.dtype)
    return jnp.clip(jnp.round(numbers), 0, maxq)


def dequantize_with_zero_point(
    input_tensor: TensorLike, scale: TensorLike, zero: TensorLike
) -> jax.Array:
    """The values of numbers: `scale * (input_tensor - zero)`."""
    scale = jnp.asarray(read(scale))
    zero = jnp.asarray(read(zero)).astype(scale.dtype)
    return scale * (jnp.asarray(read(input_tensor)).astype(scale.dtype) - zero)


def quantize_with_sz_map(
    weights_matrix: TensorLike,
    scale: TensorLike,
    zero: TensorLike,
    g_idx: TensorLike,
    maxq: TensorLike,
    group_axis: int = -1,
) -> jax.Array:
    """A kernel as numbers in [0, maxq], by the scale and zero point of each position's group.

    Args:
        weights_matrix: kernel.
        scale, zero: with the groups along `group_axis`.
        g_idx: the group of each position along that axis.
        maxq: the largest number.
        group_axis: axis of the groups.
    """
    scale, zero = _of_positions(scale, zero, g_idx, group_axis)
    return quantize_with_zero_point(weights_matrix, scale, zero, maxq)


def dequantize_with_sz_map(
    weights_matrix: TensorLike,
    scale: TensorLike,
    zero: TensorLike,
    g_idx: TensorLike,
    group_axis: int = -1,
) -> jax.Array:
    """A kernel from numbers, by the scale and zero point of each position's group.

    Args:
        weights_matrix: kernel as numbers.
        scale, zero: with the groups along `group_axis`.
        g_idx: the group of each position along that axis.
        group_axis: axis of the groups.

    Examples:
        >>> import jax.numpy as jnp
        >>> numbers = jnp.array([[5, 15, 0, 15]], "uint8")
        >>> scale, zero = jnp.array([[0.2, 0.1]]), jnp.array([[5, 0]], "uint8")
        >>> dequantize_with_sz_map(numbers, scale, zero, jnp.array([0, 0, 1, 1])).tolist()
        [[0.0, 2.0, 0.0, 1.5]]
    """
    scale, zero = _of_positions(scale, zero, g_idx, group_axis)
    return dequantize_with_zero_point(weights_matrix, scale, zero)


def _of_positions(
    scale: TensorLike, zero: TensorLike, g_idx: TensorLike, axis: int
) -> tuple[jax.Array, jax.Array]:
    groups = jnp.asarray(read(g_idx)).astype("int32")
    scale, zero = (jnp.asarray(read(values)) for values in (scale, zero))
    return jnp.take(scale, groups, axis=axis), jnp.take(zero, groups, axis=axis)
