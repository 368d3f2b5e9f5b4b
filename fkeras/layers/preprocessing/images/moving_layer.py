"""`MovingLayer`: layers that move pixels, which masks and boxes have to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from fkeras.data import bounding_boxes
from fkeras.layers.preprocessing.images import samples
from fkeras.layers.preprocessing.images.image_layer import (
    ImageLayer,
    RandomImageLayer,
    Transformation,
)

if TYPE_CHECKING:
    from fkeras.types import SeedLike, Tensor


class MovingLayer(ImageLayer):
    """A layer that moves pixels. Masks are moved as the images are, each pixel as a whole; boxes
    are moved by their corners and cut off at the edges. The label of a box of which nothing is left
    is -1.
    """

    interpolation = "nearest"

    def move_pixels(
        self, images: Tensor, transformation: Transformation, interpolation: str
    ) -> Tensor:
        """The moved pixels of images or masks.

        Args:
            images: (batch, height, width, channels), or with channels first.
            transformation: what `get_random_transformation` returned.
            interpolation: how a pixel is made that lies between others.
        """
        return images

    def move_corners(
        self, corners: Tensor, transformation: Transformation, height: int, width: int
    ) -> Tensor:
        """Where boxes come to lie.

        Args:
            corners: (batch, boxes, 4): left, top, right, bottom in pixels.
            transformation: what `get_random_transformation` returned.
            height, width: of the images that come in.
        """
        return corners

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of images that come out.

        Args:
            height, width: of those that come in.
        """
        return height, width

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: SeedLike | None = None
    ) -> Transformation:
        """The size of the images, which boxes need.

        Args:
            data, training, seed: see `ImageLayer`.
        """
        return {"input_shape": jnp.shape(samples.images_of(data))}

    def change_images(self, images: Tensor, transformation: Transformation) -> Tensor:
        return self.move_pixels(images, transformation, self.interpolation)

    def change_masks(self, masks: Tensor, transformation: Transformation) -> Tensor:
        return self.move_pixels(masks, transformation, "nearest")

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        self._check_boxes_have_format()
        height, width = samples.size_of(transformation["input_shape"], self.data_format)
        moved = bounding_boxes.convert_format(
            boxes, self.bounding_box_format, "xyxy", height, width
        )
        corners = self.move_corners(moved["boxes"], transformation, height, width)
        size = self.output_size(height, width)
        moved = bounding_boxes.clip_to_image_size({**moved, "boxes": corners}, *size)
        return bounding_boxes.convert_format(moved, "xyxy", self.bounding_box_format, *size)


class RandomMovingLayer(RandomImageLayer, MovingLayer):
    """A layer that moves pixels at random in training. It says what it draws for one image, where
    the pixels of a batch go, and where corners go.
    """


def scaled_part(corners: Tensor, top: Any, left: Any, scales: tuple[float, float]) -> Tensor:
    """Boxes in the coordinates of a part of the image that was cut out and scaled.

    Args:
        corners: (batch, boxes, 4): left, top, right, bottom in pixels.
        top, left: where the part begins, one number or (batch,).
        scales: of height and width.
    """
    start = jnp.stack(jnp.broadcast_arrays(left, top, left, top), axis=-1)
    start = jnp.reshape(start, (-1, 1, 4)).astype(corners.dtype)
    down, along = scales
    return (corners - start) * jnp.asarray([along, down, along, down], corners.dtype)
