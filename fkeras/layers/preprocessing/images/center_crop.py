"""`CenterCrop`: the middle of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, Unpack

from fkeras import ops
from fkeras.layers.preprocessing.images import factors, samples
from fkeras.layers.preprocessing.images.image_layer import Transformation
from fkeras.layers.preprocessing.images.moving_layer import MovingLayer, scaled_part
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from fkeras.types import DataFormat, Tensor

Part: TypeAlias = tuple[tuple[int, int], tuple[int, int]]  # (top, rows), (left, columns)


class CenterCrop(MovingLayer):
    """Cuts the middle out of images, in training and in inference.

    Images that are smaller than the part are resized: the largest middle part of its proportions
    fills it.

    Args:
        height, width: of the part, in pixels.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        **kwargs: `bounding_box_format`, and what every layer takes.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, height, width, channels)`, or without the
        batch.

    Raises:
        UserInputError: a size that is no positive integer.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> middle = fkeras.layers.CenterCrop(2, 2)
        >>> middle(jnp.arange(16.0).reshape(4, 4, 1))[..., 0].tolist()
        [[5.0, 6.0], [9.0, 10.0]]
    """

    interpolation = "bilinear"

    def __init__(
        self,
        height: int,
        width: int,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[ImageOptions],
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.height = factors.size("CenterCrop", "height", height)
        self.width = factors.size("CenterCrop", "width", width)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        return self.height, self.width

    def move_pixels(
        self, images: Tensor, transformation: Transformation, interpolation: str
    ) -> Tensor:
        height, width = samples.size_of(images.shape, self.data_format)
        if height < self.height or width < self.width:
            return ops.image.resize(
                images,
                (self.height, self.width),
                interpolation=interpolation,
                crop_to_aspect_ratio=True,
                data_format=self.data_format,
            )
        top, left = (height - self.height) // 2, (width - self.width) // 2
        rows, columns = slice(top, top + self.height), slice(left, left + self.width)
        is_last = self.data_format == "channels_last"
        return images[:, rows, columns] if is_last else images[:, :, rows, columns]

    def move_corners(
        self, corners: Tensor, transformation: Transformation, height: int, width: int
    ) -> Tensor:
        if height < self.height or width < self.width:
            (top, rows), (left, columns) = middle_part((height, width), (self.height, self.width))
            return scaled_part(corners, top, left, (self.height / rows, self.width / columns))
        top, left = (height - self.height) // 2, (width - self.width) // 2
        return scaled_part(corners, top, left, (1.0, 1.0))


def middle_part(size: Sequence[int], target: Sequence[int]) -> Part:
    """The largest middle part of an image that has the proportions of another size.

    Args:
        size: height and width of the image, in pixels.
        target: the other height and width.
    """
    rows = max(1, min(size[0], int(size[1] * target[0] / target[1])))
    columns = max(1, min(size[1], int(size[0] * target[1] / target[0])))
    return ((size[0] - rows) // 2, rows), ((size[1] - columns) // 2, columns)
