"""Changes of images at random: `tf.image.random_flip_left_right` and its kin."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from fkeras.compat.tensorflow import image_colors as colors
from fkeras.compat.tensorflow import image_files, image_sizes, random
from fkeras.compat.tensorflow.calls import shape_of, tensors
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, Tensor, TensorLike


def _flip(name: str, axis: int):
    @tensors(1, f"flip_{name}_by_chance")
    def flip(xp: ModuleType, image: Tensor, chance: Tensor) -> Tensor:
        return xp.where(xp.asarray(chance) < 0.5, xp.flip(image, axis), image)

    return flip


_FLIPS = {"left_right": _flip("left_right", -2), "up_down": _flip("up_down", -3)}


def _chances(image: TensorLike, draw: Any) -> Tensor:
    """A number in [0, 1) for each image."""
    shape = shape_of(image)
    return draw((shape[0], 1, 1, 1) if len(shape) == 4 else ())


def random_flip_left_right(image: TensorLike, seed: int | None = None) -> Tensor:
    """Each image, or what a mirror shows of it."""
    return _FLIPS["left_right"](image, _chances(image, lambda s: random.uniform(s, seed=seed)))


def random_flip_up_down(image: TensorLike, seed: int | None = None) -> Tensor:
    """Each image, or the same upside down."""
    return _FLIPS["up_down"](image, _chances(image, lambda s: random.uniform(s, seed=seed)))


def stateless_random_flip_left_right(image: ArrayLike, seed: ArrayLike) -> Tensor:
    """`random_flip_left_right`: for two integers always the same."""
    draw = lambda s: random.stateless_uniform(s, seed)
    return _FLIPS["left_right"](image, _chances(image, draw))


def stateless_random_flip_up_down(image: ArrayLike, seed: ArrayLike) -> Tensor:
    """`random_flip_up_down`: for two integers always the same."""
    return _FLIPS["up_down"](image, _chances(image, lambda s: random.stateless_uniform(s, seed)))


def _check(name: str, low: float, high: float) -> None:
    if low >= high:
        raise UserInputError(f"{name}: the lower bound {low} is not below the upper one {high}.")


def random_brightness(image: TensorLike, max_delta: float, seed: int | None = None) -> Tensor:
    """Brighter or darker by up to `max_delta`."""
    return colors.adjust_brightness(image, random.uniform((), -max_delta, max_delta, seed=seed))


def random_contrast(
    image: TensorLike, lower: float, upper: float, seed: int | None = None
) -> Tensor:
    """Contrast times a factor in [lower, upper)."""
    _check("random_contrast", lower, upper)
    return colors.adjust_contrast(image, random.uniform((), lower, upper, seed=seed))


def random_hue(image: TensorLike, max_delta: float, seed: int | None = None) -> Tensor:
    """Colours turned by up to `max_delta` of the circle."""
    return colors.adjust_hue(image, random.uniform((), -max_delta, max_delta, seed=seed))


def random_saturation(
    image: TensorLike, lower: float, upper: float, seed: int | None = None
) -> Tensor:
    """Colour times a factor in [lower, upper)."""
    _check("random_saturation", lower, upper)
    return colors.adjust_saturation(image, random.uniform((), lower, upper, seed=seed))


def stateless_random_brightness(image: ArrayLike, max_delta: float, seed: ArrayLike) -> Tensor:
    """`random_brightness`: for two integers always the same."""
    return colors.adjust_brightness(
        image, random.stateless_uniform((), seed, -max_delta, max_delta)
    )


def stateless_random_contrast(
    image: ArrayLike, lower: float, upper: float, seed: ArrayLike
) -> Tensor:
    """`random_contrast`: for two integers always the same."""
    _check("stateless_random_contrast", lower, upper)
    return colors.adjust_contrast(image, random.stateless_uniform((), seed, lower, upper))


def stateless_random_hue(image: ArrayLike, max_delta: float, seed: ArrayLike) -> Tensor:
    """`random_hue`: for two integers always the same."""
    return colors.adjust_hue(image, random.stateless_uniform((), seed, -max_delta, max_delta))


def stateless_random_saturation(
    image: ArrayLike, lower: float, upper: float, seed: ArrayLike
) -> Tensor:
    """`random_saturation`: for two integers always the same."""
    _check("stateless_random_saturation", lower, upper)
    return colors.adjust_saturation(image, random.stateless_uniform((), seed, lower, upper))


def random_jpeg_quality(
    image: ArrayLike, min_jpeg_quality: int, max_jpeg_quality: int, seed: int | None = None
) -> Tensor:
    """The image as a JPEG file of some quality would show it."""
    quality = random.uniform((), min_jpeg_quality, max_jpeg_quality, "int32", seed)
    return adjust_jpeg_quality(image, int(quality))


def adjust_jpeg_quality(image: ArrayLike, jpeg_quality: int, name: str | None = None) -> Tensor:
    """The image as a JPEG file of this quality would show it."""
    dtype = np.asarray(image).dtype
    pixels = colors.convert_image_dtype(image, "uint8", saturate=True)
    encoded = image_files.encode_jpeg(pixels, quality=int(jpeg_quality))
    return colors.convert_image_dtype(image_files.decode_image(encoded), dtype, saturate=True)


NAMES: dict[str, Any] = {
    "adjust_jpeg_quality": adjust_jpeg_quality,
    "random_brightness": random_brightness,
    "random_contrast": random_contrast,
    "random_crop": random.random_crop,
    "random_flip_left_right": random_flip_left_right,
    "random_flip_up_down": random_flip_up_down,
    "random_hue": random_hue,
    "random_jpeg_quality": random_jpeg_quality,
    "random_saturation": random_saturation,
    "stateless_random_brightness": stateless_random_brightness,
    "stateless_random_contrast": stateless_random_contrast,
    "stateless_random_crop": random.stateless_random_crop,
    "stateless_random_flip_left_right": stateless_random_flip_left_right,
    "stateless_random_flip_up_down": stateless_random_flip_up_down,
    "stateless_random_hue": stateless_random_hue,
    "stateless_random_saturation": stateless_random_saturation,
}
ALL = {**image_sizes.NAMES, **colors.NAMES, **image_files.NAMES, **NAMES}
