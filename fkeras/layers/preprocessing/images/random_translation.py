"""`RandomTranslation`: images shifted within their frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.layers.preprocessing.images.projective_layer import (
    FillMode,
    Interpolation,
    ProjectiveLayer,
)

if TYPE_CHECKING:
    from fkeras.types import DataFormat, SeedLike, Tensor


class RandomTranslation(ProjectiveLayer):
    """Shifts each image by a way of its own, in training.

    Args:
        height_factor: greatest shift as a fraction of the height, in [-1, 1]: 0.2 for up or down by
            20 %. Or a pair; positive ones shift down.
        width_factor: the same of the width; positive ones shift to the right.
        fill_mode: what comes in from outside: `'reflect'` (`d c b a | a b c d | d c b a`),
            `'wrap'`, `'nearest'`, or `'constant'`, which is `fill_value`.
        interpolation: `'bilinear'` or `'nearest'`.
        seed: int; None for numbers that follow from the model's seed.
        fill_value: a number.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        **kwargs: `bounding_box_format`, and what every layer takes.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor out of its range, an unknown choice.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> right = fkeras.layers.RandomTranslation(0.0, (0.25, 0.25), fill_mode="constant")
        >>> right(jnp.arange(1.0, 5.0).reshape(1, 4, 1)).ravel().tolist()
        [0.0, 1.0, 2.0, 3.0]
    """

    is_upright = True

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float],
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: SeedLike | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        name = "RandomTranslation"
        self._heights = factors.as_range(name, "height_factor", height_factor, (-1, 1))
        self._widths = factors.as_range(name, "width_factor", width_factor, (-1, 1))

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        lower, upper = zip(self._widths, self._heights)
        size = jnp.asarray([width, height], "float32")
        shift = jax.random.uniform(
            key, (2,), minval=jnp.asarray(lower, "float32"), maxval=jnp.asarray(upper, "float32")
        )
        return {"translations": shift * size}

    def projection(self, transformation: Transformation, height: int, width: int) -> Tensor:
        x, y = jnp.asarray(transformation["translations"], "float32").T
        zero, one = jnp.zeros_like(x), jnp.ones_like(x)
        return jnp.stack([one, zero, -x, zero, one, -y, zero, zero], axis=-1)
