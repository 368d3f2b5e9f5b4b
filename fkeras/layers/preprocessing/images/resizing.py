"""`Resizing`: images of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

import jax.numpy as jnp

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.moving_layer import MovingLayer, scaled_part
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from fkeras.types import DataFormat, Tensor

Resampling: TypeAlias = Literal["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"]


class Resizing(MovingLayer):
    """Resizes images, in training and in inference.

    Images of integers stay integers, rounded; others come out in the compute dtype.

    Args:
        height, width: of the images that come out, in pixels.
        interpolation: `'bilinear'`, `'nearest'`, `'bicubic'`, `'lanczos3'` or `'lanczos5'`. Masks
            are always resized by `'nearest'`.
        crop_to_aspect_ratio: whether to keep the proportions by taking the largest middle part
            that has the new ones.
        pad_to_aspect_ratio: whether to keep the proportions by filling up the shorter side.
        fill_mode: what is filled in: `'constant'`.
        fill_value: its value.
        antialias: whether to blur before shrinking.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        **kwargs: `bounding_box_format`, and what every layer takes. Boxes of padding, all 0 or all
            -1, become 0.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, height, width, channels)`, or without the
        batch.

    Raises:
        UserInputError: a size that is no positive integer, an unknown choice, both ways to keep
            proportions.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Resizing(4, 4, crop_to_aspect_ratio=True)(jnp.ones((2, 8, 6, 3))).shape
        (2, 4, 4, 3)
    """

    keeps_integers = True

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: Resampling = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: Literal["constant"] = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height = factors.size("Resizing", "height", height)
        self.width = factors.size("Resizing", "width", width)
        factors.one_of("Resizing", "interpolation", interpolation, Resampling.__args__)
        factors.one_of("Resizing", "fill_mode", fill_mode, ("constant",))
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise UserInputError(
                "Resizing: only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be "
                "True."
            )
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = antialias

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        return self.height, self.width

    def move_pixels(
        self, images: Tensor, transformation: Transformation, interpolation: str
    ) -> Tensor:
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation=interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        given = boxes["boxes"]
        is_padding = jnp.all(given == -1, axis=-1) | jnp.all(given == 0, axis=-1)
        moved = super().change_boxes(boxes, transformation)
        return {**moved, "boxes": jnp.where(is_padding[..., None], 0.0, moved["boxes"])}

    def move_corners(
        self, corners: Tensor, transformation: Transformation, height: int, width: int
    ) -> Tensor:
        down, along = self.height / height, self.width / width
        if not self.crop_to_aspect_ratio and not self.pad_to_aspect_ratio:
            return scaled_part(corners, 0.0, 0.0, (down, along))
        scale = max(down, along) if self.crop_to_aspect_ratio else min(down, along)
        # Whole pixels of the new image that are cut off (or added, if negative) before it begins.
        sign = 1 if self.crop_to_aspect_ratio else -1
        above = sign * (abs(height * scale - self.height) // 2)
        before = sign * (abs(width * scale - self.width) // 2)
        return scaled_part(corners, above / scale, before / scale, (scale, scale))
