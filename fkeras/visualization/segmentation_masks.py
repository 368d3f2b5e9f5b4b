"""`draw_segmentation_masks`: what each pixel was found to be, as colors over the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from fkeras.core import settings
from fkeras.errors import UserInputError, UserTypeError
from fkeras.visualization.image_batches import to_channels_last

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, DataFormat
    from fkeras.visualization.bounding_boxes import Color

# A class times these, modulo 255: colors far from each other for neighbours. Class 0 is black.
_PALETTE_STEPS = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])


def draw_segmentation_masks(
    images: ArrayLike,
    segmentation_masks: ArrayLike,
    num_classes: int | None = None,
    color_mapping: Mapping[int, Color] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: DataFormat | None = None,
) -> np.ndarray:
    """Draws classes of pixels on copies of images.

    Args:
        images: (batch, height, width, channels), 0 to 255.
        segmentation_masks: (batch, height, width) or (batch, height, width, 1): classes as
            integers, with the channels where those of the images are.
        num_classes: how many classes there are; larger ones are not drawn. None: all are drawn.
        color_mapping: dict from each class to red, green and blue. None: a palette.
        alpha: how much of the color is seen where it is blended, in [0, 1].
        blend: whether colors are mixed with the image. False: they take its place.
        ignore_index: class that is not drawn.
        data_format: 'channels_last' or 'channels_first'; None: that of
            `fkeras.config.image_data_format()`.

    Returns:
        Array (batch, height, width, channels), whatever `data_format` is; uint8, or float32 without
        `blend`.

    Raises:
        UserInputError: for shapes that are not as above or do not fit each other, classes that are
            no integers, a class without color, an `alpha` outside of [0, 1].

    Examples:
        >>> import fkeras, numpy as np
        >>> drawn = fkeras.visualization.draw_segmentation_masks(
        ...     np.full((1, 1, 2, 3), 100), np.array([[[0, -1]]]), color_mapping={0: (200, 0, 0)},
        ...     alpha=0.5)
        >>> print(drawn[0, 0])
        [[150  50  50]
         [100 100 100]]
    """
    data_format = settings.standardize_data_format(data_format)
    images = to_channels_last(images, data_format, "draw_segmentation_masks").astype("float32")
    masks = _read_masks(segmentation_masks, data_format, images.shape)
    if not 0 <= alpha <= 1:
        raise UserInputError(
            f"draw_segmentation_masks: `alpha` must be in [0, 1]. Received: {alpha!r}"
        )
    is_drawn = masks != ignore_index
    if num_classes is None:
        num_classes = int(masks[is_drawn].max(initial=0)) + 1
    colors = _colors(num_classes, color_mapping, images.shape[-1])
    is_drawn &= (masks >= 0) & (masks < num_classes)
    drawn = images.copy()
    drawn[is_drawn] = colors[masks[is_drawn]]
    if not blend:
        return drawn
    # Classes beyond the last are mixed with nothing but the image, which may round to one less.
    mixed = np.where(
        (masks != ignore_index)[..., None], images * (1 - alpha) + drawn * alpha, images
    )
    return np.clip(mixed, 0, 255).astype("uint8")


def _read_masks(masks: ArrayLike, data_format: str, shape: tuple[int, ...]) -> np.ndarray:
    """The masks as (batch, height, width)."""
    masks = np.asarray(masks)
    if masks.dtype.kind not in "iu":
        raise UserTypeError(
            "draw_segmentation_masks: `segmentation_masks` must be integers. Received: dtype "
            f"{masks.dtype}; of scores take `argmax` over the classes."
        )
    found = masks.shape
    if masks.ndim == 4:
        axis = 1 if data_format == "channels_first" else -1
        masks = masks.squeeze(axis) if masks.shape[axis] == 1 else masks
    if masks.shape != shape[:3]:
        raise UserInputError(
            f"draw_segmentation_masks: for images of (batch, height, width) = {shape[:3]} "
            f"`segmentation_masks` must have that shape, with or without one channel. Received: "
            f"{found}"
        )
    return masks


def _colors(
    num_classes: int, color_mapping: Mapping[int, Color] | None, channels: int
) -> np.ndarray:
    """(class, channel) -> 0 to 255."""
    if color_mapping is None:
        colors = np.arange(num_classes)[:, None] * _PALETTE_STEPS % 255
    else:
        missing = [index for index in range(num_classes) if index not in color_mapping]
        if missing:
            raise UserInputError(
                f"draw_segmentation_masks: `color_mapping` has no color for the classes {missing}."
            )
        colors = np.array([color_mapping[index] for index in range(num_classes)])
    if channels not in (1, colors.shape[-1]):
        raise UserInputError(
            f"draw_segmentation_masks: colors of {colors.shape[-1]} numbers do not fit images of "
            f"{channels} channels."
        )
    return colors[:, :channels].astype("float32")
