"""The formats that four numbers of a box may be in, and the ways between them.

Every way leads over corners, `xyxy`. A relative format is the same in fractions of the image's
width and height.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from fkeras import ops
from fkeras.errors import UserInputError, unknown_name
from fkeras.types import DTypeLike, TensorLike

BoxFormat: TypeAlias = Literal[
    "xyxy",
    "yxyx",
    "xywh",
    "center_xywh",
    "center_yxhw",
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh",
]
Boxes: TypeAlias = TensorLike | Mapping[str, TensorLike]
FORMATS: tuple[str, ...] = BoxFormat.__args__

_RELATIVE = "rel_"
_Columns: TypeAlias = Sequence[Any]


def _from_center(x: Any, y: Any, width: Any, height: Any) -> _Columns:
    half_width, half_height = width / 2.0, height / 2.0
    return x - half_width, y - half_height, x + half_width, y + half_height


def _to_center(left: Any, top: Any, right: Any, bottom: Any) -> _Columns:
    width, height = right - left, bottom - top
    return left + width / 2.0, top + height / 2.0, width, height


def _swapped(a: Any, b: Any, c: Any, d: Any) -> _Columns:
    return b, a, d, c


_TO_CORNERS: dict[str, Callable[..., _Columns]] = {
    "xyxy": lambda *corners: corners,
    "yxyx": _swapped,
    "xywh": lambda x, y, width, height: (x, y, x + width, y + height),
    "center_xywh": _from_center,
    "center_yxhw": lambda *columns: _from_center(*_swapped(*columns)),
}
_FROM_CORNERS: dict[str, Callable[..., _Columns]] = {
    "xyxy": lambda *corners: corners,
    "yxyx": _swapped,
    "xywh": lambda left, top, right, bottom: (left, top, right - left, bottom - top),
    "center_xywh": _to_center,
    "center_yxhw": lambda *corners: _swapped(*_to_center(*corners)),
}


def convert_format(
    boxes: Boxes,
    source: BoxFormat,
    target: BoxFormat,
    height: TensorLike | None = None,
    width: TensorLike | None = None,
    dtype: DTypeLike = "float32",
) -> Any:
    """Boxes of one format in another one.

    - `'xyxy'`: left, top, right, bottom; `'yxyx'`: top, left, bottom, right;
    - `'xywh'`: left, top, width, height;
    - `'center_xywh'`: x and y of the centre, width, height; `'center_yxhw'`: y, x, height, width;
    - `'rel_xyxy'`, `'rel_yxyx'`, `'rel_xywh'`, `'rel_center_xywh'`: the same in fractions of the
      image's width and height. All others are in pixels.

    Args:
        boxes: (..., 4) array, or a dict that has one under `'boxes'`.
        source, target: formats, in upper or lower case.
        height, width: of the image in pixels; needed between relative formats and others.
        dtype: to compute in.

    Returns:
        (..., 4) JAX array, or a new dict with it under `'boxes'`.

    Raises:
        UserInputError: an unknown format, a last axis that is not 4, or no size of the image where
            it is needed.

    Examples:
        >>> from fkeras.utils import bounding_boxes
        >>> bounding_boxes.convert_format([[10, 20, 30, 60]], "xyxy", "center_xywh").tolist()
        [[20.0, 40.0, 20.0, 40.0]]
    """
    if isinstance(boxes, Mapping):
        converted = convert_format(boxes["boxes"], source, target, height, width, dtype)
        return {**boxes, "boxes": converted}
    source, target = check_format(source), check_format(target)
    boxes = ops.convert_to_tensor(boxes, dtype=dtype)
    if not boxes.shape or boxes.shape[-1] != 4:
        raise UserInputError(
            "`boxes` must be a tensor with the last dimension of 4. Received: "
            f"boxes.shape={tuple(boxes.shape)}"
        )
    if source == target:
        return boxes
    is_relative = [name.startswith(_RELATIVE) for name in (source, target)]
    if any(is_relative) and (height is None or width is None):
        raise UserInputError(
            "convert_format() must receive `height` and `width` transforming between relative and "
            f"absolute formats. Received: source={source!r}, target={target!r}, height={height}, "
            f"width={width}"
        )
    columns = _TO_CORNERS[source.removeprefix(_RELATIVE)](*split_columns(boxes))
    scale = [None] * 4
    if any(is_relative) and not all(is_relative):
        sizes = [ops.cast(size, dtype) for size in (width, height)]
        scale = [sizes[i] for i in (0, 1, 0, 1)]
    if is_relative[0] and not is_relative[1]:
        columns = [column * size for column, size in zip(columns, scale, strict=True)]
    columns = _FROM_CORNERS[target.removeprefix(_RELATIVE)](*columns)
    if is_relative[1] and not is_relative[0]:
        if target == "rel_yxyx":
            scale = _swapped(*scale)
        columns = [column / size for column, size in zip(columns, scale, strict=True)]
    return ops.concatenate(list(columns), axis=-1)


def check_format(name: str) -> str:
    """A format in lower case.

    Args:
        name: as the user wrote it.

    Raises:
        UnknownNameError: there is no such format.
    """
    lower = str(name).lower()
    if lower not in FORMATS:
        raise unknown_name("format of boxes", name, FORMATS)
    return lower


def split_columns(boxes: TensorLike) -> list[Any]:
    """The four numbers of each box, each (..., 1).

    Args:
        boxes: (..., 4) array.
    """
    return [boxes[..., i : i + 1] for i in range(4)]


def size_of_image(image_shape: Sequence[int] | None) -> tuple[int | None, int | None]:
    """Height and width out of (height, width, channels).

    Args:
        image_shape: None where it is not known.
    """
    if image_shape is None:
        return None, None
    height, width = image_shape[:2]
    return height, width
