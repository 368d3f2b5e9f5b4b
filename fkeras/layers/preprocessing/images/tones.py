"""Single values of images, changed at random: fewer bits, and inverted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras.layers.preprocessing.images import colors, factors
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


class Solarization(RandomImageLayer, ColorLayer):
    """Inverts the light values of each image, from a random threshold on, in training.

    Args:
        addition_factor: pair of numbers in [0, 1]: what is added to values before, in widths of the
            value range. One number x stands for (0, x).
        threshold_factor: pair of numbers in [0, 1]: where inversion begins, in widths of the value
            range; at 0 all values are inverted. One number x stands for (0, x).
        value_range: lowest and highest value of the images.
        seed: int; None for numbers that follow from the model's seed.
        data_format, bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor outside of [0, 1], no value range, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.Solarization(threshold_factor=(0.5, 0.5))
        >>> layer(jnp.array([[[50.0], [200.0]]]), training=True).ravel().tolist()
        [50.0, 55.0]
    """

    def __init__(
        self,
        addition_factor: float | Sequence[float] = 0.0,
        threshold_factor: float | Sequence[float] = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = factors.as_range(
            "Solarization", "addition_factor", addition_factor, (0.0, 1.0)
        )
        self.threshold_factor = factors.as_range(
            "Solarization", "threshold_factor", threshold_factor, (0.0, 1.0)
        )
        self.value_range = factors.value_range("Solarization", value_range)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        names = {"additions": self.addition_factor, "thresholds": self.threshold_factor}
        return {
            name: 255.0 * jax.random.uniform(one, (1, 1, 1), minval=ends[0], maxval=ends[1])
            for one, (name, ends) in zip(jax.random.split(key), names.items())
        }

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        solarized = colors.solarize(
            colors.to_range(images, self.value_range, colors.BYTES),
            per_image(transformation["additions"], images),
            per_image(transformation["thresholds"], images),
        )
        return colors.to_range(solarized, colors.BYTES, self.value_range)


class RandomPosterization(RandomColorLayer):
    """Keeps only the highest bits of each image's values, a random number of them, in training.

    Args:
        factor: pair of ints in [1, 8]: the fewest and the most bits to keep. One number n stands
            for (1, n).
        value_range: lowest and highest value of the images; bits are those of values brought to
            [0, 255].
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor outside of [1, 8], no value range, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomPosterization((2, 2))
        >>> layer(jnp.array([[[60.0], [70.0], [200.0]]]), training=True).ravel().tolist()
        [0.0, 64.0, 192.0]
    """

    factor_bounds = (1, 8)

    def __init__(
        self,
        factor: int | Sequence[int],
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(factor, value_range, seed, data_format, **kwargs)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        fewest, most = map(int, self.factor)
        kept_bits = jax.random.randint(key, (), fewest, most + 1)
        return {"shift_factor": (8 - kept_bits).astype(jnp.uint8)}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        dropped_bits = jnp.asarray(transformation["shift_factor"], jnp.uint8).reshape(-1, 1, 1, 1)
        values = colors.to_range(images, self.value_range, colors.BYTES)
        return colors.to_range(
            colors.posterize(values, dropped_bits), colors.BYTES, self.value_range
        )


class RandomInvert(RandomColorLayer):
    """Inverts the values of some images, chosen at random, in training.

    Args:
        factor: pair of numbers in [0, 1] that the probability is drawn from, for each image. One
            number x stands for (0, x): every second image is inverted at 1.
        value_range: lowest and highest value of the images; they change places.
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor outside of [0, 1], no value range, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomInvert((1, 1))
        >>> layer(jnp.array([[[55.0]]]), training=True).ravel().tolist()
        [200.0]
    """

    factor_bounds = (0.0, 1.0)

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        value_range: Sequence[float] = (0, 255),
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(factor, value_range, seed, data_format, **kwargs)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        return {"apply_inversion": factors.is_chosen(key, self.factor)}

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        inverted = sum(self.value_range) - images
        return choose(transformation["apply_inversion"], inverted, images)
