"""Convolutions, pooling and resizing, with the argument names of Keras 2.

Kernels have the layout of TensorFlow, which is that of layers: rows, columns, channels in, out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras import ops
from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.keras2.shapes import temporal_padding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import Axis, DataFormat, Tensor, TensorLike

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


def conv1d(
    x: TensorLike,
    kernel: TensorLike,
    strides: Axis = 1,
    padding: str = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Axis = 1,
) -> Tensor:
    """A convolution over the steps of (batch, steps, channels).

    Args:
        x: the sequences. kernel: (width, channels in, channels out).
        padding: 'valid', 'same' or 'causal'.
    """
    if padding == "causal":
        width = ops.shape(kernel)[0]
        rate = dilation_rate if isinstance(dilation_rate, int) else dilation_rate[0]
        first = standardize_data_format(data_format) == "channels_first"
        around = ((0, 0), (0, 0), (rate * (width - 1), 0))
        x = ops.pad(x, around) if first else temporal_padding(x, around[2])
        padding = "valid"
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: TensorLike,
    kernel: TensorLike,
    strides: Axis = (1, 1),
    padding: str = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Axis = (1, 1),
) -> Tensor:
    """A convolution of images with a kernel of shape (rows, columns, channels in, out).

    Examples:
        >>> import fkeras, numpy as np
        >>> x, kernel = np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 2))
        >>> fkeras.backend.conv2d(x, kernel, padding="same").shape
        (1, 4, 4, 2)
    """
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(
    x: TensorLike,
    kernel: TensorLike,
    strides: Axis = (1, 1, 1),
    padding: str = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Axis = (1, 1, 1),
) -> Tensor:
    """A convolution of volumes with a kernel of five axes, channels in and out last."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def depthwise_conv2d(
    x: TensorLike,
    depthwise_kernel: TensorLike,
    strides: Axis = (1, 1),
    padding: str = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Axis = (1, 1),
) -> Tensor:
    """A convolution of each channel by itself; kernel: (rows, columns, channels, multiplier)."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv2d(
    x: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Axis = (1, 1),
    padding: str = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Axis = (1, 1),
) -> Tensor:
    """A depthwise convolution, then a pointwise one, (1, 1, channels * multiplier, out)."""
    return ops.separable_conv(
        x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate
    )


def conv2d_transpose(
    x: TensorLike,
    kernel: TensorLike,
    output_shape: Sequence[int | None],
    strides: Axis = (1, 1),
    padding: str = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Axis = (1, 1),
) -> Tensor:
    """The transposed convolution: what a convolution of an image of `output_shape` to one like `x`
    is differentiated to.

    Args:
        x: images. kernel: (rows, columns, channels out, channels in).
        output_shape: the whole shape, the batch first (None: that of `x`).

    Raises:
        UserInputError: a convolution of an image of `output_shape` does not have the shape of `x`.
    """
    return _conv2d_transpose(
        x, kernel, tuple(output_shape), strides, padding, data_format, dilation_rate
    )


@op
def _conv2d_transpose(x, kernel, output_shape, strides, padding, data_format, dilation_rate):
    x, kernel = jnp.asarray(x), jnp.asarray(kernel)
    batch, *rest = output_shape
    image = jax.ShapeDtypeStruct((x.shape[0] if batch is None else batch, *rest), x.dtype)

    def convolve(image):
        return ops.conv(image, kernel, strides, padding, data_format, dilation_rate)

    expected = jax.eval_shape(convolve, image).shape
    if expected != x.shape:
        raise UserInputError(
            f"conv2d_transpose: a convolution of images of output_shape={tuple(output_shape)} has "
            f"shape {expected}. Received x of shape {x.shape}."
        )
    return jax.linear_transpose(convolve, image)(x)[0]


def pool2d(
    x: TensorLike,
    pool_size: Axis,
    strides: Axis = (1, 1),
    padding: str = "valid",
    data_format: DataFormat | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """The largest value or the mean of each window of an image; `pool_mode` is 'max' or 'avg'."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode, 2)


def pool3d(
    x: TensorLike,
    pool_size: Axis,
    strides: Axis = (1, 1, 1),
    padding: str = "valid",
    data_format: DataFormat | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """The largest value or the mean of each window of a volume; `pool_mode` is 'max' or 'avg'."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode, 3)


def _pool(x, pool_size, strides, padding, data_format, pool_mode, ndim):
    for name, value in (("pool_size", pool_size), ("strides", strides)):
        if not isinstance(value, tuple | list) or len(value) != ndim:
            raise UserInputError(
                f"pool{ndim}d: `{name}` must be a tuple of {ndim} integers. Received: {value!r}"
            )
    pools = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in pools:
        raise UserInputError(
            f"pool{ndim}d: `pool_mode` must be 'max' or 'avg'. Received: {pool_mode!r}"
        )
    return pools[pool_mode](x, pool_size, strides, padding, data_format)


def resize_images(
    x: TensorLike,
    height_factor: int,
    width_factor: int,
    data_format: DataFormat,
    interpolation: str = "nearest",
) -> Tensor:
    """Images, larger by whole factors.

    Args:
        interpolation: 'nearest', 'bilinear', 'bicubic', 'lanczos3' or 'lanczos5'; 'area' is the
            same as 'nearest' here.
    """
    standardize_data_format(data_format)
    if interpolation not in (*_INTERPOLATIONS, "area"):
        raise UserInputError(
            f"resize_images: `interpolation` must be one of {_INTERPOLATIONS}. Received: "
            f"{interpolation!r}"
        )
    rows = 1 if data_format == "channels_last" else 2
    if interpolation in ("nearest", "area"):
        return ops.repeat(ops.repeat(x, height_factor, axis=rows), width_factor, axis=rows + 1)
    height, width = ops.shape(x)[rows : rows + 2]
    size = (height * height_factor, width * width_factor)
    return ops.image.resize(x, size, interpolation=interpolation, data_format=data_format)


def resize_volumes(
    x: TensorLike,
    depth_factor: int,
    height_factor: int,
    width_factor: int,
    data_format: DataFormat,
) -> Tensor:
    """Volumes, larger by whole factors: each voxel repeated."""
    first = 1 if standardize_data_format(data_format) == "channels_last" else 2
    for axis, factor in enumerate((depth_factor, height_factor, width_factor), first):
        x = ops.repeat(x, factor, axis=axis)
    return x


def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    var: TensorLike,
    beta: TensorLike | None,
    gamma: TensorLike | None,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Tensor:
    """`gamma * (x - mean) / sqrt(var + epsilon) + beta`, for statistics along one axis."""
    if len(ops.shape(mean)) > 1:  # they have all axes already
        normalized = (x - mean) * ops.rsqrt(var + epsilon)
        normalized = normalized if gamma is None else normalized * gamma
        return normalized if beta is None else normalized + beta
    return ops.batch_normalization(x, mean, var, axis, offset=beta, scale=gamma, epsilon=epsilon)
