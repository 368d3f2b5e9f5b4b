"""`RandomShear`: images slanted."""

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


class RandomShear(ProjectiveLayer):
    """Slants each image by amounts of its own, in training: each row is shifted against the one
    above, each column against the one on its left.

    Args:
        x_factor: greatest shift of a row against the one above, in pixels, in [0, 1]; or a pair.
            The direction is drawn, for both axes together.
        y_factor: the same of a column against the one on its left.
        interpolation: `'bilinear'` or `'nearest'`.
        fill_mode: what comes in from outside: `'reflect'` (`d c b a | a b c d | d c b a`),
            `'wrap'`, `'nearest'`, or `'constant'`, which is `fill_value`.
        fill_value: a number.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        seed: int; None for numbers that follow from the model's seed.
        **kwargs: `bounding_box_format`, and what every layer takes.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor out of its range, an unknown choice.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomShear(1.0, fill_mode="constant")
        >>> image = jnp.ones((1, 3, 3, 1))
        >>> layer.transform_images(image, {"shear_factor": [[1.0, 0.0]]})[0, ..., 0].tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """

    def __init__(
        self,
        x_factor: float | Sequence[float] = 0.0,
        y_factor: float | Sequence[float] = 0.0,
        interpolation: Interpolation = "bilinear",
        fill_mode: FillMode = "reflect",
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        seed: SeedLike | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = _range("x_factor", x_factor)
        self.y_factor = _range("y_factor", y_factor)

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        for_sign, for_amounts = jax.random.split(key)
        lower, upper = zip(self.x_factor, self.y_factor)
        amounts = jax.random.uniform(
            for_amounts,
            (2,),
            minval=jnp.asarray(lower, "float32"),
            maxval=jnp.asarray(upper, "float32"),
        )
        return {"shear_factor": amounts * jax.random.rademacher(for_sign, (1,), "float32")}

    def projection(self, transformation: Transformation, height: int, width: int) -> Tensor:
        x, y = jnp.asarray(transformation["shear_factor"], "float32").T
        zero, one = jnp.zeros_like(x), jnp.ones_like(x)
        return jnp.stack([one, x, zero, y, one, zero, zero, zero], axis=-1)


def _range(name: str, factor: float | Sequence[float]) -> factors.Range:
    if isinstance(factor, (list, tuple)) and len(factor) == 2 and factor[0] == -factor[1]:
        factor = factor[1]  # as Keras's configs have a single number
    return factors.as_range("RandomShear", name, factor, (0, 1), both_ways=False)
