"""`RandomFlip`: images mirrored, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

import jax
import jax.numpy as jnp

from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.moving_layer import RandomMovingLayer
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from fkeras.types import DataFormat, SeedLike, Tensor

FlipMode: TypeAlias = Literal["horizontal", "vertical", "horizontal_and_vertical"]


class RandomFlip(RandomMovingLayer):
    """Mirrors half of the images, chosen at random, in training.

    Args:
        mode: `'horizontal'` (left and right change places), `'vertical'` (top and bottom do), or
            `'horizontal_and_vertical'`: both at once, a turn by 180 degrees.
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: another mode, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomFlip("horizontal")
        >>> image = jnp.arange(3.0).reshape(1, 1, 3, 1)
        >>> layer.transform_images(image, {"flips": jnp.array([[[[True]]]])}).ravel().tolist()
        [2.0, 1.0, 0.0]
    """

    def __init__(
        self,
        mode: FlipMode = "horizontal_and_vertical",
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        factors.one_of("RandomFlip", "mode", mode, FlipMode.__args__)
        self.mode = mode

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        return {"flips": jax.random.uniform(key, (1, 1, 1)) <= 0.5}

    def move_pixels(
        self, images: Tensor, transformation: Transformation, interpolation: str
    ) -> Tensor:
        down = -3 if self.data_format == "channels_last" else -2
        axes = [
            axis
            for axis, name in ((down, "vertical"), (down + 1, "horizontal"))
            if name in self.mode
        ]
        return jnp.where(transformation["flips"], jnp.flip(images, axes), images)

    def move_corners(
        self, corners: Tensor, transformation: Transformation, height: int, width: int
    ) -> Tensor:
        left, top, right, bottom = jnp.split(corners, 4, axis=-1)  # each (batch, boxes, 1)
        if "horizontal" in self.mode:
            left, right = width - right, width - left
        if "vertical" in self.mode:
            top, bottom = height - bottom, height - top
        flips = jnp.reshape(transformation["flips"], (-1, 1, 1))
        return jnp.where(flips, jnp.concatenate([left, top, right, bottom], -1), corners)
