"""Images lighter or darker, and with more contrast or less, at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax

from fkeras.layers.preprocessing.images import colors
from fkeras.layers.preprocessing.images.color_layer import (
    RandomColorLayer,
    per_image,
)
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import SeedLike, Tensor


class RandomBrightness(RandomColorLayer):
    """Makes each image lighter or darker by a random amount, in training.

    Args:
        factor: pair of numbers in [-1, 1]: the least and the largest shift, in widths of the value
            range. One number x stands for (-x, x).
        value_range: lowest and highest value of the images; results are clipped to it.
        seed: int; None for numbers that follow from the model's seed.
        data_format, bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor outside of [-1, 1], no value range, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomBrightness((0.5, 0.5), value_range=(0, 1))
        >>> layer(jnp.array([[[0.2], [0.7]]]), training=True).ravel().tolist()
        [0.699999988079071, 1.0]
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(factor, value_range, seed, **kwargs)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        low, high = self.value_range
        return {"rgb_delta": self.draw_factor(key, (1, 1, 1)) * (high - low)}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        return self.clip(images + per_image(transformation["rgb_delta"], images))


class RandomContrast(RandomColorLayer):
    """Moves each channel of an image away from its mean, or towards it, in training.

    Args:
        factor: pair of numbers (a, b) in [0, 1]: distances from the mean are multiplied by a number
            from [1 - a, 1 + b]. One number x stands for (0, x): contrast then only grows.
        value_range: lowest and highest value of the images; results are clipped to it.
        seed: int; None for numbers that follow from the model's seed.
        data_format, bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor outside of [0, 1], no value range, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomContrast(0.5)
        >>> images = jnp.array([[[[10.0], [30.0]]]])
        >>> layer.transform_images(images, {"contrast_factor": [1.5]}).ravel().tolist()
        [5.0, 35.0]
    """

    factor_bounds = (0.0, 1.0)

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(factor, value_range, seed, **kwargs)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        lower, upper = self.factor
        scale = jax.random.uniform(key, (1, 1, 1), minval=1.0 - lower, maxval=1.0 + upper)
        return {"contrast_factor": scale}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        factor = per_image(transformation["contrast_factor"], images)
        return self.clip(colors.scale_contrast(images, factor, self.data_format))
