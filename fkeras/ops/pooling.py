"""Pooling over sliding windows and to a fixed output size."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops import cpu_windows
from fkeras.ops.tensors import as_array, widen
from fkeras.ops.windows import check_padding, full_rank, per_axis, spatial_axes
from fkeras.types import Axis, DataFormat, DTypeLike, Tensor, TensorLike


def _arguments(
    inputs: jax.Array,
    pool_size: Axis,
    strides: Axis | None,
    padding: str,
    data_format: DataFormat | None,
) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Window, strides (one int for each axis of the inputs) and padding, checked."""
    data_format = standardize_data_format(data_format)
    spatial = inputs.ndim - 2
    if spatial < 1:
        raise UserInputError(
            "Pooling needs (batch, spatial..., channels), so rank 3 or more. Received: "
            f"inputs.shape={inputs.shape}."
        )
    pool_size = per_axis("pool_size", pool_size, spatial)
    strides = pool_size if strides is None else per_axis("strides", strides, spatial)
    return (
        full_rank(pool_size, data_format),
        full_rank(strides, data_format),
        check_padding(padding),
    )


@op
def max_pool(
    inputs: TensorLike,
    pool_size: Axis,
    strides: Axis | None = None,
    padding: str = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Largest value of each window: (batch, spatial..., channels) -> the same with fewer positions.

    Args:
        inputs: array with 1 or more spatial axes; channels where `data_format` says.
        pool_size, strides: an int or one int per spatial axis; strides None means `pool_size`.
        padding: `'valid'`, or `'same'`: ceil(size / stride) windows, padded with -inf.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
    """
    inputs = as_array(inputs)
    pool_size, strides, padding = _arguments(inputs, pool_size, strides, padding, data_format)
    if cpu_windows.preferred() and sum(pool_size) <= cpu_windows.MOST_POSITIONS:
        # Axes that the pool leaves alone need no slices.
        axes = tuple(
            axis for axis in range(inputs.ndim) if (pool_size[axis], strides[axis]) != (1, 1)
        )
        return cpu_windows.max_pool(
            inputs,
            axes,
            tuple(pool_size[a] for a in axes),
            tuple(strides[a] for a in axes),
            padding,
        )
    return lax.reduce_window(inputs, _lowest(inputs.dtype), lax.max, pool_size, strides, padding)


@op
def average_pool(
    inputs: TensorLike,
    pool_size: Axis,
    strides: Axis | None = None,
    padding: str = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Mean of each window; padded positions do not count. Arguments as in `max_pool`."""
    inputs = as_array(inputs)
    if not jnp.issubdtype(inputs.dtype, jnp.inexact):
        inputs = inputs.astype(jnp.result_type(inputs.dtype, float))
    dtype = inputs.dtype
    inputs = widen(inputs)  # a window of more than 256 ones adds up to 256 in bfloat16
    pool_size, strides, padding = _arguments(inputs, pool_size, strides, padding, data_format)
    zero = np.array(0, inputs.dtype)
    total = lax.reduce_window(inputs, zero, lax.add, pool_size, strides, padding)
    if padding == "VALID":
        return (total / math.prod(pool_size)).astype(dtype)
    # How many positions of each window lie inside; axes without a window keep size 1.
    sizes = [n if window != 1 else 1 for n, window in zip(inputs.shape, pool_size, strict=True)]
    ones = jnp.ones(sizes, inputs.dtype)
    counts = lax.reduce_window(ones, zero, lax.add, pool_size, strides, padding)
    return (total / counts).astype(dtype)


def _adaptive(
    inputs: TensorLike,
    output_size: Axis,
    data_format: DataFormat | None,
    reduce: Callable[[jax.Array, np.ndarray, int], jax.Array],
) -> jax.Array:
    """Applies `reduce(windows, mask, axis)` along one spatial axis after the other.

    Window i covers [floor(i n/m), ceil((i+1) n/m)).
    """
    inputs = as_array(inputs)
    axes = spatial_axes(inputs.ndim, standardize_data_format(data_format))
    if not 1 <= len(axes) <= 3:
        raise UserInputError(
            f"Adaptive pooling takes 1, 2 or 3 spatial axes. Received: inputs.shape={inputs.shape}."
        )
    for axis, count in zip(axes, per_axis("output_size", output_size, len(axes)), strict=True):
        size = inputs.shape[axis]
        starts = np.arange(count) * size // count
        stops = -(-np.arange(1, count + 1) * size // count)
        # Windows differ in length by one at most: short ones read one value too much, masked out.
        index = starts[:, None] + np.arange(max(stops - starts))  # (windows, longest window)
        mask = (index < stops[:, None]).reshape(index.shape + (1,) * (inputs.ndim - axis - 1))
        windows = jnp.take(inputs, np.minimum(index, size - 1), axis=axis)
        inputs = reduce(windows, mask, axis + 1)
    return inputs


@op
def adaptive_average_pool(
    inputs: TensorLike, output_size: Axis, data_format: DataFormat | None = None
) -> Tensor:
    """Mean over `output_size` windows (an int, or one per spatial axis) that tile each axis.

    >>> from fkeras import ops
    >>> ops.adaptive_average_pool(ops.reshape([1.0, 2.0, 3.0, 4.0], (1, 4, 1)), 2)[0, :, 0]
    Array([1.5, 3.5], dtype=float32)
    """
    return _adaptive(
        inputs, output_size, data_format, lambda x, mask, axis: jnp.mean(x, axis, where=mask)
    )


@op
def adaptive_max_pool(
    inputs: TensorLike, output_size: Axis, data_format: DataFormat | None = None
) -> Tensor:
    """Largest value over the windows of `adaptive_average_pool`."""
    return _adaptive(
        inputs,
        output_size,
        data_format,
        lambda x, mask, axis: jnp.max(x, axis, where=mask, initial=_lowest(x.dtype)),
    )


def _lowest(dtype: DTypeLike | None) -> np.ndarray:
    """What is never the largest of its dtype, unless all are."""
    return np.array(-jnp.inf if jnp.issubdtype(dtype, jnp.inexact) else jnp.iinfo(dtype).min, dtype)
