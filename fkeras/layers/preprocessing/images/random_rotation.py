"""`RandomRotation`: images turned around their middle."""

from __future__ import annotations

import math
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


class RandomRotation(ProjectiveLayer):
    """Turns each image around its middle by an angle of its own, in training.

    Args:
        factor: greatest angle as a fraction of a full turn, in [-1, 1]: 0.1 for -36 to 36 degrees.
            Or a pair of them; positive ones turn anticlockwise.
        fill_mode: what comes in at the corners: `'reflect'` (`d c b a | a b c d | d c b a`),
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
        >>> quarter = fkeras.layers.RandomRotation((0.25, 0.25))
        >>> turned = quarter(jnp.array([[1.0, 2], [3, 4]])[..., None])
        >>> turned[..., 0].round().astype(int).tolist()
        [[2, 4], [1, 3]]
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: SeedLike | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = factors.as_range("RandomRotation", "factor", factor, (-1, 1))

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        lower, upper = self.factor
        angle = jax.random.uniform(key, (), minval=360.0 * lower, maxval=360.0 * upper)
        radians = angle * (math.pi / 180)
        cos, sin = jnp.cos(radians), jnp.sin(radians)
        x, y = (width - 1) / 2, (height - 1) / 2
        zero = jnp.zeros_like(cos)
        rows = [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, zero, zero]
        return {"angle": angle, "rotation_matrix": jnp.stack(rows)}

    def projection(self, transformation: Transformation, height: int, width: int) -> Tensor:
        return jnp.reshape(jnp.asarray(transformation["rotation_matrix"]), (-1, 8))
