"""`ProjectiveLayer`: layers that read each pixel where a projection of the plane says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, Unpack

import jax.numpy as jnp

from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.moving_layer import RandomMovingLayer
from fkeras.layers.preprocessing.images.options import ImageOptions
from fkeras.ops.image_warp import projected

if TYPE_CHECKING:
    from fkeras.types import DataFormat, SeedLike, Tensor

FillMode: TypeAlias = Literal["reflect", "wrap", "constant", "nearest"]
Interpolation: TypeAlias = Literal["nearest", "bilinear"]


class ProjectiveLayer(RandomMovingLayer):
    """A layer that turns, shifts, scales or tilts images. A subclass says which pixel of the image
    that comes in each one of the image that comes out shows, by 8 numbers: `projection`. Boxes go
    the way back.

    Args:
        fill_mode: what lies outside of the image: `'reflect'` (`d c b a | a b c d | d c b a`),
            `'wrap'`, `'nearest'`, or `'constant'`, which is `fill_value`.
        interpolation: `'bilinear'` or `'nearest'`.
        seed, data_format, bounding_box_format: see `RandomImageLayer`.
        fill_value: a number.
    """

    # Whether parallels stay parallel: the last two of the numbers are 0.
    is_affine = True
    # Whether rows stay rows and columns stay columns.
    is_upright = False

    def __init__(
        self,
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: SeedLike | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        layer = type(self).__name__
        factors.one_of(layer, "fill_mode", fill_mode, FillMode.__args__)
        factors.one_of(layer, "interpolation", interpolation, Interpolation.__args__)
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def projection(self, transformation: Transformation, height: int, width: int) -> Tensor:
        """(batch, 8): the `transform` of `fkeras.ops.image.affine_transform`.

        Args:
            transformation: what `get_random_transformation` returned.
            height, width: of the images, in pixels.
        """
        return jnp.asarray([[1.0, 0, 0, 0, 1, 0, 0, 0]])

    def move_pixels(
        self, images: Tensor, transformation: Transformation, interpolation: str
    ) -> Tensor:
        down = -3 if self.data_format == "channels_last" else -2
        height, width = images.shape[down], images.shape[down + 1]
        is_last = self.data_format == "channels_last"
        moved = projected(
            images if is_last else jnp.moveaxis(images, 1, -1),
            self.projection(transformation, height, width),
            interpolation,
            self.fill_mode,
            self.fill_value,
            self.is_affine,
            self.is_upright,
        )
        return moved if is_last else jnp.moveaxis(moved, -1, 1)

    def move_corners(
        self, corners: Tensor, transformation: Transformation, height: int, width: int
    ) -> Tensor:
        projection = self.projection(transformation, height, width)
        return around_projected(corners, projection.astype(corners.dtype))


def around_projected(corners: Tensor, projection: Tensor) -> Tensor:
    """Boxes around what boxes become, where each pixel shows the one that a projection leads to.

    Args:
        corners: (batch, boxes, 4): left, top, right, bottom.
        projection: (batch, 8), from the image that comes out to the one that came in.
    """
    a0, a1, a2, b0, b1, b2, c0, c1 = jnp.split(projection[:, None], 8, axis=-1)  # (batch, 1, 1)
    x = corners[..., jnp.array([0, 2, 2, 0])]  # (batch, boxes, 4 corners)
    y = corners[..., jnp.array([1, 1, 3, 3])]
    # The inverse of [[a0, a1, a2], [b0, b1, b2], [c0, c1, 1]] but for a factor, which cancels.
    along = (b1 - b2 * c1) * x + (a2 * c1 - a1) * y + (a1 * b2 - a2 * b1)
    down = (b2 * c0 - b0) * x + (a0 - a2 * c0) * y + (a2 * b0 - a0 * b2)
    depth = (b0 * c1 - b1 * c0) * x + (a1 * c0 - a0 * c1) * y + (a0 * b1 - a1 * b0)
    x, y = along / depth, down / depth
    # Of an image that is pressed together to a line no box is left.
    x, y = (jnp.where(jnp.isnan(position), 0.0, position) for position in (x, y))
    sides = (jnp.min(x, -1), jnp.min(y, -1), jnp.max(x, -1), jnp.max(y, -1))
    return jnp.stack(sides, axis=-1)
