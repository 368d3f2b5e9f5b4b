"""`ChoosingLayer`: one of several layers, chosen at random for each image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import jax
import jax.numpy as jnp

from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.color_layer import (
    ColorLayer,
    choose,
)
from fkeras.layers.preprocessing.images.equalizing import AutoContrast, Equalization
from fkeras.layers.preprocessing.images.grays import RandomColorDegeneration
from fkeras.layers.preprocessing.images.image_layer import RandomImageLayer, Transformation
from fkeras.layers.preprocessing.images.lightness import RandomBrightness, RandomContrast
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.layers.preprocessing.images.projective_layer import Interpolation, ProjectiveLayer
from fkeras.layers.preprocessing.images.random_rotation import RandomRotation
from fkeras.layers.preprocessing.images.random_shear import RandomShear
from fkeras.layers.preprocessing.images.random_translation import RandomTranslation
from fkeras.layers.preprocessing.images.sharpness import RandomSharpness
from fkeras.layers.preprocessing.images.tones import RandomPosterization, Solarization

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, SeedLike, Tensor


class ChoosingLayer(ProjectiveLayer, ColorLayer):
    """A layer that changes each image by some of its own layers, chosen at random, in rounds.

    In a round each image goes through one layer, another one for each image, so that a batch goes
    through all. Layers that move pixels do so in one: an image is read once, by the projection of
    the layer that was chosen for it.

    Args:
        names: the layers to choose from; they are attributes of this one.
        value_range: lowest and highest value of the images.
        factor: how strongly images are changed: pair of numbers in [0, 1] that the factors of all
            layers are drawn from, or one number x for (0, x).
        interpolation, seed, data_format, bounding_box_format: see `ProjectiveLayer`.
    """

    def __init__(
        self,
        names: Sequence[str],
        value_range: Sequence[float],
        factor: float | Sequence[float],
        interpolation: Interpolation,
        seed: SeedLike | None,
        data_format: DataFormat | None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(interpolation=interpolation, seed=seed, data_format=data_format, **kwargs)
        title = type(self).__name__
        self.value_range = factors.value_range(title, value_range)
        self.factor = factors.as_range(title, "factor", factor, (0.0, 1.0))
        self._names = tuple(names)
        for name in names:
            setattr(self, name, self._make(name))

    def _make(self, name: str) -> ProjectiveLayer | ColorLayer:
        """The layer of this name."""
        factor = self.factor
        common = {"data_format": self.data_format, "dtype": self.dtype_policy}
        if name in ("auto_contrast", "equalization"):
            cls = {"auto_contrast": AutoContrast, "equalization": Equalization}[name]
            return cls(value_range=self.value_range, **common)
        common["seed"] = self.seed
        if name == "random_shear":
            return RandomShear(factor, factor, interpolation=self.interpolation, **common)
        if name == "random_translation":
            return RandomTranslation(factor, factor, interpolation=self.interpolation, **common)
        if name == "random_rotation":
            return RandomRotation(factor, interpolation=self.interpolation, **common)
        if name == "solarization":
            return Solarization(factor, factor, value_range=self.value_range, **common)
        if name == "random_posterization":
            bits = max(1, int(8 * factor[1]))
            return RandomPosterization(bits, value_range=self.value_range, **common)
        cls = {
            "random_brightness": RandomBrightness,
            "random_color_degeneration": RandomColorDegeneration,
            "random_contrast": RandomContrast,
            "random_sharpness": RandomSharpness,
        }[name]
        return cls(factor, value_range=self.value_range, **common)

    def draw_round(self, key: jax.Array, choices: int, height: int, width: int) -> dict[str, Any]:
        """Which layer one image goes through, and what each layer would do to it.

        Args:
            key: of the round and the image.
            choices: how many to choose from: one more than there are layers for no layer, too.
            height, width: of the image, in pixels.
        """
        choice_key, layers_key = jax.random.split(key)
        keys = jax.random.split(layers_key, len(self._names))
        return {
            "layer_idxes": jax.random.randint(choice_key, (), 0, choices),
            "transforms": {
                name: getattr(self, name).draw(one, height, width)
                for name, one in zip(self._names, keys)
                if isinstance(getattr(self, name), RandomImageLayer)
            },
        }

    def projection(self, transformation: Transformation, height: int, width: int) -> Tensor:
        """Of the layers that were chosen; images that stay are projected onto themselves."""
        choice = transformation["layer_idxes"][:, None]
        projection = jnp.asarray([[1.0, 0, 0, 0, 1, 0, 0, 0]])
        for i, name in enumerate(self._names):
            layer = getattr(self, name)
            if isinstance(layer, ProjectiveLayer):
                drawn = transformation["transforms"][name]
                other = layer.projection(drawn, height, width)
                projection = jnp.where(choice == i, other, projection)
        return projection

    def change_in_round(self, images: Tensor, drawn: dict[str, Any]) -> Tensor:
        """Images, each changed by the layer that was chosen for it.

        Args:
            images: (batch, height, width, channels) or with channels first, floats.
            drawn: what `draw_round` returned, a row for each image.
        """
        choice = drawn["layer_idxes"]
        changed = self.move_pixels(images, drawn, self.interpolation)
        for i, name in enumerate(self._names):
            layer = getattr(self, name)
            if isinstance(layer, ColorLayer):
                by_this = layer.change_colors(images, drawn["transforms"].get(name))
                changed = choose(choice == i, by_this, changed)
        return changed

    def change_images(self, images: Tensor, transformation: Transformation) -> Tensor:
        return ColorLayer.change_images(self, images, transformation)


def in_round(drawn: dict[str, Any], i: int) -> dict[str, Any]:
    """What was drawn for one round, out of arrays (batch, rounds, ...)."""
    rounds = {name: drawn[name] for name in ("layer_idxes", "transforms")}
    return jax.tree.map(lambda value: value[:, i], rounds)
