"""Hues and saturations of images, changed at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras.layers.preprocessing.images import colors
from fkeras.layers.preprocessing.images.color_layer import (
    RandomColorLayer,
    per_image,
)
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, SeedLike, Tensor


class RandomHue(RandomColorLayer):
    """Turns the hues of each image by a random angle, in training.

    Args:
        factor: pair of numbers in [0, 1] that the angle is drawn from, in half turns of the colour
            circle; its direction is random. One number x stands for (0, x).
        value_range: lowest and highest value of the images.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, 3)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor outside of [0, 1], no value range, images without three channels.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomHue(0.5, value_range=(0, 1))
        >>> red = jnp.array([[[[1.0, 0.0, 0.0]]]])
        >>> layer.transform_images(red, {"factor": [0.5]}).ravel().tolist()  # cyan
        [0.0, 1.0, 1.0]
    """

    factor_bounds = (0.0, 1.0)

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(factor, value_range, seed, data_format, **kwargs)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        angle_key, direction_key = jax.random.split(key)
        half_turns = self.draw_factor(angle_key)
        turns_back = jax.random.bernoulli(direction_key)
        return {"factor": jnp.where(turns_back, -0.5, 0.5) * half_turns}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        unit = colors.to_range(images, self.value_range, colors.UNIT)
        turn = per_image(transformation["factor"], images)
        turned = colors.turn_hue(unit, turn, self.data_format)
        return colors.to_range(turned, colors.UNIT, self.value_range)


class RandomSaturation(RandomColorLayer):
    """Makes the colours of each image stronger or paler at random, in training.

    Args:
        factor: pair of numbers in [0, 1]: 0 is gray, 0.5 leaves the image as it is, 1 saturates
            all colours. A factor f multiplies saturations by f / (1 - f). One number x stands for
            (-x, x), as it does in Keras, and what is below 0 is gray: better give a pair.
        value_range: lowest and highest value of the images.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, 3)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor out of bounds, no value range, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomSaturation((0.5, 1.0), value_range=(0, 1))
        >>> color = jnp.array([[[[1.0, 0.75, 0.5]]]])
        >>> layer.transform_images(color, {"factor": [1.5]}).ravel().tolist()
        [1.0, 0.625, 0.25]
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(factor, value_range, seed, data_format, **kwargs)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        factor = self.draw_factor(key)
        return {"factor": factor / (1.0 - factor + 1e-7)}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        low = self.value_range[0]
        factor = per_image(transformation["factor"], images)
        return colors.scale_saturation(images - low, factor, self.data_format) + low
