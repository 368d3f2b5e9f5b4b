"""Images smoothed by small windows, as sums of shifted images: outside of them is zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
from jax import lax

from fkeras.layers.preprocessing.images.colors import spatial_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jax

    from fkeras.types import DataFormat


def weighted_sum(images: jax.Array, weights: Sequence[jax.Array | float], axis: int) -> jax.Array:
    """Each pixel and its neighbours along `axis`, times `weights`, summed.

    Shifted images fuse into one loop over pixels. A convolution with weights for each image would
    be one of as many groups as there are images.

    Args:
        images: floats.
        weights: an odd number of scalars, or of arrays that broadcast against the images.
        axis: counted from the end.
    """
    reach = len(weights) // 2
    axis %= images.ndim
    length = images.shape[axis]
    pads = [(reach, reach) if i == axis else (0, 0) for i in range(images.ndim)]
    padded = jnp.pad(images, pads)
    shifted = (lax.slice_in_dim(padded, i, i + length, axis=axis) for i in range(len(weights)))
    return sum(weight * image for weight, image in zip(weights, shifted))


def smooth(images: jax.Array, data_format: DataFormat | None) -> jax.Array:
    """Means of 3 x 3 pixels, the middle one five times: what sharpening moves away from."""
    height_axis, width_axis = spatial_axes(data_format)
    ones = (1.0, 1.0, 1.0)
    total = weighted_sum(weighted_sum(images, ones, height_axis), ones, width_axis)
    return (total + 4.0 * images) / 13.0


def blur(
    images: jax.Array,
    kernel_size: Sequence[int],
    sigmas: Sequence[jax.Array],
    data_format: DataFormat | None,
) -> jax.Array:
    """Images blurred by Gaussian windows, each by its own.

    Args:
        images: floats of rank 3 or 4.
        kernel_size: odd sizes of the window in pixels, along width and height.
        sigmas: standard deviations in pixels, along width and height; scalars, or arrays that
            broadcast against the images.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
    """
    for size, sigma, axis in zip(kernel_size, sigmas, reversed(spatial_axes(data_format))):
        reach = size // 2
        weights = [jnp.exp(-0.5 * jnp.square(i / sigma)) for i in range(-reach, reach + 1)]
        total = sum(weights)
        images = weighted_sum(images, [weight / total for weight in weights], axis)
    return images
