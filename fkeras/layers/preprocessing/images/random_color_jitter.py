"""`RandomColorJitter`: lightness, contrast, saturation and hue changed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax

from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.color_layer import (
    ColorLayer,
    RandomColorLayer,
)
from fkeras.layers.preprocessing.images.hues import RandomHue, RandomSaturation
from fkeras.layers.preprocessing.images.image_layer import RandomImageLayer, Transformation
from fkeras.layers.preprocessing.images.lightness import RandomBrightness, RandomContrast
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, SeedLike, Tensor


class RandomColorJitter(RandomImageLayer, ColorLayer):
    """Changes lightness, contrast, saturation and hue of each image at random, in training.

    They are changed in this order; what has no factor stays.

    Args:
        value_range: lowest and highest value of the images.
        brightness_factor: see `RandomBrightness`; None to leave lightness alone.
        contrast_factor: see `RandomContrast`, or None.
        saturation_factor: see `RandomSaturation`, or None.
        hue_factor: see `RandomHue`, or None.
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        bounding_box_format: see `ImageLayer`.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor out of bounds, no value range, images of another rank.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomColorJitter(brightness_factor=(0.2, 0.2))
        >>> layer(jnp.zeros((1, 1, 3)), training=True).ravel().tolist()
        [51.0, 51.0, 51.0]
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        brightness_factor: float | Sequence[float] | None = None,
        contrast_factor: float | Sequence[float] | None = None,
        saturation_factor: float | Sequence[float] | None = None,
        hue_factor: float | Sequence[float] | None = None,
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = factors.value_range("RandomColorJitter", value_range)
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor

        def part(
            cls: type[RandomColorLayer], factor: float | Sequence[float] | None
        ) -> RandomColorLayer | None:
            if factor is None:
                return None
            return cls(
                factor,
                value_range=self.value_range,
                seed=seed,
                data_format=self.data_format,
                dtype=self.dtype_policy,
            )

        self.random_brightness = part(RandomBrightness, brightness_factor)
        self.random_contrast = part(RandomContrast, contrast_factor)
        self.random_saturation = part(RandomSaturation, saturation_factor)
        self.random_hue = part(RandomHue, hue_factor)

    def _parts(self) -> dict[str, RandomColorLayer]:
        parts = {
            "brightness": self.random_brightness,
            "contrast": self.random_contrast,
            "saturation": self.random_saturation,
            "hue": self.random_hue,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        # The first part draws as it does by itself.
        return {
            name: part.draw(jax.random.fold_in(key, i) if i else key, height, width)
            for i, (name, part) in enumerate(self._parts().items())
        }

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        for name, part in self._parts().items():
            images = part.change_colors(images, transformation[name])
        return images
