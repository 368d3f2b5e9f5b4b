"""How much boxes overlap."""

import math
from collections.abc import Sequence

from fkeras import ops
from fkeras.core import settings
from fkeras.data.bounding_boxes.formats import (
    BoxFormat,
    check_format,
    convert_format,
    size_of_image,
    split_columns,
)
from fkeras.errors import UserInputError
from fkeras.types import Tensor, TensorLike


def compute_iou(
    boxes1: TensorLike,
    boxes2: TensorLike,
    bounding_box_format: BoxFormat,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[int] | None = None,
) -> Tensor:
    """The intersection over union of each box of one set with each of another one.

    Args:
        boxes1: (M, 4) or (batch, M, 4).
        boxes2: (N, 4) or (batch, N, 4).
        bounding_box_format: of both; see `convert_format`.
        use_masking: whether pairs with a box whose numbers are all negative (padding) get
            `mask_val`.
        mask_val: the value of such pairs.
        image_shape: (height, width, channels), needed for relative formats.

    Returns:
        (M, N) or (batch, M, N), values in [0, 1].

    Raises:
        UserInputError: boxes of another rank, or no `image_shape` for a relative format.

    Examples:
        >>> from fkeras.utils import bounding_boxes
        >>> bounding_boxes.compute_iou([[0, 0, 2, 2]], [[0, 0, 2, 1], [5, 5, 6, 6]], "xyxy")
        Array([[0.5, 0. ]], dtype=float32)
    """
    _check_size_is_there("compute_iou", bounding_box_format, image_shape)
    boxes1, boxes2 = (
        _corners(boxes, bounding_box_format, image_shape) for boxes in (boxes1, boxes2)
    )
    for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2)):
        if len(boxes.shape) not in (2, 3):
            raise UserInputError(
                f"compute_iou() expects {name} to be batched, or to be unbatched: (boxes, 4) or "
                f"(batch, boxes, 4). Received len({name}.shape)={len(boxes.shape)}, the shape "
                f"{tuple(boxes.shape)}."
            )
    left1, top1, right1, bottom1 = split_columns(boxes1)  # (..., M, 1)
    left2, top2, right2, bottom2 = (
        ops.swapaxes(column, -1, -2) for column in split_columns(boxes2)
    )  # (..., 1, N)
    height = ops.maximum(ops.minimum(bottom1, bottom2) - ops.maximum(top1, top2), 0.0)
    width = ops.maximum(ops.minimum(right1, right2) - ops.maximum(left1, left2), 0.0)
    intersection = height * width
    area1 = (bottom1 - top1) * (right1 - left1)
    area2 = (bottom2 - top2) * (right2 - left2)
    union = area1 + area2 - intersection
    overlap = intersection / (union + settings.epsilon())
    if not use_masking:
        return overlap
    is_padding1 = ops.max(boxes1, axis=-1, keepdims=True) < 0.0
    is_padding2 = ops.swapaxes(ops.max(boxes2, axis=-1, keepdims=True) < 0.0, -1, -2)
    return ops.where(ops.logical_or(is_padding1, is_padding2), float(mask_val), overlap)


def compute_ciou(
    boxes1: TensorLike,
    boxes2: TensorLike,
    bounding_box_format: BoxFormat,
    image_shape: Sequence[int] | None = None,
) -> Tensor:
    """The complete intersection over union of boxes, pair by pair.

    It is smaller than the intersection over union by a penalty for centres that lie apart and for
    other proportions, so that boxes that do not touch still have a gradient (Zheng et al., 2020,
    Distance-IoU Loss).

    Args:
        boxes1, boxes2: (..., 4).
        bounding_box_format: of both; see `convert_format`.
        image_shape: (height, width, channels), needed for relative formats.

    Returns:
        (...,), values of at most 1.

    Raises:
        UserInputError: no `image_shape` for a relative format.

    Examples:
        >>> from fkeras.utils import bounding_boxes
        >>> bounding_boxes.compute_ciou([0, 0, 2, 2], [0, 0, 2, 2], "xyxy").round(4)
        Array(1., dtype=float32)
    """
    _check_size_is_there("compute_ciou", bounding_box_format, image_shape)
    epsilon = settings.epsilon()
    left1, top1, right1, bottom1 = _columns(boxes1, bounding_box_format, image_shape)
    left2, top2, right2, bottom2 = _columns(boxes2, bounding_box_format, image_shape)
    width1, height1 = right1 - left1, bottom1 - top1 + epsilon
    width2, height2 = right2 - left2, bottom2 - top2 + epsilon
    intersection = ops.maximum(
        ops.minimum(right1, right2) - ops.maximum(left1, left2), 0.0
    ) * ops.maximum(ops.minimum(bottom1, bottom2) - ops.maximum(top1, top2), 0.0)
    union = width1 * height1 + width2 * height2 - intersection + epsilon
    overlap = intersection / (union + epsilon)
    around_width = ops.maximum(right1, right2) - ops.minimum(left1, left2)
    around_height = ops.maximum(bottom1, bottom2) - ops.minimum(top1, top2)
    diagonal = around_width**2 + around_height**2 + epsilon
    distance = ((left1 + right1) / 2 - (left2 + right2) / 2) ** 2 + (
        (top1 + bottom1) / 2 - (top2 + bottom2) / 2
    ) ** 2
    angle = ops.arctan(width2 / height2) - ops.arctan(width1 / height1)
    proportions = (4 / math.pi**2) * angle**2
    weight = proportions / (proportions - overlap + (1 + epsilon))
    return overlap - (distance / diagonal + proportions * weight)


def _columns(
    boxes: TensorLike, source: BoxFormat, image_shape: Sequence[int] | None
) -> list[Tensor]:
    corners = _corners(boxes, source, image_shape)
    return [ops.squeeze(column, axis=-1) for column in split_columns(corners)]


def _corners(boxes: TensorLike, source: BoxFormat, image_shape: Sequence[int] | None) -> Tensor:
    height, width = size_of_image(image_shape)
    return convert_format(boxes, source, "xyxy", height=height, width=width)


def _check_size_is_there(
    function: str, bounding_box_format: str, image_shape: Sequence[int] | None
) -> None:
    if check_format(bounding_box_format).startswith("rel_") and image_shape is None:
        raise UserInputError(
            f"{function}: when using relative bounding box formats (e.g. `rel_yxyx`) the "
            f"`image_shape` argument must be provided. Received `image_shape`: {image_shape}"
        )
