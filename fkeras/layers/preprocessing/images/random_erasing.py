"""`RandomErasing`: rectangles of images made noise, or one colour."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, Any, Unpack

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images import factors, patches, samples
from fkeras.layers.preprocessing.images.color_layer import (
    RandomColorLayer,
    choose,
)
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, SeedLike, Tensor


class RandomErasing(RandomColorLayer):
    """Fills a random rectangle of some images, chosen at random, in training.

    Args:
        factor: pair of numbers in [0, 1] that the probability is drawn from, for each image. One
            number x stands for (0, x): every second image is erased at 1.
        scale: pair of numbers in [0, 1] whose roots are the fractions of width and height, each
            drawn by itself: where both are alike it is the fraction of the area. One number x
            stands for (0, x).
        fill_value: a number, a list of one for each channel, or None for normal noise with the
            highest value as its standard deviation. Clipped to `value_range`.
        value_range: lowest and highest value of the images.
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: numbers out of bounds, a fill value that fits no image.

    References:
        Zhong et al., 2017, https://arxiv.org/abs/1708.04896

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomErasing((1, 1), scale=(1, 1), fill_value=7)
        >>> layer(jnp.zeros((1, 2, 1)), training=True).ravel().tolist()
        [7.0, 7.0]
    """

    factor_bounds = (0.0, 1.0)

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float | Sequence[float] = (0.02, 0.33),
        fill_value: float | Sequence[float] | None = None,
        value_range: Sequence[float] = (0, 255),
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(factor, value_range, seed, data_format, **kwargs)
        self.scale = factors.as_range("RandomErasing", "scale", scale, self.factor_bounds)
        values = fill_value if isinstance(fill_value, (list, tuple)) else [fill_value]
        if fill_value is not None and not all(isinstance(value, Real) for value in values):
            raise UserInputError(
                "RandomErasing: the `fill_value` argument should be a number, a list of one for "
                f"each channel, or None for noise. Received: fill_value={fill_value!r}"
            )
        self.fill_value = fill_value

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        choice_key, sides_key, place_key, noise_key = jax.random.split(key, 4)
        lower, upper = self.scale
        sides = jnp.sqrt(jax.random.uniform(sides_key, (2,), minval=lower, maxval=upper))
        return {
            "apply_erasing": factors.is_chosen(choice_key, self.factor),
            "patches": patches.draw_patch(place_key, sides, height, width),
            "noise_keys": noise_key,
        }

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: SeedLike | None = None
    ) -> Transformation:
        drawn = super().get_random_transformation(data, training, seed)
        if drawn is None:
            return None
        shape = drawn["input_shape"]
        size = samples.size_of(shape, self.data_format)
        return {
            "apply_erasing": drawn["apply_erasing"],
            "batch_masks": patches.patch_masks(drawn["patches"], *size, self.data_format),
            "fill_value": self._fill(drawn["noise_keys"], shape[-3:]),
            "input_shape": shape,
        }

    def _fill(self, keys: jax.Array, shape: tuple[int, ...]) -> Tensor:
        """What rectangles are filled with; it broadcasts against images of this shape."""
        low, high = self.value_range
        if self.fill_value is None:
            noise = jax.vmap(lambda key: jax.random.normal(key, shape))(keys)
            return jnp.clip(noise * high, low, high)
        fill = jnp.clip(jnp.asarray(self.fill_value, jnp.float32), low, high)
        channels = shape[-1] if self.data_format == "channels_last" else shape[0]
        if fill.ndim and fill.shape[0] != channels:
            raise UserInputError(
                f"{self._title()}: `fill_value` must have one number for each of the {channels} "
                f"channels. Received: fill_value={self.fill_value!r}"
            )
        is_row = fill.ndim and self.data_format == "channels_first"
        return fill[:, None, None] if is_row else fill

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        fill = jnp.asarray(transformation["fill_value"]).astype(images.dtype)
        fill = fill.reshape(*[1] * (images.ndim - fill.ndim), *fill.shape)
        erased = jnp.where(transformation["batch_masks"], fill, images)
        return choose(transformation["apply_erasing"], erased, images)
