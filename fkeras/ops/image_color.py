"""Color spaces of images: single images and batches of them, channels last or first."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.promotion import is_integral, result_type
from fkeras.ops.tensors import as_array
from fkeras.types import DataFormat, Tensor, TensorLike


def check_rank(images: jax.Array | KerasTensor, name: str = "images") -> None:
    """Raises unless the array is one image or a batch of them."""
    if images.ndim not in (3, 4):
        raise UserInputError(
            f"Invalid {name} rank: expected rank 3 (single image) or rank 4 (batch of images). "
            f"Received input with shape: {name}.shape={images.shape}"
        )


def channel_axis(data_format: DataFormat | None) -> int:
    """-1 or -3: the same for single images and batches."""
    return -1 if standardize_data_format(data_format) == "channels_last" else -3


@op
def rgb_to_grayscale(images: TensorLike, data_format: DataFormat | None = None) -> Tensor:
    """0.2989 R + 0.587 G + 0.114 B.

    The channel axis gets size 1; the dtype stays, integers are rounded. One-channel images are
    returned as they are.
    """
    images, axis = as_array(images), channel_axis(data_format)
    check_rank(images)
    if images.shape[axis] not in (1, 3):
        raise UserInputError(
            "Invalid channel size: expected 3 (RGB) or 1 (Grayscale). Received input with shape: "
            f"images.shape={images.shape}"
        )
    if images.shape[axis] == 1:
        return images
    dtype = result_type(images.dtype, float)
    weights = jnp.asarray([0.2989, 0.5870, 0.1140], dtype)
    # (height, width) or (batch, height, width)
    gray = jnp.tensordot(images.astype(dtype), weights, axes=(axis, 0))
    if is_integral(images.dtype):
        gray = jnp.round(gray)
    return jnp.expand_dims(gray, axis).astype(images.dtype)


def _planes(images: jax.Array, data_format: DataFormat | None) -> tuple[jax.Array, int]:
    """Three planes of float color images."""
    images, axis = as_array(images), channel_axis(data_format)
    check_rank(images)
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise UserInputError(
            f"Invalid images dtype: expected float dtype. Received: images.dtype={images.dtype}"
        )
    if images.shape[axis] != 3:
        raise UserInputError(
            f"Input images must have 3 channels, but received images with {images.shape[axis]} "
            "channels."
        )
    return jnp.moveaxis(images, axis, 0), axis


@op
def rgb_to_hsv(images: TensorLike, data_format: DataFormat | None = None) -> Tensor:
    """RGB in [0, 1] to hue, saturation and value in [0, 1]; float dtypes only."""
    planes, axis = _planes(images, data_format)
    # What is as good as 0 is 0: hues of black would be noise.
    red, green, blue = jnp.where(jnp.abs(planes) < jnp.finfo(planes.dtype).eps, 0.0, planes)
    value = jnp.maximum(jnp.maximum(red, green), blue)
    span = value - jnp.minimum(jnp.minimum(red, green), blue)
    # Denominators of 1 where the result is 0 anyway keep gradients finite.
    saturation = jnp.where(value > 0, span / jnp.where(value > 0, value, 1.0), 0.0)
    unit = 1.0 / (6.0 * jnp.where(span > 0, span, 1.0))
    hue = jnp.where(
        value == green, unit * (blue - red) + 2.0 / 6.0, unit * (red - green) + 4.0 / 6.0
    )
    hue = jnp.where(value == red, unit * (green - blue), hue)
    hue = jnp.where(span > 0, hue, 0.0) + (hue < 0.0).astype(hue.dtype)
    return jnp.stack([hue, saturation, value], axis)


@op
def hsv_to_rgb(images: TensorLike, data_format: DataFormat | None = None) -> Tensor:
    """Hue, saturation and value in [0, 1] to RGB in [0, 1]; float dtypes only."""
    (hue, saturation, value), axis = _planes(images, data_format)
    angle = jnp.mod(hue, 1.0) * 6.0  # sixths of the color circle
    pure = (jnp.abs(angle - 3.0) - 1.0, 2.0 - jnp.abs(angle - 2.0), 2.0 - jnp.abs(angle - 4.0))
    return jnp.stack(
        [value * ((1.0 - saturation) + saturation * jnp.clip(p, 0.0, 1.0)) for p in pure], axis
    )
