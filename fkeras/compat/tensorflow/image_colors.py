"""Colours of images: ranges of dtypes, brightness, contrast, hue, grey; how alike images are."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from fkeras.compat.tensorflow.calls import table, tensors
from fkeras.compat.tensorflow.dtypes import as_dtype, dtype_in
from fkeras.types import DTypeLike, Tensor, TensorLike


def _convert(xp: ModuleType, image: Tensor, dtype: DTypeLike, saturate: bool = False) -> Tensor:
    """Between [0, 1] of floats and the range of integers."""
    before, after = as_dtype(image.dtype), as_dtype(dtype)
    target = dtype_in(xp, after)
    if before == after:
        return image
    if before.is_integer and after.is_integer:
        if before.max > after.max:
            return (image // ((before.max + 1) // (after.max + 1))).astype(target)
        return image.astype(target) * target.type((after.max + 1) // (before.max + 1))
    if after.is_floating:
        image = image.astype(target)
        return image if before.is_floating else image * target.type(1 / before.max)
    scaled = image * (after.max + 0.5)
    if saturate:
        scaled = xp.clip(scaled, after.min, after.max)
    return scaled.astype(target)


def _as_float(fn):
    """A function of images in [0, 1] as one of images of any dtype, which the result has too."""

    def function(xp: ModuleType, image: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        dtype = image.dtype
        result = fn(xp, _convert(xp, image, _float_of(dtype)), *args, **kwargs)
        return _convert(xp, result, dtype, saturate=True)

    return function


def _float_of(dtype: np.dtype) -> DTypeLike:
    return "float32" if np.dtype(dtype).kind in "iub" else dtype


@tensors(1)
def convert_image_dtype(
    xp: ModuleType, image: Tensor, dtype: DTypeLike, saturate: bool = False
) -> Tensor:
    """The image in another dtype: floats are in [0, 1], integers fill their range.

    Args:
        xp: NumPy or jax.numpy.
        image: of any shape.
        dtype: the other one.
        saturate: whether what lies outside is cut; else it wraps round.
    """
    return _convert(xp, image, dtype, saturate)


@tensors(1)
def per_image_standardization(xp: ModuleType, image: Tensor) -> Tensor:
    """Each image with mean 0 and deviation 1; one of a single colour becomes 0."""
    image = image.astype(_float_of(image.dtype))
    axes = (-3, -2, -1)
    count = int(np.prod(image.shape[-3:]))
    deviation = xp.std(image, axis=axes, keepdims=True)
    least = image.dtype.type(1 / np.sqrt(count))
    return (image - xp.mean(image, axis=axes, keepdims=True)) / xp.maximum(deviation, least)


def _contrast(xp: ModuleType, images: Tensor, factor: TensorLike) -> Tensor:
    mean = xp.mean(images, axis=(-3, -2), keepdims=True)
    return ((images - mean) * factor + mean).astype(images.dtype)


def adjust_contrast(images: TensorLike, contrast_factor: TensorLike) -> Tensor:
    """Each pixel further from its channel's mean by a factor."""
    return _adjust_contrast(images, contrast_factor)


@tensors(1)
def _adjust_contrast(xp: ModuleType, images: Tensor, factor: TensorLike) -> Tensor:
    return _as_float(_contrast)(xp, images, factor)


@tensors(1)
def adjust_brightness(xp: ModuleType, image: Tensor, delta: TensorLike) -> Tensor:
    """Each pixel brighter by `delta`, where 1 is the whole range."""
    add = lambda xp, image, delta: (image + delta).astype(image.dtype)
    return _as_float(add)(xp, image, delta)


@tensors(1)
def adjust_gamma(xp: ModuleType, image: Tensor, gamma: float = 1, gain: float = 1) -> Tensor:
    """gain * image ** gamma."""
    power = lambda xp, image: (gain * image**gamma).astype(image.dtype)
    return _as_float(power)(xp, image)


@tensors(1)
def adjust_saturation(xp: ModuleType, image: Tensor, saturation_factor: TensorLike) -> Tensor:
    """More or less colour."""

    def change(xp: ModuleType, image: Tensor) -> Tensor:
        hue, saturation, value = _to_hsv(xp, image)
        saturation = xp.clip(saturation * saturation_factor, 0, 1)
        return _from_hsv(xp, hue, saturation, value).astype(image.dtype)

    return _as_float(change)(xp, image)


@tensors(1)
def adjust_hue(xp: ModuleType, image: Tensor, delta: TensorLike) -> Tensor:
    """Colours turned round the circle by `delta` in [-1, 1]."""

    def change(xp: ModuleType, image: Tensor) -> Tensor:
        hue, saturation, value = _to_hsv(xp, image)
        return _from_hsv(xp, (hue + delta) % 1, saturation, value).astype(image.dtype)

    return _as_float(change)(xp, image)


@tensors(1)
def rgb_to_grayscale(xp: ModuleType, images: Tensor) -> Tensor:
    """One channel of grey."""
    weights = np.array([0.2989, 0.587, 0.114])
    dtype = images.dtype
    floats = _convert(xp, images, _float_of(dtype))
    grey = xp.sum(floats * weights.astype(floats.dtype), axis=-1, keepdims=True)
    return _convert(xp, grey, dtype)


@tensors(1)
def grayscale_to_rgb(xp: ModuleType, images: Tensor) -> Tensor:
    """Three equal channels."""
    return xp.repeat(images, 3, axis=-1)


def _to_hsv(xp: ModuleType, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    value = xp.max(image, axis=-1)
    spread = value - xp.min(image, axis=-1)
    saturation = xp.where(value > 0, spread / xp.where(value > 0, value, 1), 0)
    safe = xp.where(spread > 0, spread, 1) * 6
    hue = xp.where(
        value == red,
        (green - blue) / safe,
        xp.where(value == green, (blue - red) / safe + 2 / 6, (red - green) / safe + 4 / 6),
    )
    hue = xp.where(spread > 0, hue, 0)
    return xp.where(hue < 0, hue + 1, hue), saturation, value


def _from_hsv(xp: ModuleType, hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    six = hue * 6
    red = xp.clip(xp.abs(six - 3) - 1, 0, 1)
    green = xp.clip(2 - xp.abs(six - 2), 0, 1)
    blue = xp.clip(2 - xp.abs(six - 4), 0, 1)
    parts = xp.stack([red, green, blue], -1)
    return (1 + saturation[..., None] * (parts - 1)) * value[..., None]


def _hsv(xp: ModuleType, images: Tensor) -> Tensor:
    return xp.stack(_to_hsv(xp, images), -1).astype(images.dtype)


def _rgb(xp: ModuleType, images: Tensor) -> Tensor:
    return _from_hsv(xp, images[..., 0], images[..., 1], images[..., 2]).astype(images.dtype)


_YUV = np.array(
    [
        [0.299, -0.14714119, 0.61497538],
        [0.587, -0.28886916, -0.51496512],
        [0.114, 0.43601035, -0.10001026],
    ]
)
_YIQ = np.array(
    [
        [0.299, 0.59590059, 0.2115],
        [0.587, -0.27455667, -0.52273617],
        [0.114, -0.32134392, 0.31119955],
    ]
)
_YIQ_BACK = np.array(
    [
        [1, 1, 1],
        [0.95598634, -0.27201283, -1.10674021],
        [0.6208248, -0.64720424, 1.70423049],
    ]
)


def _by_matrix(matrix: np.ndarray):
    def convert(xp: ModuleType, images: Tensor) -> Tensor:
        return xp.matmul(images, matrix.astype(images.dtype))

    return convert


@tensors(1)
def total_variation(xp: ModuleType, images: Tensor) -> Tensor:
    """How much neighbouring pixels differ, for each image."""
    axes = (-3, -2, -1)
    down = xp.abs(images[..., 1:, :, :] - images[..., :-1, :, :])
    right = xp.abs(images[..., :, 1:, :] - images[..., :, :-1, :])
    return xp.sum(down, axis=axes) + xp.sum(right, axis=axes)


@tensors(1)
def image_gradients(xp: ModuleType, image: Tensor) -> tuple[Tensor, Tensor]:
    """The difference to the pixel below, and to the one at the right; 0 at the edge."""
    down = image[:, 1:] - image[:, :-1]
    right = image[:, :, 1:] - image[:, :, :-1]
    return (
        xp.pad(down, [(0, 0), (0, 1), (0, 0), (0, 0)]),
        xp.pad(right, [(0, 0), (0, 0), (0, 1), (0, 0)]),
    )


@tensors(1)
def sobel_edges(xp: ModuleType, image: Tensor) -> Tensor:
    """Sobel's filters downwards and to the right, on a new last axis."""
    padded = xp.pad(image, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")

    def sums(axis: int) -> Tensor:
        cut = lambda start, stop: tuple(
            slice(start, stop) if i == axis else slice(None) for i in range(4)
        )
        return padded[cut(None, -2)] + 2 * padded[cut(1, -1)] + padded[cut(2, None)]

    wide, high = sums(2), sums(1)
    return xp.stack([wide[:, 2:] - wide[:, :-2], high[:, :, 2:] - high[:, :, :-2]], -1)


@tensors(2)
def psnr(xp: ModuleType, a: Tensor, b: Tensor, max_val: float) -> Tensor:
    """The ratio of signal to noise in decibel, for each image."""
    peak = _convert(xp, xp.asarray(max_val, a.dtype), "float32")
    a, b = _convert(xp, a, "float32"), _convert(xp, b, "float32")
    error = xp.mean((a - b) ** 2, axis=(-3, -2, -1))
    return (20 * xp.log(peak) - 10 * xp.log(error)) / np.float32(np.log(10))


@tensors(2)
def ssim(
    xp: ModuleType,
    img1: Tensor,
    img2: Tensor,
    max_val: float,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """How alike two images are in structure, at most 1; for each image."""
    peak = _convert(xp, xp.asarray(max_val, img1.dtype), "float32")
    img1, img2 = _convert(xp, img1, "float32"), _convert(xp, img2, "float32")
    places = np.arange(filter_size) - (filter_size - 1) / 2
    window = np.exp(-(places**2) / (2 * filter_sigma**2))
    window = (window / window.sum()).astype(np.float32)

    def smooth(x: Tensor) -> Tensor:
        for axis in (-3, -2):
            axis, count = axis % x.ndim, x.shape[axis] - filter_size + 1
            cut = lambda i: tuple(
                slice(i, i + count) if a == axis else slice(None)  # noqa: B023
                for a in range(x.ndim)  # noqa: B023
            )
            x = sum(window[i] * x[cut(i)] for i in range(filter_size))
        return x

    c1, c2 = (k1 * peak) ** 2, (k2 * peak) ** 2
    mean1, mean2 = smooth(img1), smooth(img2)
    product, squares = mean1 * mean2, mean1**2 + mean2**2
    luminance = (product * 2 + c1) / (squares + c1)
    shared = smooth(img1 * img2) * 2 - product * 2
    structure = (shared + c2) / (smooth(img1**2 + img2**2) - squares + c2)
    return xp.mean(xp.mean(luminance * structure, axis=(-3, -2)), axis=-1)


NAMES: dict[str, Any] = {
    **table(
        {
            "hsv_to_rgb": _rgb,
            "rgb_to_hsv": _hsv,
            "rgb_to_yiq": _by_matrix(_YIQ),
            "rgb_to_yuv": _by_matrix(_YUV),
            "yiq_to_rgb": _by_matrix(_YIQ_BACK),
            "yuv_to_rgb": _by_matrix(np.linalg.inv(_YUV)),
        }
    ),
    "adjust_brightness": adjust_brightness,
    "adjust_contrast": adjust_contrast,
    "adjust_gamma": adjust_gamma,
    "adjust_hue": adjust_hue,
    "adjust_saturation": adjust_saturation,
    "convert_image_dtype": convert_image_dtype,
    "grayscale_to_rgb": grayscale_to_rgb,
    "image_gradients": image_gradients,
    "per_image_standardization": per_image_standardization,
    "psnr": psnr,
    "rgb_to_grayscale": rgb_to_grayscale,
    "sobel_edges": sobel_edges,
    "ssim": ssim,
    "total_variation": total_variation,
}
