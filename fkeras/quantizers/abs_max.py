"""Whole numbers with one scale for each slice, chosen by the slice's largest magnitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.symbolic.argument_kinds import read
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.quantizers import zero_points

if TYPE_CHECKING:
    from fkeras.types import Axis, DTypeLike, TensorLike


@op
def abs_max_quantize(
    inputs: TensorLike,
    axis: Axis,
    value_range: tuple[int, int] = (-127, 127),
    dtype: DTypeLike = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """Values as whole numbers, and the scales they were multiplied by.

    Args:
        inputs: array of floats.
        axis: int or tuple of ints: the axes that share a scale.
        value_range: the smallest and the largest whole number.
        dtype: of the whole numbers.
        epsilon: added to the largest magnitude, so that slices of zeros have a finite scale.
        to_numpy: whether the host computes, which saves memory on the device.

    Returns:
        The whole numbers, of the inputs' shape, and the scales, of 1 along `axis`. Dividing by the
        scale gives the inputs back, but for rounding.

    Examples:
        >>> import jax.numpy as jnp
        >>> values, scale = abs_max_quantize(jnp.array([[-1.0, 0.2, 0.5]]), axis=-1)
        >>> values.tolist(), round(float(scale[0, 0]), 3)
        ([[-127, 25, 63]], 127.0)
    """
    dtype_of_scale = jnp.asarray(inputs).dtype
    xp, inputs = _on_host_or_device(inputs, to_numpy)
    axis = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    smallest, largest = value_range
    largest_magnitude = xp.max(xp.abs(inputs), axis=axis, keepdims=True)
    scale = (largest / (largest_magnitude + epsilon)).astype(inputs.dtype)
    values = xp.clip(xp.round(inputs * scale), smallest, largest).astype(dtype)
    return jnp.asarray(values), jnp.asarray(scale, dtype_of_scale)


def abs_max_quantize_grouped_with_zero_point(
    inputs: TensorLike,
    block_size: int,
    value_range: tuple[int, int] = (-8, 7),
    dtype: DTypeLike = "int8",
    epsilon: float = 1e-7,
    to_numpy: bool = False,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Columns as whole numbers, with a scale and a zero point for each block of rows.

    Use it where values are not centred around zero. `(values - zero_point) * scale` gives the
    inputs back, but for rounding.

    Args:
        inputs: array of floats, `(rows, columns)`.
        block_size: rows that share a scale, positive. The last block may have fewer.
        value_range, dtype, epsilon, to_numpy: as `abs_max_quantize` has them; `epsilon` is added to
            the range of a block.

    Returns:
        The whole numbers `(rows, columns)`, scales and zero points `(blocks, columns)`, the last
        of int8.

    Raises:
        UserInputError: inputs of another rank, a block size that is not positive.

    Examples:
        >>> import jax.numpy as jnp
        >>> kernel = jnp.array([[0.0], [1.5], [-3.0], [2.9]])
        >>> values, scale, zero = abs_max_quantize_grouped_with_zero_point(kernel, block_size=2)
        >>> values.T.tolist(), zero.T.tolist()
        ([[-8, 7, -8, 7]], [[-8, 0]])
        >>> ((values - jnp.repeat(zero, 2, axis=0)) * jnp.repeat(scale, 2, axis=0)).shape
        (4, 1)
    """
    dtype_of_scale = jnp.asarray(read(inputs)).dtype
    xp, inputs = _on_host_or_device(read(inputs), to_numpy)
    if inputs.ndim != 2:
        raise UserInputError(
            "`abs_max_quantize_grouped_with_zero_point` takes arrays (rows, columns). Received: "
            f"shape {tuple(inputs.shape)}. Reshape it first."
        )
    if block_size <= 0:
        raise UserInputError(f"`block_size` must be positive. Received: block_size={block_size}")
    rows, columns = inputs.shape
    smallest, largest = value_range
    blocks = zero_points.in_blocks(inputs, block_size, xp)  # (blocks, block_size, columns)
    low, high = zero_points.range_with_zero(blocks.min(axis=1), blocks.max(axis=1), xp)
    scale = ((high - low + epsilon) / (largest - smallest)).astype(inputs.dtype)
    zero = xp.clip(xp.round(-low / scale) + smallest, smallest, largest)
    values = xp.round(blocks / scale[:, None]) + zero[:, None]
    values = xp.clip(values, smallest, largest).astype(dtype).reshape(-1, columns)[:rows]
    scale = jnp.asarray(scale, dtype_of_scale)
    return jnp.asarray(values), scale, jnp.asarray(zero.astype("int8"))


def _on_host_or_device(inputs: TensorLike, to_numpy: bool) -> tuple[Any, Any]:
    """The module that computes, and the inputs as its array; NumPy has no bfloat16 of its own."""
    if not to_numpy:
        return jnp, jnp.asarray(inputs)
    array = np.asarray(inputs)
    return np, array.astype("float32") if array.dtype == jnp.bfloat16 else array
