"""What every layer for images takes beside its own arguments, for type checkers."""

from __future__ import annotations

from fkeras.data.bounding_boxes.formats import BoxFormat
from fkeras.layers.base.options import LayerOptions


class ImageOptions(LayerOptions, total=False):
    """`LayerOptions`, and the format of boxes.

    Attributes:
        bounding_box_format: of the boxes that come beside the images, a format of
            `fkeras.utils.bounding_boxes.convert_format`; None where there are none.
    """

    bounding_box_format: BoxFormat | None
