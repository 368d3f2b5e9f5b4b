"""Sizes of images: `tf.image.resize` with each of its methods, crops, padding, turns."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow.calls import known, shape_of, shape_tuple, tensors
from fkeras.data.pipeline.host_array import host_array
from fkeras.errors import UserInputError, unknown_name
from fkeras.types import ArrayLike, ShapeLike, Tensor, TensorLike


class ResizeMethod:
    """The names of the methods of `resize`."""

    AREA = "area"
    BICUBIC = "bicubic"
    BILINEAR = "bilinear"
    GAUSSIAN = "gaussian"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    MITCHELLCUBIC = "mitchellcubic"
    NEAREST_NEIGHBOR = "nearest"


# -- weights: which pixels of the input make up a pixel of the output ------------------------------


def _lanczos(radius: float) -> Callable[[np.ndarray], np.ndarray]:
    def kernel(x: np.ndarray) -> np.ndarray:
        return np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)

    return kernel


def _keys(x: np.ndarray) -> np.ndarray:
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _mitchell(x: np.ndarray) -> np.ndarray:
    near = (((7 / 6) * x - 2) * x) * x + 8 / 9
    far = (((-7 / 18) * x + 2) * x - 10 / 3) * x + 16 / 9
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _table_of_keys(x: np.ndarray) -> np.ndarray:
    """`_keys` where TensorFlow looks it up: at the nearest of 1024 places between two pixels."""
    return _keys(np.round(x * 1024) / 1024)


# Method -> (radius in pixels, weight by distance).
_KERNELS: dict[str, tuple[float, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1.0, lambda x: np.maximum(1 - x, 0)),
    "bicubic": (2.0, _keys),
    "gaussian": (1.5, lambda x: np.where(x < 1.5, np.exp(-2 * x * x), 0)),
    "lanczos3": (3.0, _lanczos(3)),
    "lanczos5": (5.0, _lanczos(5)),
    "mitchellcubic": (2.0, _mitchell),
}


@functools.lru_cache(256)
def _weights(size: int, new_size: int, method: str, antialias: bool) -> np.ndarray:
    """(new_size, size) float64"""
    ratio = size / new_size
    pixels = np.arange(size)
    if method == "area":
        start = np.arange(new_size)[:, None] * ratio
        overlap = np.minimum(start + ratio, pixels + 1) - np.maximum(start, pixels)
        return np.maximum(overlap, 0) / ratio
    _, kernel = _KERNELS[method]
    if method == "bicubic" and not antialias:
        kernel = _table_of_keys
    width = max(ratio, 1.0) if antialias else 1.0
    centers = (np.arange(new_size)[:, None] + 0.5) * ratio
    weights = kernel(np.abs(pixels + 0.5 - centers) / width)
    total = weights.sum(axis=1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total != 0)


@functools.lru_cache(256)
def _taps(size: int, new_size: int, method: str, antialias: bool) -> tuple[np.ndarray, np.ndarray]:
    """(new_size, taps) pixels and weights: where each weight that is not 0 is."""
    weights = _weights(size, new_size, method, antialias)
    is_used = weights != 0
    first = is_used.argmax(axis=1)
    last = size - 1 - is_used[:, ::-1].argmax(axis=1)
    count = int((last - first).max()) + 1
    first = np.minimum(first, size - count)
    pixels = first[:, None] + np.arange(count)
    return pixels, np.take_along_axis(weights, pixels, axis=1).astype(np.float32)


def _resize_axis(
    xp: ModuleType, x: Tensor, axis: int, new_size: int, method: str, antialias: bool
) -> Tensor:
    if x.shape[axis] == new_size and method not in ("gaussian", "mitchellcubic"):
        return x  # the other kernels are 1 in the middle and 0 at the next pixels
    pixels, weights = _taps(x.shape[axis], new_size, method, antialias)
    shape = [1] * x.ndim
    shape[axis] = new_size
    parts = (
        xp.take(x, pixels[:, k], axis=axis) * weights[:, k].reshape(shape)
        for k in range(pixels.shape[1])
    )
    total = next(parts)
    for part in parts:
        total = total + part
    return total


def _nearest(xp: ModuleType, x: Tensor, axis: int, new_size: int) -> Tensor:
    size = x.shape[axis]
    places = np.floor((np.arange(new_size) + 0.5) * np.float32(size / new_size)).astype(int)
    return xp.take(x, np.minimum(places, size - 1), axis=axis)


def resize(
    images: TensorLike,
    size: ShapeLike,
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images of another size: float32, or of the same dtype with `method='nearest'`.

    Args:
        images: (height, width, channels), or several of them.
        size: (height, width).
        method: 'bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian' or
            'mitchellcubic'.
        preserve_aspect_ratio: the largest size of the image's proportions inside of `size`.
        antialias: whether smaller images are made smooth first; TensorFlow's default is not to.
        name: not used.
    """
    method = str(method).lower()
    if method not in (*_KERNELS, "nearest", "area"):
        raise unknown_name("method of tf.image.resize", method, [*_KERNELS, "nearest", "area"])
    shape = shape_of(images)
    if len(shape) not in (3, 4):
        raise UserInputError(
            f"tf.image.resize: 'images' must have 3 or 4 axes; received shape {tuple(shape)}."
        )
    new = shape_tuple(size)
    if len(new) != 2:
        raise UserInputError(f"tf.image.resize: size={new}. Expected (height, width).")
    if preserve_aspect_ratio:
        height, width = shape[-3:-1]
        scale = min(new[0] / height, new[1] / width)
        new = (round(scale * height), round(scale * width))
    return _resize(images, new, method, bool(antialias))


@tensors(1)
def _resize(
    xp: ModuleType, images: Tensor, size: tuple[int, int], method: str, antialias: bool
) -> Tensor:
    rows, columns = images.ndim - 3, images.ndim - 2
    if method == "nearest":
        return _nearest(xp, _nearest(xp, images, rows, size[0]), columns, size[1])
    images = images.astype(np.float32)
    images = _resize_axis(xp, images, rows, size[0], method, antialias)
    return _resize_axis(xp, images, columns, size[1], method, antialias)


def resize_with_pad(
    image: TensorLike,
    target_height: int,
    target_width: int,
    method: str = "bilinear",
    antialias: bool = False,
) -> Tensor:
    """The image in its own proportions, in the middle of black."""
    height, width = shape_of(image)[-3:-1]
    ratio = np.float32(max(height / target_height, width / target_width))
    exact = np.float32([height, width]) / ratio
    # TensorFlow takes the padding from the size before it is rounded.
    top, left = (max(0, int((t - s) / 2)) for t, s in zip((target_height, target_width), exact))
    resized = resize(image, exact.astype(int), method, antialias=antialias)
    return pad_to_bounding_box(resized, top, left, target_height, target_width)


@tensors(1)
def resize_with_crop_or_pad(
    xp: ModuleType, image: Tensor, target_height: int, target_width: int
) -> Tensor:
    """The middle of the image, or the image in the middle of black."""
    target = (int(target_height), int(target_width))
    cut: list[Any] = [slice(None)] * image.ndim
    widths = [(0, 0)] * image.ndim
    for axis, wanted in zip((-3, -2), target):
        spare = image.shape[axis] - wanted
        if spare > 0:
            cut[axis] = slice(spare // 2, spare // 2 + wanted)
        elif spare < 0:
            widths[axis] = (-spare // 2, -spare - (-spare // 2))
    return xp.pad(image[tuple(cut)], widths)


@tensors(1)
def central_crop(xp: ModuleType, image: Tensor, central_fraction: float) -> Tensor:
    """The middle of the image, so much of each side."""
    if not 0 < central_fraction <= 1:
        raise UserInputError(f"central_crop: central_fraction={central_fraction} is not in (0, 1].")
    cut: list[Any] = [slice(None)] * image.ndim
    for axis in (-3, -2):
        length = image.shape[axis]
        start = int((length - length * central_fraction) / 2)
        cut[axis] = slice(start, length - start)
    return image[tuple(cut)]


@tensors(1)
def crop_to_bounding_box(
    xp: ModuleType,
    image: Tensor,
    offset_height: int,
    offset_width: int,
    target_height: int,
    target_width: int,
) -> Tensor:
    """A box of the image."""
    top, left = int(offset_height), int(offset_width)
    height, width = int(target_height), int(target_width)
    if top < 0 or left < 0 or top + height > image.shape[-3] or left + width > image.shape[-2]:
        raise UserInputError(
            f"crop_to_bounding_box: the box {(top, left, height, width)} is not inside of an image "
            f"of {image.shape[-3:-1]}."
        )
    return image[..., top : top + height, left : left + width, :]


@tensors(1)
def pad_to_bounding_box(
    xp: ModuleType,
    image: Tensor,
    offset_height: int,
    offset_width: int,
    target_height: int,
    target_width: int,
) -> Tensor:
    """The image at a place of a larger black one."""
    top, left = int(offset_height), int(offset_width)
    below = int(target_height) - top - image.shape[-3]
    right = int(target_width) - left - image.shape[-2]
    if min(top, left, below, right) < 0:
        raise UserInputError(
            f"pad_to_bounding_box: an image of {image.shape[-3:-1]} at {(top, left)} does not fit "
            f"into {(int(target_height), int(target_width))}."
        )
    return xp.pad(image, [(0, 0)] * (image.ndim - 3) + [(top, below), (left, right), (0, 0)])


@tensors(1)
def rot90(xp: ModuleType, image: Tensor, k: int = 1) -> Tensor:
    """The image turned by quarters against the clock."""
    return xp.rot90(image, int(k), axes=(image.ndim - 3, image.ndim - 2))


@tensors(1)
def flip_left_right(xp: ModuleType, image: Tensor) -> Tensor:
    """The image as in a mirror."""
    return xp.flip(image, -2)


@tensors(1)
def flip_up_down(xp: ModuleType, image: Tensor) -> Tensor:
    """The image upside down."""
    return xp.flip(image, -3)


@tensors(1)
def transpose(xp: ModuleType, image: Tensor) -> Tensor:
    """Rows for columns."""
    return xp.swapaxes(image, -3, -2)


@tensors(1)
def extract_patches(
    xp: ModuleType,
    images: Tensor,
    sizes: ShapeLike,
    strides: ShapeLike,
    rates: ShapeLike,
    padding: str,
) -> Tensor:
    """Windows of images, each in one row of channels: (images, rows, columns, window's values)."""
    size, step, rate = (shape_tuple(v)[1:3] for v in (sizes, strides, rates))
    span = [(n - 1) * r + 1 for n, r in zip(size, rate)]
    lengths = images.shape[1:3]
    if padding.upper() == "SAME":
        counts = [-(-length // s) for length, s in zip(lengths, step)]
        missing = [
            max((n - 1) * s + w - length, 0) for n, s, w, length in zip(counts, step, span, lengths)
        ]
        images = xp.pad(images, [(0, 0), *((m // 2, m - m // 2) for m in missing), (0, 0)])
    else:
        counts = [(length - w) // s + 1 for length, w, s in zip(lengths, span, step)]
    places = [
        np.arange(n)[:, None] * s + np.arange(w) * r for n, s, w, r in zip(counts, step, size, rate)
    ]
    rows = images[:, places[0]]  # (images, rows, window, width, channels)
    patches = rows[:, :, :, places[1]]  # (images, rows, window, columns, window, channels)
    patches = xp.transpose(patches, (0, 1, 3, 2, 4, 5))
    return patches.reshape(images.shape[0], *counts, -1)


def crop_and_resize(
    image: TensorLike,
    boxes: ArrayLike,
    box_indices: ArrayLike,
    crop_size: ShapeLike,
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    name: str | None = None,
) -> Tensor:
    """Boxes (top, left, bottom, right; 1 is the last pixel) of images, all of one size."""
    boxes, box_indices = known(boxes, "crop_and_resize"), known(box_indices, "crop_and_resize")
    return _crop_and_resize(
        image, boxes, box_indices, shape_tuple(crop_size), method, extrapolation_value
    )


@tensors(1)
def _crop_and_resize(
    xp: ModuleType,
    image: Tensor,
    boxes: np.ndarray,
    box_indices: np.ndarray,
    size: tuple[int, int],
    method: str,
    outside: float,
) -> Tensor:
    image = image.astype(np.float32)
    grids = []
    for begin, end, length, count in (
        (boxes[:, 0], boxes[:, 2], image.shape[1], size[0]),
        (boxes[:, 1], boxes[:, 3], image.shape[2], size[1]),
    ):
        steps = np.arange(count) / (count - 1) if count > 1 else np.full(1, 0.5)
        grids.append((begin[:, None] + (end - begin)[:, None] * steps) * (length - 1))
    y, x = grids[0][:, :, None], grids[1][:, None, :]
    height, width = image.shape[1:3]
    is_inside = (y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1)
    picks = box_indices[:, None, None]

    def at(rows: np.ndarray, columns: np.ndarray) -> Tensor:
        rows = np.clip(rows, 0, height - 1).astype(int)
        return image[picks, rows, np.clip(columns, 0, width - 1).astype(int)]

    if method == "nearest":
        result = at(np.round(y), np.round(x))
    else:
        top, left = np.floor(y), np.floor(x)
        down, right = (y - top)[..., None], (x - left)[..., None]
        above = at(top, left) * (1 - right) + at(top, left + 1) * right
        below = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
        result = above * (1 - down) + below * down
    return xp.where(is_inside[..., None], result, outside).astype(np.float32)


def non_max_suppression(
    boxes: ArrayLike,
    scores: ArrayLike,
    max_output_size: int,
    iou_threshold: float = 0.5,
    score_threshold: float = -math.inf,
    name: str | None = None,
) -> Tensor:
    """Which boxes (two opposite corners each) to keep: the best first, without those that overlap
    with a better one.
    """
    boxes, scores = known(boxes, "non_max_suppression"), known(scores, "non_max_suppression")
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    areas = np.prod(high - low, axis=1)
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if len(kept) == int(max_output_size) or scores[i] <= score_threshold:
            break
        sides = np.minimum(high[i], high[kept]) - np.maximum(low[i], low[kept])
        shared = np.prod(np.maximum(sides, 0), axis=1)
        if not np.any(shared / (areas[i] + areas[kept] - shared) > iou_threshold):
            kept.append(int(i))
    return host_array(np.array(kept, np.int32))


@tensors(2)
def draw_bounding_boxes(
    xp: ModuleType, images: Tensor, boxes: Tensor, colors: ArrayLike | None = None
) -> Tensor:
    """Images with the edges of boxes (top, left, bottom, right in [0, 1]) in a colour."""
    drawn = np.array(images, np.float32)
    palette = np.array([[1, 1, 0]]) if colors is None else np.asarray(colors)
    for picture, rectangles in zip(drawn, np.asarray(boxes)):
        height, width, channels = picture.shape
        for number, box in enumerate(rectangles):
            color = np.ones(channels)
            color[:3] = palette[number % len(palette)][: min(3, channels)]
            scale = np.array([height - 1, width - 1, height - 1, width - 1])
            top, left, bottom, right = (int(v) for v in box * scale)
            rows, columns = slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)
            for line in (top, bottom):
                if 0 <= line < height:
                    picture[line, columns] = color
            for line in (left, right):
                if 0 <= line < width:
                    picture[rows, line] = color
    return drawn if xp is np else jnp.asarray(drawn)


NAMES: dict[str, Any] = {
    "ResizeMethod": ResizeMethod,
    "central_crop": central_crop,
    "crop_and_resize": crop_and_resize,
    "crop_to_bounding_box": crop_to_bounding_box,
    "draw_bounding_boxes": draw_bounding_boxes,
    "extract_patches": extract_patches,
    "flip_left_right": flip_left_right,
    "flip_up_down": flip_up_down,
    "non_max_suppression": non_max_suppression,
    "pad_to_bounding_box": pad_to_bounding_box,
    "resize": resize,
    "resize_with_crop_or_pad": resize_with_crop_or_pad,
    "resize_with_pad": resize_with_pad,
    "rot90": rot90,
    "transpose": transpose,
}
