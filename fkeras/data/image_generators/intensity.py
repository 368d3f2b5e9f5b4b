"""Images made brighter or darker: by given numbers, or by numbers drawn from NumPy's global
generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fkeras.data.image_files import array_to_img, img_to_array
from fkeras.errors import UserInputError


def apply_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Adds a number to all values of an image, within the values that it has.

    Args:
        x: single image of rank 3.
        intensity: the number.
        channel_axis: index of the axis of the channels.

    Returns:
        An image of the same shape.

    Examples:
        >>> import numpy as np, fkeras
        >>> x = np.array([[[1.0, 2.0, 5.0]]])
        >>> fkeras.preprocessing.image.apply_channel_shift(x, 2).tolist()
        [[[3.0, 4.0, 5.0]]]
    """
    return np.clip(x + intensity, np.min(x), np.max(x))


def random_channel_shift(
    x: np.ndarray, intensity_range: float, channel_axis: int = 0
) -> np.ndarray:
    """Adds a random number to all values of an image, within the values that it has.

    Args:
        x: single image of rank 3.
        intensity_range: largest number, to both sides.
        channel_axis: index of the axis of the channels.

    Returns:
        An image of the same shape.
    """
    intensity = np.random.uniform(-intensity_range, intensity_range)
    return apply_channel_shift(x, intensity, channel_axis=channel_axis)


def apply_brightness_shift(x: np.ndarray, brightness: float, scale: bool = True) -> np.ndarray:
    """Makes an image brighter or darker, as Pillow does.

    Args:
        x: (height, width, channels) image.
        brightness: 0 gives black, 1 leaves the image as it is.
        scale: whether the image's values are spread to [0, 255] before, and stay so. Without,
            values outside of it are spread and brought back.

    Returns:
        An image of the same shape, of `floatx()`.

    Raises:
        ImportError: Pillow is not installed.
    """
    smallest, largest = np.min(x), np.max(x)
    is_outside = smallest < 0 or largest > 255
    image = array_to_img(x, scale=is_outside or scale)
    from PIL import ImageEnhance  # Pillow is there: it made the image

    changed = img_to_array(ImageEnhance.Brightness(image).enhance(brightness))
    if is_outside and not scale:
        changed = changed / 255 * (largest - smallest) + smallest
    return changed


def random_brightness(
    x: np.ndarray, brightness_range: Sequence[float], scale: bool = True
) -> np.ndarray:
    """Makes an image brighter or darker by a random factor.

    Args:
        x: (height, width, channels) image.
        brightness_range: smallest and largest factor.
        scale: see `apply_brightness_shift`.

    Returns:
        An image of the same shape.

    Raises:
        UserInputError: not two factors.
    """
    check_brightness_range(brightness_range)
    factor = np.random.uniform(brightness_range[0], brightness_range[1])
    return apply_brightness_shift(x, factor, scale)


def check_brightness_range(brightness_range: object) -> None:
    """Refuses what is not two numbers.

    Args:
        brightness_range: as the user gave it.
    """
    if not isinstance(brightness_range, tuple | list) or len(brightness_range) != 2:
        raise UserInputError(
            f"`brightness_range should be tuple or list of two floats. Received: {brightness_range}"
        )
