"""`RandAugment`: images changed by a few layers, chosen at random, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import jax

from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images.choosing_layer import ChoosingLayer, in_round
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.layers.preprocessing.images.projective_layer import Interpolation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, SeedLike, Tensor

NAMES = (
    "random_shear",
    "random_translation",
    "random_rotation",
    "random_brightness",
    "random_color_degeneration",
    "random_contrast",
    "random_sharpness",
    "random_posterization",
    "solarization",
    "auto_contrast",
    "equalization",
)


class RandAugment(ChoosingLayer):
    """Changes each image by `num_ops` layers one after the other, chosen at random, in training.

    They are chosen from shear, translation, rotation, brightness, gray, contrast, sharpness,
    posterization, solarization, stretched contrast and equalization, for each image by itself. Two
    numbers are left to tune.

    Args:
        value_range: lowest and highest value of the images.
        num_ops: how many layers an image goes through; one may come twice.
        factor: how strongly images are changed: pair of numbers in [0, 1] that the factors of all
            layers are drawn from. One number x stands for (0, x).
        interpolation: `'bilinear'` or `'nearest'`, for layers that move pixels.
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch, of 1 or 3 channels; the output has
        the input's shape.

    Raises:
        UserInputError: numbers out of bounds, images that are neither gray nor of colours.

    References:
        Cubuk et al., 2019, https://arxiv.org/abs/1909.13719

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandAugment(num_ops=2, factor=0.3, seed=0)
        >>> layer(jnp.ones((4, 8, 8, 3)), training=True).shape
        (4, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_ops: int = 2,
        factor: float | Sequence[float] = 0.5,
        interpolation: Interpolation = "bilinear",
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(NAMES, value_range, factor, interpolation, seed, data_format, **kwargs)
        if not hasattr(num_ops, "__index__") or num_ops < 0:
            raise UserInputError(
                f"RandAugment: `num_ops` must be a number of layers, 0 or more. Received: "
                f"num_ops={num_ops!r}"
            )
        self.num_ops = int(num_ops)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Any]:
        keys = jax.random.split(key, self.num_ops)
        return jax.vmap(lambda one: self.draw_round(one, len(NAMES), height, width))(keys)

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        for i in range(self.num_ops):
            images = self.change_in_round(images, in_round(transformation, i))
        return images

    def change_masks(self, masks: Tensor, transformation: Transformation) -> Tensor:
        for i in range(self.num_ops):
            masks = self.move_pixels(masks, in_round(transformation, i), "nearest")
        return masks

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        for i in range(self.num_ops):
            drawn = in_round(transformation, i)
            drawn["input_shape"] = transformation["input_shape"]
            boxes = super().change_boxes(boxes, drawn)
        return boxes
