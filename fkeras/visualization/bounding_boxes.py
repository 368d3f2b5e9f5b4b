"""`draw_bounding_boxes`: frames around objects, with the names of what they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fkeras.core import settings
from fkeras.data.bounding_boxes import convert_format
from fkeras.data.pillow import load_pillow
from fkeras.errors import UserInputError, UserTypeError
from fkeras.visualization.image_batches import to_channels_last

if TYPE_CHECKING:
    from fkeras.data.bounding_boxes.formats import BoxFormat
    from fkeras.types import ArrayLike, DataFormat

Color: TypeAlias = tuple[int, int, int] | list[int]
ClassNames: TypeAlias = Mapping[int, str]

_NO_BOX = -1  # the label of rows that only fill a batch up
_CAPITALS_AT_SCALE_1 = 21  # pixels
_POINTS_A_PIXEL_OF_CAPITALS = 1.4  # of Pillow's own font


def draw_bounding_boxes(
    images: ArrayLike,
    bounding_boxes: Mapping[str, ArrayLike],
    bounding_box_format: BoxFormat,
    class_mapping: ClassNames | None = None,
    color: Color = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int | None = 1,
    font_scale: float = 1.0,
    data_format: DataFormat | None = None,
) -> np.ndarray:
    """Draws frames on copies of images.

    The frames have OpenCV's pixels; names are written in Pillow's font.

    Args:
        images: (batch, height, width, channels). Floats that are all at most 1 count as fractions
            of 255.
        bounding_boxes: dict of `boxes`, (batch, boxes, 4); `labels`, (batch, boxes), integers of
            which -1 is no box; and, if there are any, `confidences`, (batch, boxes).
        bounding_box_format: what the four numbers are; see
            `fkeras.utils.bounding_boxes.convert_format`.
        class_mapping: dict from a label to the name that is written at its boxes. Needs Pillow.
        color: red, green and blue, 0 to 255.
        line_thickness: of the frame, in pixels, as OpenCV counts them; negative: the box is filled.
        text_thickness: of the strokes, in pixels. None or 0: that of the lines.
        font_scale: size of the names; 1: capitals of 21 pixels.
        data_format: 'channels_last' or 'channels_first'; None: that of
            `fkeras.config.image_data_format()`.

    Returns:
        Array of the images' shape, uint8.

    Raises:
        UserInputError: for images without four axes, and boxes that are not as above.
        ImportError: a name is to be written, and there is no Pillow.

    Examples:
        >>> import fkeras, numpy as np
        >>> found = {"boxes": np.array([[[1, 1, 4, 3]]]), "labels": np.array([[0]])}
        >>> drawn = fkeras.visualization.draw_bounding_boxes(
        ...     np.zeros((1, 5, 6, 3)), found, "xyxy", color=(9, 0, 0), line_thickness=1)
        >>> print(drawn[0, :, :, 0])
        [[0 0 0 0 0 0]
         [0 9 9 9 9 0]
         [0 9 0 0 9 0]
         [0 9 9 9 9 0]
         [0 0 0 0 0 0]]
    """
    data_format = settings.standardize_data_format(data_format)
    images = _to_bytes(to_channels_last(images, data_format, "draw_bounding_boxes"))
    boxes, labels, confidences = _read(bounding_boxes, bounding_box_format, images.shape)
    for index, image in enumerate(images):
        for number, (corners, label) in enumerate(zip(boxes[index], labels[index])):
            if label == _NO_BOX:
                continue
            _paint(image, _frame(image.shape, corners, line_thickness), color)
            if class_mapping and int(label) in class_mapping:
                text = class_mapping[int(label)]
                if confidences is not None:
                    text = f"{text} | {confidences[index][number]:.2f}"
                thickness = text_thickness or line_thickness
                _paint(image, _text(image.shape, text, corners, font_scale, thickness), color)
    return np.moveaxis(images, -1, 1) if data_format == "channels_first" else images


def _read(
    bounding_boxes: Any, bounding_box_format: BoxFormat, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Corners as integers, labels, and confidences where there are any."""
    if not isinstance(bounding_boxes, Mapping):
        raise UserTypeError(
            "draw_bounding_boxes: `bounding_boxes` must be a dict with 'boxes' and 'labels'. "
            f"Received: a {type(bounding_boxes).__name__}"
        )
    missing = [key for key in ("boxes", "labels") if key not in bounding_boxes]
    if missing:
        raise UserInputError(
            "draw_bounding_boxes: `bounding_boxes` must have 'boxes' and 'labels'. Missing: "
            f"{', '.join(missing)}; there are: {', '.join(map(str, bounding_boxes)) or 'none'}"
        )
    boxes, labels = (np.asarray(bounding_boxes[key]) for key in ("boxes", "labels"))
    if boxes.shape != (shape[0], *labels.shape[1:], 4) or labels.shape != boxes.shape[:2]:
        raise UserInputError(
            f"draw_bounding_boxes: for {shape[0]} images, `boxes` must have the shape "
            f"({shape[0]}, boxes, 4) and `labels` ({shape[0]}, boxes). Received: {boxes.shape} "
            f"and {labels.shape}"
        )
    corners = convert_format(boxes, bounding_box_format, "xyxy", shape[1], shape[2])
    confidences = bounding_boxes.get("confidences")
    return (
        np.asarray(corners).astype("int32"),
        labels,
        None if confidences is None else np.asarray(confidences),
    )


def _to_bytes(images: np.ndarray) -> np.ndarray:
    """A copy of 0 to 255."""
    if images.dtype.kind == "f" and images.size:
        is_fraction = images.max() <= 1
        images = np.clip(images, 0, 1) * 255 if is_fraction else np.clip(images, 0, 255)
    return images.astype("uint8")


def _paint(image: np.ndarray, where: np.ndarray, color: Color) -> None:
    channels = min(image.shape[-1], 3)  # a fourth is how opaque the image is
    image[where, :channels] = color[:channels]


def _frame(shape: tuple[int, ...], corners: np.ndarray, thickness: int) -> np.ndarray:
    """Where the frame is: all pixels that are within a radius of the box's edge."""
    (left, right), (top, bottom) = np.sort(corners[::2]), np.sort(corners[1::2])
    x, y = np.arange(shape[1], dtype="int64"), np.arange(shape[0], dtype="int64")[:, None]
    beside = np.maximum(np.maximum(left - x, x - right), 0)
    above = np.maximum(np.maximum(top - y, y - bottom), 0)
    inside = np.minimum(np.minimum(x - left, right - x), np.minimum(y - top, bottom - y))
    radius = (thickness + 1) // 2 if thickness > 1 else 0
    is_near = beside**2 + above**2 <= radius**2
    return is_near if thickness < 0 else is_near & (inside <= radius)


def _text(
    shape: tuple[int, ...], text: str, corners: np.ndarray, scale: float, thickness: int
) -> np.ndarray:
    """Where the text is: above the box's left upper corner, or inside it where that is no room."""
    pillow = load_pillow("draw_bounding_boxes with `class_mapping`")
    from PIL import ImageDraw, ImageFont

    x, y = int(corners[0]), int(corners[1])
    height = int(scale * 12)
    if y - 8 - 2 * height > 0:
        place = (x, y - 8)
    else:
        place = (x + 3, y + 2 * height + thickness + 3)
    page = pillow.new("L", (shape[1], shape[0]))
    drawing = ImageDraw.Draw(page)
    drawing.fontmode = "1"  # without greys: all of it has the one color
    font = ImageFont.load_default(
        max(1.0, scale * _CAPITALS_AT_SCALE_1 * _POINTS_A_PIXEL_OF_CAPITALS)
    )
    drawing.text(place, text, 255, font, anchor="ls", stroke_width=max(thickness, 0) // 2)
    return np.asarray(page) > 127
