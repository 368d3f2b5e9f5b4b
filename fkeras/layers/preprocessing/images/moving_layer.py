"""`MovingLayer`: layers that move pixels, which masks and boxes have to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.data import bounding_boxes
from fkeras.layers.preprocessing.images import samples
from fkeras.layers.preprocessing.images.image_layer import ImageLayer, Transformation

if TYPE_CHECKING:
    from fkeras.types import Tensor


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
        """The size of images that come out."""
        return height, width

    def change_images(self, images: Tensor, transformation: Transformation) -> Tensor:
        if transformation is None:
            return images
        return self.move_pixels(images, transformation, self.interpolation)

    def change_masks(self, masks: Tensor, transformation: Transformation) -> Tensor:
        if transformation is None:
            return masks
        return self.move_pixels(masks, transformation, "nearest")

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        if transformation is None:
            return boxes
        self._check_boxes_have_format()
        height, width = samples.size_of(transformation["input_shape"], self.data_format)
        moved = bounding_boxes.convert_format(
            boxes, self.bounding_box_format, "xyxy", height, width
        )
        corners = self.move_corners(moved["boxes"], transformation, height, width)
        size = self.output_size(height, width)
        moved = bounding_boxes.clip_to_image_size({**moved, "boxes": corners}, *size)
        return bounding_boxes.convert_format(moved, "xyxy", self.bounding_box_format, *size)
