"""Images in another size, computed on the host: JAX would compile for each size of a file.

The arithmetic is that of `tf.image.resize` without antialiasing: pixels have their centers at
halves, and where an image becomes smaller, a target pixel sees only its nearest source pixels.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from fkeras.errors import UserInputError, unknown_name


def _lanczos(x: np.ndarray, radius: int) -> np.ndarray:
    return np.sinc(x) * np.sinc(x / radius)


def _mitchell(x: np.ndarray) -> np.ndarray:
    inner = ((7 * x - 12) * x) * x + 16 / 3
    outer = ((-7 / 3 * x + 12) * x - 20) * x + 32 / 3
    return np.where(x < 1, inner, outer) / 6


def _keys(x: np.ndarray) -> np.ndarray:
    inner = (1.5 * x - 2.5) * x * x + 1
    outer = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, inner, outer)


# Name: radius in source pixels, and the weight at a distance from the center.
_KERNELS: dict[str, tuple[float, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1, lambda x: 1 - x),
    "bicubic": (2, _keys),
    "lanczos3": (3, functools.partial(_lanczos, radius=3)),
    "lanczos5": (5, functools.partial(_lanczos, radius=5)),
    "gaussian": (1.5, lambda x: np.exp(-2 * x * x)),
    "mitchellcubic": (2, _mitchell),
}
METHODS = ("nearest", "area", *_KERNELS)


def check_method(method: str) -> None:
    """Raises `UserInputError` for a name that is no way to interpolate."""
    if not isinstance(method, str) or method.lower() not in METHODS:
        raise UserInputError(
            f"Argument `interpolation` should be one of {METHODS}. "
            f"{unknown_name('interpolation', method, METHODS)}"
        )


def resize(image: np.ndarray, size: tuple[int, int], method: str = "bilinear") -> np.ndarray:
    """An image in another size, float32.

    Args:
        image: (height, width, channels).
        size: (height, width).
        method: one of `METHODS`.

    Examples:
        >>> import numpy as np
        >>> resize(np.array([[[0.0], [10.0]]]), (1, 4))[0, :, 0]
        array([ 0. ,  2.5,  7.5, 10. ], dtype=float32)
    """
    # The axis that shrinks most goes first: it leaves least for the other.
    first, second = sorted((0, 1), key=lambda axis: size[axis] / image.shape[axis])
    return _along(_along(image, first, size[first], method), second, size[second], method)


def resize_with_pad(image: np.ndarray, size: tuple[int, int], method: str) -> np.ndarray:
    """An image in the middle of another size, in its own proportions, zeros around it."""
    ratio = max(image.shape[0] / size[0], image.shape[1] / size[1])
    exact = image.shape[0] / ratio, image.shape[1] / ratio
    inner = resize(image, (max(int(exact[0]), 1), max(int(exact[1]), 1)), method)
    padded = np.zeros((*size, image.shape[2]), np.float32)
    top, left = (max(int((n - e) / 2), 0) for n, e in zip(size, exact))
    padded[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return padded


def crop_to_proportions(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The largest part in the middle of an image that has the proportions of a size."""
    height, width = image.shape[:2]
    inner_height = max(min(height, int(width * size[0] / size[1])), 1)
    inner_width = max(min(width, int(height * size[1] / size[0])), 1)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    return image[top : top + inner_height, left : left + inner_width]


def _along(image: np.ndarray, axis: int, length: int, method: str) -> np.ndarray:
    if image.shape[axis] == length and method != "gaussian" and method != "mitchellcubic":
        return image.astype(np.float32)
    indices, weights = _taps(image.shape[axis], length, method)
    lanes = [1] * image.ndim
    lanes[axis] = length
    result = np.zeros((*image.shape[:axis], length, *image.shape[axis + 1 :]), np.float32)
    for index, weight in zip(indices.T, weights.T):
        result += image.take(index, axis) * weight.reshape(lanes)
    return result


@functools.lru_cache(256)
def _taps(source: int, target: int, method: str) -> tuple[np.ndarray, np.ndarray]:
    """For each target pixel, which source pixels it sees, and with what weights: (target, seen)."""
    scale = source / target
    if method == "nearest":
        seen = np.minimum(((np.arange(target) + 0.5) * scale).astype(int), source - 1)[:, None]
        return seen, np.ones(seen.shape, np.float32)
    if method == "area":
        low = np.arange(target)[:, None] * scale
        seen = np.floor(low).astype(int) + np.arange(math.ceil(scale) + 1)
        weights = np.minimum(low + scale, seen + 1) - np.maximum(low, seen)
    else:
        radius, kernel = _KERNELS[method]
        center = (np.arange(target)[:, None] + 0.5) * scale
        seen = np.ceil(center - radius - 0.5).astype(int) + np.arange(2 * math.ceil(radius) + 1)
        distance = np.abs(seen + 0.5 - center)
        weights = np.where(distance <= radius, kernel(distance), 0)
    if method == "bilinear":  # beyond the border the outermost pixel goes on
        weights = np.maximum(weights, 0)
    else:
        weights = np.where((seen >= 0) & (seen < source), weights, 0)
    weights = np.maximum(weights, 0) if method == "area" else weights
    weights = weights / weights.sum(1, keepdims=True)
    return np.clip(seen, 0, source - 1), weights.astype(np.float32)
