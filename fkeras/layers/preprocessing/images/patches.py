"""Rectangles in images: drawn at random, and as masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from fkeras.types import DataFormat


def draw_patch(key: jax.Array, sides: jax.Array, height: int, width: int) -> jax.Array:
    """A rectangle anywhere in an image: (4,), left, right, top, bottom in pixels.

    Args:
        key: of the draw.
        sides: (2,), its width and height as fractions of the image's, in [0, 1].
        height, width: of the image, in pixels.
    """
    extent = jnp.asarray([width, height], sides.dtype)
    lengths = sides * extent
    starts = jax.random.uniform(key, (2,), sides.dtype) * (extent - lengths)
    return jnp.stack([starts, starts + lengths], axis=1).reshape(4)


def patch_masks(patches: jax.Array, height: int, width: int, data_format: DataFormat) -> jax.Array:
    """Which pixels lie in a patch: (batch, height, width, 1), or with channels first.

    Args:
        patches: (batch, 4), from `draw_patch`.
        height, width: of the images, in pixels.
        data_format: `'channels_last'` or `'channels_first'`.
    """
    left, right, top, bottom = (edge[:, None] for edge in patches.T)
    x = jnp.arange(width, dtype=patches.dtype)[None]  # (1, width)
    y = jnp.arange(height, dtype=patches.dtype)[None]
    is_column = (x >= left) & (x < right)  # (batch, width)
    is_row = (y >= top) & (y < bottom)  # (batch, height)
    masks = is_row[:, :, None] & is_column[:, None, :]
    return masks[..., None] if data_format == "channels_last" else masks[:, None]
