"""`MaxNumBoundingBoxes`: as many boxes for each image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras.layers.preprocessing.images import factors
from fkeras.layers.preprocessing.images.image_layer import ImageLayer, Transformation
from fkeras.layers.preprocessing.images.options import ImageOptions

if TYPE_CHECKING:
    from fkeras.types import Tensor


class MaxNumBoundingBoxes(ImageLayer):
    """Gives each image the same number of boxes: further ones are left out, missing ones filled up.

    Images, labels and masks are left as they are.

    Args:
        max_number: of boxes for an image.
        fill_value: of the numbers and labels of boxes that are filled up.
        **kwargs: `bounding_box_format`, and what every layer takes.

    Raises:
        UserInputError: no positive number.

    Examples:
        >>> import fkeras, numpy as np
        >>> layer = fkeras.layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
        >>> boxes = {"boxes": np.ones((1, 2, 4)), "labels": np.array([[5, 6]])}
        >>> layer({"images": np.ones((1, 8, 8, 3)), "bounding_boxes": boxes})["bounding_boxes"][
        ...     "labels"
        ... ].tolist()
        [[5, 6, -1]]
    """

    keeps_integers = True

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Unpack[ImageOptions]):
        super().__init__(**kwargs)
        self.max_number = factors.size("MaxNumBoundingBoxes", "max_number", int(max_number))
        self.fill_value = int(fill_value)

    def change_boxes(
        self, boxes: dict[str, Tensor], transformation: Transformation
    ) -> dict[str, Tensor]:
        filled = {name: self._filled(boxes[name]) for name in ("boxes", "labels")}
        return {**boxes, **filled}

    def _filled(self, values: Tensor) -> Tensor:
        """(images, boxes, ...) as (images, max_number, ...)."""
        missing = max(self.max_number - values.shape[1], 0)
        widths = [(0, missing if axis == 1 else 0) for axis in range(values.ndim)]
        return jnp.pad(values[:, : self.max_number], widths, constant_values=self.fill_value)
