"""Boxes as differences from anchors, which is what a detector learns to predict."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from fkeras import ops
from fkeras.core import settings
from fkeras.data.bounding_boxes.formats import BoxFormat, convert_format, size_of_image
from fkeras.errors import UserInputError
from fkeras.types import Tensor, TensorLike

CenterFormat: TypeAlias = Literal["center_xywh", "center_yxhw"]
_CENTER_FORMATS = ("center_xywh", "center_yxhw")


def encode_box_to_deltas(
    anchors: TensorLike,
    boxes: TensorLike,
    anchor_format: BoxFormat,
    box_format: BoxFormat,
    encoding_format: CenterFormat = "center_yxhw",
    variance: TensorLike | None = None,
    image_shape: Sequence[int] | None = None,
) -> Tensor:
    """How boxes differ from their anchors: moves in sizes of the anchor, logarithms of ratios.

    Args:
        anchors: (boxes, 4).
        boxes: (boxes, 4) or (batch, boxes, 4).
        anchor_format, box_format: see `convert_format`.
        encoding_format: order of the deltas, 'center_yxhw' or 'center_xywh'.
        variance: four numbers that the deltas are divided by; None for none.
        image_shape: (height, width, channels), needed for relative formats.

    Returns:
        Deltas of the shape of `boxes`.

    Raises:
        UserInputError: another encoding format, or not four variances.

    Examples:
        >>> from fkeras.utils import bounding_boxes
        >>> bounding_boxes.encode_box_to_deltas(
        ...     [[0, 0, 10, 10]], [[5, 0, 15, 10]], "xyxy", "xyxy"
        ... ).tolist()
        [[0.0, 0.5, 0.0, 0.0]]
    """
    variance = _checked_variance(variance)
    _check_encoding("encoding_format", encoding_format)
    height, width = size_of_image(image_shape)
    anchors = convert_format(anchors, anchor_format, encoding_format, height, width)
    boxes = convert_format(boxes, box_format, encoding_format, height, width)
    anchor_sizes = ops.maximum(anchors[..., 2:], settings.epsilon())
    box_sizes = ops.maximum(boxes[..., 2:], settings.epsilon())
    deltas = ops.concatenate(
        [(boxes[..., :2] - anchors[..., :2]) / anchor_sizes, ops.log(box_sizes / anchor_sizes)],
        axis=-1,
    )
    return deltas if variance is None else deltas / variance


def decode_deltas_to_boxes(
    anchors: TensorLike | Mapping[Any, TensorLike],
    boxes_delta: TensorLike | Mapping[Any, TensorLike],
    anchor_format: BoxFormat,
    box_format: BoxFormat,
    encoded_format: CenterFormat = "center_yxhw",
    variance: TensorLike | None = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """The boxes that deltas from anchors stand for; see `encode_box_to_deltas`.

    Args:
        anchors: (boxes, 4), or a dict of these by level.
        boxes_delta: (boxes, 4) or (batch, boxes, 4), or a dict with the same keys.
        anchor_format, box_format: see `convert_format`; the latter is that of the result.
        encoded_format: order of the deltas, 'center_yxhw' or 'center_xywh'.
        variance: four numbers that the deltas are multiplied by; None for none.
        image_shape: (height, width, channels), needed for relative formats.

    Returns:
        Boxes of the shape of the deltas, or a dict of these.

    Raises:
        UserInputError: another encoding format, or not four variances.

    Examples:
        >>> from fkeras.utils import bounding_boxes
        >>> bounding_boxes.decode_deltas_to_boxes(
        ...     [[0, 0, 10, 10]], [[0.0, 0.5, 0.0, 0.0]], "xyxy", "xyxy"
        ... ).tolist()
        [[5.0, 0.0, 15.0, 10.0]]
    """
    checked_variance = _checked_variance(variance)
    _check_encoding("encoded_format", encoded_format)
    height, width = size_of_image(image_shape)

    def decode(anchor: TensorLike, delta: TensorLike) -> Tensor:
        anchor = convert_format(anchor, anchor_format, encoded_format, height, width)
        delta = ops.convert_to_tensor(delta, dtype="float32")
        if checked_variance is not None:
            delta = delta * checked_variance
        sizes = anchor[..., 2:]
        boxes = ops.concatenate(
            [delta[..., :2] * sizes + anchor[..., :2], ops.exp(delta[..., 2:]) * sizes], axis=-1
        )
        return convert_format(boxes, encoded_format, box_format, height, width)

    if isinstance(anchors, Mapping):
        return {level: decode(anchor, boxes_delta[level]) for level, anchor in anchors.items()}
    return decode(anchors, boxes_delta)


def _checked_variance(variance: TensorLike | None) -> Tensor | None:
    if variance is None:
        return None
    variance = ops.convert_to_tensor(variance, dtype="float32")
    if not variance.shape or variance.shape[-1] != 4:
        raise UserInputError(f"`variance` must be length 4, got {variance}")
    return variance


def _check_encoding(name: str, value: str) -> None:
    if value not in _CENTER_FORMATS:
        raise UserInputError(
            f"`{name}` should be one of 'center_xywh' or 'center_yxhw', got {value!r}"
        )
