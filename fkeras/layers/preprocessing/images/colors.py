"""What colours become: functions of images that trace, without parameters of their own.

Images are float arrays of rank 3 or 4. A factor is a scalar or an array that broadcasts against
them, so that `(batch, 1, 1, 1)` holds one for each image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.ops.image_color import channel_axis, hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jax

    from fkeras.types import DataFormat

BYTES = (0.0, 255.0)
UNIT = (0.0, 1.0)


def to_range(images: jax.Array, old: Sequence[float], new: Sequence[float]) -> jax.Array:
    """Values of the range `old` at the same places of the range `new`."""
    if tuple(old) == tuple(new):
        return images
    return (images - old[0]) / (old[1] - old[0]) * (new[1] - new[0]) + new[0]


def to_levels(values: jax.Array, bins: int = 256) -> jax.Array:
    """The level that each value in [0, 255] lies in: ints in [0, bins).

    Bytes that were brought to another range and back may lie a rounding error below themselves;
    they are the levels that they were.
    """
    levels = jnp.clip(values * ((bins - 1) / 255.0) + 1e-3, 0, bins - 1)
    return levels.astype(jnp.int32)


def spatial_axes(data_format: DataFormat | None) -> tuple[int, int]:
    """The axes of height and width, counted from the end."""
    return (-3, -2) if channel_axis(data_format) == -1 else (-2, -1)


def scale_contrast(
    images: jax.Array, factor: jax.Array, data_format: DataFormat | None
) -> jax.Array:
    """Distances from the mean of each channel, times `factor`."""
    mean = images
    for axis in spatial_axes(data_format):  # by one axis after the other: both at once take longer
        mean = jnp.mean(mean, axis=axis, keepdims=True)
    return (images - mean) * factor + mean


def turn_hue(images: jax.Array, turn: jax.Array, data_format: DataFormat | None) -> jax.Array:
    """Hues of RGB images in [0, 1], turned.

    Args:
        images: with three channels.
        turn: in whole turns of the colour circle, within [-1, 1].
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
    """
    axis = channel_axis(data_format)
    hue, saturation, value = jnp.split(rgb_to_hsv(images, data_format), 3, axis)
    turned = jnp.concatenate([hue + turn, saturation, value], axis)
    return jnp.clip(hsv_to_rgb(turned, data_format), 0.0, 1.0)


def scale_saturation(
    images: jax.Array, factor: jax.Array, data_format: DataFormat | None
) -> jax.Array:
    """Saturations of RGB images that begin at 0, times `factor`: at most full, at least gray.

    A pixel's hue and largest channel stay: only distances from the largest channel change, and
    none of them beyond the pixel's value. So there is no way through hues.
    """
    axis = channel_axis(data_format)
    if images.shape[axis] != 3:
        raise UserInputError(
            "Input images must have 3 channels, red, green and blue. Received images of shape "
            f"{tuple(images.shape)}."
        )
    # One by one: reducing an axis of three takes longer.
    red, green, blue = jnp.split(images, 3, axis)
    value = jnp.maximum(jnp.maximum(red, green), blue)
    span = value - jnp.minimum(jnp.minimum(red, green), blue)
    # `value / span` is the factor that saturates fully; a gray pixel stays gray by any.
    limit = jnp.where(span > 0, value / jnp.where(span > 0, span, 1.0), 1.0)
    return value - (value - images) * jnp.clip(factor, 0.0, limit)


def toward_gray(
    images: jax.Array, factor: jax.Array | float, data_format: DataFormat | None
) -> jax.Array:
    """RGB images moved to gray: not at all by a factor of 0, wholly by 1, away by negative ones."""
    return images + factor * (rgb_to_grayscale(images, data_format) - images)


def stretch(
    images: jax.Array, value_range: Sequence[float], data_format: DataFormat | None
) -> jax.Array:
    """Each channel stretched so that it fills `value_range`; a channel of one value stays."""
    low = high = images
    for axis in spatial_axes(data_format):
        low = jnp.min(low, axis=axis, keepdims=True)
        high = jnp.max(high, axis=axis, keepdims=True)
    span = high - low
    width = value_range[1] - value_range[0]
    stretched = (images - low) * (width / jnp.where(span > 0, span, 1.0)) + value_range[0]
    return jnp.where(span > 0, jnp.clip(stretched, *value_range), images)


def posterize(images: jax.Array, dropped_bits: jax.Array) -> jax.Array:
    """Images in [0, 255] without the lowest bits of each value.

    Args:
        images: floats; fractions are dropped too.
        dropped_bits: uint8 in [0, 7], how many.
    """
    values = to_levels(images).astype(jnp.uint8)
    return ((values >> dropped_bits) << dropped_bits).astype(images.dtype)


def solarize(images: jax.Array, addition: jax.Array, threshold: jax.Array) -> jax.Array:
    """Images in [0, 255], made lighter by `addition`; what then reaches `threshold` is inverted."""
    lighter = jnp.clip(images + addition, *BYTES)
    return jnp.where(lighter < threshold, lighter, 255.0 - lighter)
