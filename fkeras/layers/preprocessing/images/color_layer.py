"""`ColorLayer` and `RandomColorLayer`: layers that change colours and move no pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import jax
import jax.numpy as jnp

from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.image_layer import (
    ImageLayer,
    RandomImageLayer,
    Transformation,
)
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, SeedLike, Tensor


def per_image(value: Any, images: Tensor) -> Tensor:
    """Numbers, one for each image, so that they broadcast against images, in their dtype."""
    return jnp.asarray(value).astype(images.dtype).reshape(-1, 1, 1, 1)


def choose(is_chosen: Any, changed: Tensor, images: Tensor) -> Tensor:
    """The changed images where chosen, else the images as they were."""
    return jnp.where(jnp.asarray(is_chosen).reshape(-1, 1, 1, 1), changed, images)


class ColorLayer(ImageLayer):
    """A layer that changes colours; labels, boxes and masks stay as they are.

    A subclass says what becomes of colours: `change_colors`. Where images come out as integers they
    are changed as floats, and rounded.
    """

    def change_colors(self, images: Tensor, transformation: Transformation) -> Tensor:
        """The changed images of a batch.

        Args:
            images: (batch, height, width, channels) or with channels first, floats.
            transformation: what was drawn, a row for each image.
        """
        return images

    def change_images(self, images: Tensor, transformation: Transformation) -> Tensor:
        if jnp.issubdtype(images.dtype, jnp.floating):
            return self.change_colors(images, transformation)
        changed = jnp.round(self.change_colors(images.astype(jnp.float32), transformation))
        limits = jnp.iinfo(images.dtype)
        return jnp.clip(changed, limits.min, limits.max).astype(images.dtype)


class RandomColorLayer(RandomImageLayer, ColorLayer):
    """A layer that changes the colours of each image by a factor of its own, in training.

    Args:
        factor: a pair of numbers to draw from, or one (see `factors.as_range`).
        value_range: lowest and highest value of the images.
        seed, data_format, bounding_box_format: see `RandomImageLayer`.
    """

    factor_bounds: factors.Range = (-1.0, 1.0)

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        name = type(self).__name__
        self.factor = factors.as_range(name, "factor", factor, self.factor_bounds)
        self.value_range = factors.value_range(name, value_range)

    def draw_factor(self, key: jax.Array, shape: tuple[int, ...] = ()) -> Tensor:
        """A number from the layer's range of factors, even over the range."""
        lower, upper = self.factor
        return jax.random.uniform(key, shape, minval=lower, maxval=upper)

    def clip(self, images: Tensor) -> Tensor:
        """Images without values outside of the layer's value range."""
        return jnp.clip(images, *self.value_range)
