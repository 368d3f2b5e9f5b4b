"""Images made gray at random, wholly or by degrees."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Unpack

import jax

from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images import colors
from fkeras.layers.preprocessing.images.color_layer import (
    ColorLayer,
    RandomColorLayer,
    choose,
    per_image,
)
from fkeras.layers.preprocessing.images.image_layer import RandomImageLayer, Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, SeedLike, Tensor


class RandomColorDegeneration(RandomColorLayer):
    """Moves each image towards gray by a random degree, in training.

    Args:
        factor: pair of numbers in [-1, 1]: 0 leaves an image as it is, 1 makes it gray, numbers
            below 0 move it away from gray. One number x stands for (-x, x).
        value_range: lowest and highest value of the images; results are clipped to it.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, 3)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor outside of [-1, 1], no value range, images without 3 channels.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomColorDegeneration((1.0, 1.0))
        >>> layer(jnp.array([[[100.0, 0.0, 0.0]]]), training=True).round(2).ravel().tolist()
        [29.889999389648438, 29.889999389648438, 29.889999389648438]
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
        return {"factor": self.draw_factor(key, (1, 1, 1))}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        factor = per_image(transformation["factor"], images)
        return self.clip(colors.toward_gray(images, factor, self.data_format))


class RandomGrayscale(RandomImageLayer, ColorLayer):
    """Makes some images gray, chosen at random, in training. They keep their channels.

    Args:
        factor: probability of it, in [0, 1].
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, 3)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor that is no probability, images without 3 channels.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomGrayscale(factor=1.0)
        >>> layer(jnp.array([[[0.0, 100.0, 0.0]]]), training=True).round(1).ravel().tolist()
        [58.70000076293945, 58.70000076293945, 58.70000076293945]
    """

    def __init__(
        self,
        factor: float = 0.5,
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if not isinstance(factor, Real) or not 0 <= factor <= 1:
            raise UserInputError(
                "RandomGrayscale: `factor` should be between 0 and 1, the probability of gray "
                f"images. Received: factor={factor!r}"
            )
        self.factor = factor

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        return {"should_apply": jax.random.uniform(key, (1, 1, 1)) < self.factor}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        gray = colors.toward_gray(images, 1.0, self.data_format)
        return choose(transformation["should_apply"], gray, images)
