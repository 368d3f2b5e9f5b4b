"""Batches of images as NumPy arrays, with the channels behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import ArrayLike


def to_channels_last(images: ArrayLike, data_format: str, user: str) -> np.ndarray:
    """The images as an array of shape (batch, height, width, channels).

    Args:
        images: a batch of images.
        data_format: 'channels_last' or 'channels_first', where their channels are.
        user: who asks, for the error.

    Raises:
        UserInputError: they have not four axes.
    """
    images = np.asarray(images)
    if images.ndim != 4:
        raise UserInputError(
            f"{user}: `images` must be a batch with 4 axes, (batch, height, width, channels). "
            f"Received: shape {images.shape}; one image is a batch with `images[None]`."
        )
    return np.moveaxis(images, 1, -1) if data_format == "channels_first" else images
