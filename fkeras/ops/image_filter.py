"""Local filters of images, and the similarity measures built on them."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.image_color import check_rank
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array, widen
from fkeras.types import DataFormat, DTypeLike, Tensor, TensorLike


def _as_planes(images: jax.Array, data_format: DataFormat | None) -> jax.Array:
    """Images as planes (batch, channels, height, width)."""
    images = images[None] if images.ndim == 3 else images
    if standardize_data_format(data_format) == "channels_first":
        return images
    return jnp.moveaxis(images, -1, 1)


def _filter(planes: jax.Array, column: jax.Array, row: jax.Array, padding: str) -> jax.Array:
    """Every plane filtered by `column` from top to bottom, then by `row` from left to right."""
    batch, channels, height, width = planes.shape
    filtered = planes.reshape(batch * channels, 1, height, width)
    # Two thin windows cost less than their product.
    for kernel in (column[:, None], row[None, :]):
        filtered = lax.conv_general_dilated(
            filtered,
            kernel[None, None].astype(filtered.dtype),
            (1, 1),
            padding,
            precision=lax.Precision.HIGHEST,
        )
    return filtered.reshape(batch, channels, *filtered.shape[2:])


def _gaussian(size: int, sigma: float, dtype: DTypeLike) -> jax.Array:
    """Weights of a window of `size` pixels, of sum 1."""
    x = jnp.arange(size, dtype=dtype) - (size - 1) / 2  # distances from the middle, in pixels
    weights = jnp.exp(-0.5 * jnp.square(x / sigma))
    return weights / jnp.sum(weights)


@op
def gaussian_blur(
    images: TensorLike,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Sequence[float] = (1.0, 1.0),
    data_format: DataFormat | None = None,
) -> Tensor:
    """Blurs images by a Gaussian window; outside is zero.

    Args:
        images: one image or a batch.
        kernel_size: of the window, in pixels, (along the width, along the height).
        sigma: standard deviations in pixels, in the same order.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Returns:
        Images of the same shape and dtype.
    """
    images = as_array(images)
    check_rank(images)
    dtype = result_type(images.dtype, float)
    planes = _as_planes(images, data_format).astype(dtype)
    row = _gaussian(kernel_size[0], sigma[0], dtype)
    column = _gaussian(kernel_size[1], sigma[1], dtype)
    return _like(_filter(planes, column, row, "SAME"), images, data_format)


def _like(planes: jax.Array, images: jax.Array, data_format: DataFormat | None) -> jax.Array:
    """Planes in the layout, shape and dtype of `images`; integers are rounded."""
    if standardize_data_format(data_format) == "channels_last":
        planes = jnp.moveaxis(planes, 1, -1)
    if jnp.issubdtype(images.dtype, jnp.integer):
        planes = jnp.round(planes)
    return planes.reshape(images.shape).astype(images.dtype)


@op
def sobel_edges(images: TensorLike, data_format: DataFormat | None = None) -> Tensor:
    """Differences along height and width by Sobel's windows.

    A batch of images becomes the same with a last axis (vertical, horizontal). The dtype stays,
    but edges of unsigned integers, which may be negative, are int32.
    """
    images = as_array(images)
    if images.ndim != 4:
        raise UserInputError(
            "Invalid images rank: expected rank 4 (batch of images). Received: "
            f"images.shape={images.shape}"
        )
    if jnp.issubdtype(images.dtype, jnp.unsignedinteger):
        images = images.astype("int32")  # differences may be negative
    planes = _as_planes(images, data_format)
    smooth = np.array([1, 2, 1])
    slope = np.array([-1, 0, 1])
    edges = (_filter(planes, *pair, "SAME") for pair in ((slope, smooth), (smooth, slope)))
    return jnp.stack([_like(e, images, data_format) for e in edges], axis=-1)


@op
def ssim(
    image1: TensorLike,
    image2: TensorLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Structural similarity of two images, or of each pair of two batches: 1 for equal ones.

    Args:
        image1, image2: images of one shape, in [0, max_val]; at least `filter_size` pixels in
            height and width.
        max_val: the range of the pixels.
        filter_size, filter_sigma: the Gaussian window, in pixels.
        k1, k2: the small constants that keep the quotients stable.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Returns:
        A scalar, or (batch,), of the float dtype of the images, or `floatx()` for integers.

    References:
        Wang et al., 2004, https://ece.uwaterloo.ca/~z70wang/publications/ssim.pdf
    """
    image1, image2 = as_array(image1), as_array(image2)
    check_rank(image1, "image1")
    check_rank(image2, "image2")
    if image1.shape != image2.shape:
        raise UserInputError(
            f"ssim: images must have the same shape. Received: {image1.shape} and {image2.shape}."
        )
    dtype = result_type(image1.dtype, float)
    # In float32 at least: variances are small differences of large squares.
    a, b = (widen(_as_planes(x, data_format).astype(dtype)) for x in (image1, image2))
    if min(a.shape[2:]) < filter_size:
        raise UserInputError(
            f"ssim: images must have at least filter_size={filter_size} pixels a side. Received: "
            f"{image1.shape}."
        )
    window = _gaussian(filter_size, filter_sigma, a.dtype)

    def local_mean(planes):
        return _filter(planes, window, window, "VALID")

    mean_a, mean_b = local_mean(a), local_mean(b)
    # By the window's weights, as in the paper: mean of squares less square of mean.
    var_a = local_mean(a * a) - mean_a * mean_a
    var_b = local_mean(b * b) - mean_b * mean_b
    covariance = local_mean(a * b) - mean_a * mean_b
    c1 = (k1 * max_val) ** 2
    c2 = (k2 * max_val) ** 2
    similarity = (2.0 * mean_a * mean_b + c1) * (2.0 * covariance + c2)
    similarity = similarity / ((mean_a * mean_a + mean_b * mean_b + c1) * (var_a + var_b + c2))
    result = jnp.mean(similarity, axis=(1, 2, 3)).astype(dtype)
    return result[0] if image1.ndim == 3 else result


@op
def psnr(x1: TensorLike, x2: TensorLike, max_val: float) -> Tensor:
    """Peak signal-to-noise ratio of two arrays of one shape, in decibels.

    20 log10(max_val) - 10 log10(mean squared difference), in a float dtype.
    """
    x1, x2 = as_array(x1), as_array(x2)
    if x1.shape != x2.shape:
        raise UserInputError(
            f"Input shapes {x1.shape} and {x2.shape} must match for PSNR calculation."
        )
    dtype = result_type(x1.dtype, x2.dtype, float)
    # Floats before the difference, since unsigned integers would wrap around.
    difference = widen(x1.astype(dtype)) - widen(x2.astype(dtype))
    largest = as_array(max_val).astype(difference.dtype)
    ratio = 20 * jnp.log10(largest) - 10 * jnp.log10(jnp.mean(jnp.square(difference)))
    return ratio.astype(dtype)
