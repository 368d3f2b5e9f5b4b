"""`RandomPerspective`: images seen from an angle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.layers.preprocessing.images.projective_layer import Interpolation, ProjectiveLayer
from fkeras.ops.image_warp import homography

if TYPE_CHECKING:
    from fkeras.types import Config, DataFormat, SeedLike, Tensor


class RandomPerspective(ProjectiveLayer):
    """Tilts images, as if they were seen from an angle, in training: all corners but the first one
    move.

    Args:
        factor: probability that an image is tilted, in [0, 1]: it is drawn for each image from
            `(0, factor)`, or from a pair.
        scale: how far corners move, in [0, 1]: by up to half of this, as a fraction of the size.
        interpolation: `'bilinear'` or `'nearest'`.
        fill_value: what comes in from outside.
        seed: int; None for numbers that follow from the model's seed.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        **kwargs: `bounding_box_format`, and what every layer takes.

    Shape:
        `(batch, height, width, channels)` or without the batch; the output has the input's shape.

    Raises:
        UserInputError: a factor or scale out of its range, an unknown choice.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.RandomPerspective(factor=(1.0, 1.0), scale=0.5, seed=1)
        >>> layer(jnp.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    is_affine = False

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float = 1.0,
        interpolation: Interpolation = "bilinear",
        fill_value: float = 0.0,
        seed: SeedLike | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__("constant", interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = factors.as_range("RandomPerspective", "factor", factor, (0, 1))
        factors.as_range("RandomPerspective", "scale", scale, (0, 1))
        self.scale = scale

    def draw(self, key: jax.Array, height: int, width: int) -> dict[str, Tensor]:
        for_choice, for_corners = jax.random.split(key)
        right, bottom = width - 1.0, height - 1.0
        corners = jnp.asarray([[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]])
        half = 0.5 * self.scale
        moved = corners * (1 + jax.random.uniform(for_corners, (4, 2), minval=-half, maxval=half))
        is_tilted = factors.is_chosen(for_choice, self.factor)
        return {
            "apply_perspective": is_tilted,
            "start_points": corners,
            "end_points": jnp.where(is_tilted, moved, corners),
        }

    def projection(self, transformation: Transformation, height: int, width: int) -> Tensor:
        points = (
            jnp.asarray(transformation[name], "float32") for name in ("start_points", "end_points")
        )
        same = jnp.asarray([1.0, 0, 0, 0, 1, 0, 0, 0])
        is_tilted = jnp.reshape(jnp.asarray(transformation["apply_perspective"]), (-1, 1))
        return jnp.where(is_tilted, homography(*points), same)

    def get_config(self) -> Config:
        config = super().get_config()
        del config["fill_mode"]  # no choice here
        return config
