"""What happens to boxes when their image is cut, padded or transformed."""

import math
from collections.abc import Mapping
from typing import Any

from fkeras import ops
from fkeras.data.bounding_boxes.formats import (
    BoxFormat,
    check_format,
    convert_format,
    split_columns,
)
from fkeras.errors import UserInputError
from fkeras.types import Tensor, TensorLike


def clip_to_image_size(
    bounding_boxes: Mapping[str, TensorLike],
    height: TensorLike | None = None,
    width: TensorLike | None = None,
    bounding_box_format: BoxFormat = "xyxy",
) -> dict[str, Any]:
    """Cuts boxes off at the edges of the image.

    Args:
        bounding_boxes: dict of `'boxes'`, (boxes, 4) or (batch, boxes, 4), and `'labels'`, which
            may be missing, of the same shape without the 4.
        height, width: of the image in pixels; relative corners need none.
        bounding_box_format: of the boxes; see `convert_format`.

    Returns:
        A new dict. The label of a box of which nothing is left is -1.

    Raises:
        UserInputError: no height or width where they are needed.

    Examples:
        >>> from fkeras.utils import bounding_boxes
        >>> import numpy as np
        >>> boxes = {"boxes": np.array([[-10.0, 0, 20, 30]]), "labels": np.array([3])}
        >>> bounding_boxes.clip_to_image_size(boxes, height=20, width=40)["boxes"].tolist()
        [[0.0, 0.0, 20.0, 20.0]]
    """
    name = check_format(bounding_box_format)
    is_relative = name == "rel_xyxy"
    if not is_relative and (height is None or width is None):
        raise UserInputError(
            f"clip_to_image_size: `height` and `width` must be set if `format={name!r}`. Received: "
            f"height={height}, width={width}"
        )
    boxes = ops.convert_to_tensor(bounding_boxes["boxes"])
    if name not in ("xyxy", "rel_xyxy"):
        boxes = convert_format(boxes, name, "xyxy", height, width)
    limits = (1.0, 1.0) if is_relative else (width, height)
    columns = [
        ops.clip(column, 0, ops.cast(limits[i % 2], boxes.dtype))
        for i, column in enumerate(split_columns(boxes))
    ]
    left, top, right, bottom = columns
    clipped = ops.concatenate(columns, axis=-1)
    if name not in ("xyxy", "rel_xyxy"):
        clipped = convert_format(clipped, "xyxy", name, height, width)
    result = {**bounding_boxes, "boxes": clipped}
    labels = bounding_boxes.get("labels")
    if labels is not None:
        is_left = (right - left) * (bottom - top) > 0  # (..., boxes, 1)
        of_classes = ops.shape(labels)[:-1] == tuple(is_left.shape[:-1])  # a row for each box
        is_left = is_left if of_classes else ops.squeeze(is_left, axis=-1)
        result["labels"] = ops.where(is_left, labels, -1)
    return result


def crop(
    boxes: TensorLike,
    top: TensorLike,
    left: TensorLike,
    height: TensorLike,
    width: TensorLike,
    bounding_box_format: BoxFormat = "xyxy",
) -> Tensor:
    """Boxes in the coordinates of a part that is cut out of the image, cut off at its edges.

    Args:
        boxes: (..., 4), in pixels.
        top, left: where the part begins, in pixels.
        height, width: of the part, in pixels.
        bounding_box_format: a format in pixels; see `convert_format`.

    Returns:
        Boxes of the same shape and format.

    Raises:
        UserInputError: a relative format.

    Examples:
        >>> from fkeras.utils import bounding_boxes
        >>> import numpy as np
        >>> boxes = np.array([[10.0, 20, 50, 60]])
        >>> bounding_boxes.crop(boxes, top=10, left=20, height=40, width=20).tolist()
        [[0.0, 10.0, 20.0, 40.0]]
    """
    x1, y1, x2, y2 = split_columns(_to_corners("crop", boxes, bounding_box_format))
    corners = [
        ops.clip(x1 - left, 0, width),
        ops.clip(y1 - top, 0, height),
        ops.clip(x2 - left, 0, width),
        ops.clip(y2 - top, 0, height),
    ]
    return _from_corners(ops.concatenate(corners, axis=-1), bounding_box_format)


def pad(
    boxes: TensorLike,
    top: TensorLike,
    left: TensorLike,
    height: TensorLike | None = None,
    width: TensorLike | None = None,
    bounding_box_format: BoxFormat = "xyxy",
) -> Tensor:
    """Boxes in the coordinates of an image that was padded at its top and left.

    Args:
        boxes: (..., 4), in pixels.
        top, left: how much was added, in pixels.
        height, width: not needed.
        bounding_box_format: a format in pixels; see `convert_format`.

    Returns:
        Boxes of the same shape and format.

    Raises:
        UserInputError: a relative format.

    Examples:
        >>> from fkeras.utils import bounding_boxes
        >>> import numpy as np
        >>> bounding_boxes.pad(np.array([[10.0, 20, 50, 60]]), top=1, left=2).tolist()
        [[12.0, 21.0, 52.0, 61.0]]
    """
    x1, y1, x2, y2 = split_columns(_to_corners("pad", boxes, bounding_box_format))
    moved = ops.concatenate([x1 + left, y1 + top, x2 + left, y2 + top], axis=-1)
    return _from_corners(moved, bounding_box_format)


def affine_transform(
    boxes: TensorLike,
    angle: TensorLike,
    translate_x: TensorLike,
    translate_y: TensorLike,
    scale: TensorLike,
    shear_x: TensorLike,
    shear_y: TensorLike,
    height: TensorLike,
    width: TensorLike,
    center_x: TensorLike | None = None,
    center_y: TensorLike | None = None,
    bounding_box_format: BoxFormat = "xyxy",
) -> Tensor:
    """Boxes around what rotated, moved, scaled and sheared boxes become.

    Args:
        boxes: (batch, boxes, 4), or (boxes, 4) of one image.
        angle: of the rotation, in degrees; for each image of the batch, as all others, or one
            number.
        translate_x, translate_y: fractions of the width and height to move by.
        scale: factor.
        shear_x, shear_y: angles in degrees.
        height, width: of the image, in pixels.
        center_x, center_y: what is rotated around, in fractions of the width and height; None for
            the middle.
        bounding_box_format: of the boxes; see `convert_format`.

    Returns:
        Boxes of the same shape and format; they may reach out of the image.

    Examples:
        >>> from fkeras.utils import bounding_boxes
        >>> import numpy as np
        >>> box = np.array([[10.0, 20, 50, 60]])
        >>> moved = bounding_boxes.affine_transform(box, 0.0, 0.1, 0, 1, 0, 0, 101, 101)
        >>> moved.round().astype(int).tolist()
        [[20, 20, 60, 60]]
    """
    name = check_format(bounding_box_format)
    matrix = _inverse_affine_matrix(
        0.5 if center_x is None else center_x,
        0.5 if center_y is None else center_y,
        ops.cast(angle, "float32"),
        translate_x,
        translate_y,
        scale,
        shear_x,
        shear_y,
        height,
        width,
    )  # (batch or 1, 2, 3)
    boxes = ops.cast(boxes, matrix.dtype)
    is_single = len(boxes.shape) == 2
    corners = convert_format(
        boxes[None] if is_single else boxes, name, "xyxy", height, width, dtype=matrix.dtype
    )
    x1, y1, x2, y2 = split_columns(corners)  # each (batch, boxes, 1)
    points = ops.stack(
        [ops.concatenate(point, axis=-1) for point in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))],
        axis=2,
    )  # (batch, boxes, 4, 2)
    points = ops.concatenate([points, ops.ones_like(points[..., :1])], axis=-1)
    moved = ops.matmul(points, ops.swapaxes(matrix, -1, -2)[:, None])
    around = ops.concatenate([ops.min(moved, axis=2), ops.max(moved, axis=2)], axis=-1)
    around = convert_format(around, "xyxy", name, height, width, dtype=matrix.dtype)
    return around[0] if is_single else around


def _inverse_affine_matrix(
    center_x: Any,
    center_y: Any,
    angle: Tensor,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: Any,
    width: Any,
) -> Tensor:
    """(batch, 2, 3) matrices that move points as an image is moved by these numbers, after
    torchvision's.
    """
    to_radians = math.pi / 180.0
    x, y = center_x * (width - 1), center_y * (height - 1)
    rotation = -angle * to_radians
    shear_x, shear_y = -shear_x * to_radians, -shear_y * to_radians
    moved_x, moved_y = x - translate_x * (width - 1), y - translate_y * (height - 1)
    a = ops.cos(rotation - shear_y) / ops.cos(shear_y)
    b = a * ops.tan(shear_x) + ops.sin(rotation)
    c = -ops.sin(rotation - shear_y) / ops.cos(shear_y)
    d = ops.cos(rotation) - c * ops.tan(shear_x)
    # The determinant of [[a, b], [c, d]] is 1, so that this is the inverse, scaled.
    xx, xy, yx, yy = d * scale, -b * scale, -c * scale, a * scale
    rows = [xx, xy, x - xx * moved_x - xy * moved_y, yx, yy, y - yx * moved_x - yy * moved_y]
    rows = [ops.reshape(ops.cast(entry, angle.dtype), (-1,)) for entry in rows]
    images = max(entry.shape[0] for entry in rows)
    entries = ops.stack([ops.broadcast_to(entry, (images,)) for entry in rows], axis=-1)
    return ops.reshape(entries, (images, 2, 3))


def _to_corners(function: str, boxes: TensorLike, bounding_box_format: str) -> Tensor:
    name = check_format(bounding_box_format)
    if name.startswith("rel_"):
        raise UserInputError(
            f"{function}: boxes in fractions of an image cannot be moved in pixels. Convert them "
            f"first: `convert_format(boxes, {name!r}, 'xyxy', height=..., width=...)`."
        )
    boxes = ops.convert_to_tensor(boxes)
    return boxes if name == "xyxy" else convert_format(boxes, name, "xyxy")


def _from_corners(boxes: Tensor, bounding_box_format: str) -> Tensor:
    name = check_format(bounding_box_format)
    return boxes if name == "xyxy" else convert_format(boxes, "xyxy", name)
