"""Image files, images of Pillow and arrays, in all directions."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from fkeras.core import settings
from fkeras.core.warn_once import warn_user
from fkeras.data.pillow import load_pillow, resampling_of
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike
    from PIL.Image import Image

    from fkeras.types import DataFormat, DTypeLike

ColorMode: TypeAlias = Literal["rgb", "rgba", "grayscale"]

_WITHOUT_TRANSPARENCY = ("JPEG",)
_GREY_MODES = ("L", "I;16", "I")


def array_to_img(
    x: ArrayLike,
    data_format: DataFormat | None = None,
    scale: bool = True,
    dtype: DTypeLike | None = None,
) -> Image:
    """An array as an image of Pillow.

    Args:
        x: (height, width, channels) with 1, 3 or 4 channels, or the channels first.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        scale: whether the smallest value becomes 0 and the largest 255. Without, values must be in
            [0, 255] already; their fractions are cut off.
        dtype: to compute in; None for `floatx()`.

    Returns:
        An image of mode 'L', 'RGB' or 'RGBA'; 'I' for one channel with values above 255.

    Raises:
        UserInputError: not a single image.
        ImportError: Pillow is not installed.

    Examples:
        >>> import numpy as np, fkeras
        >>> image = fkeras.utils.array_to_img(np.zeros((28, 20, 3)))
        >>> image.size, image.mode
        ((20, 28), 'RGB')
    """
    pillow = load_pillow("array_to_img")
    data_format = settings.standardize_data_format(data_format)
    x = np.asarray(x, dtype=dtype or settings.floatx())
    if x.ndim != 3:
        raise UserInputError(
            "Expected image array to have rank 3 (single image). Got array with shape: "
            f"{x.shape}. Convert a batch image by image."
        )
    if data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    channels = x.shape[2]
    if channels not in (1, 3, 4):
        raise UserInputError(
            f"Unsupported channel number: {channels}, of an image of shape {x.shape} (channels "
            "last). Expected 1 (grey), 3 (RGB) or 4 (RGBA)."
        )
    if scale:
        x = x - x.min()
        largest = x.max()
        x = (x / largest if largest != 0 else x) * 255
    if channels == 1:
        return pillow.fromarray(x[:, :, 0].astype("int32" if x.max() > 255 else "uint8"))
    return pillow.fromarray(x.astype("uint8"))


def img_to_array(
    img: Image | ArrayLike, data_format: DataFormat | None = None, dtype: DTypeLike | None = None
) -> np.ndarray:
    """An image of Pillow as an array.

    Args:
        img: the image; an array of shape (height, width) or (height, width, channels) too.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        dtype: of the result; None for `floatx()`.

    Returns:
        (height, width, channels) NumPy array, or with channels first; values from 0 to 255 for
        usual images.

    Raises:
        UserInputError: an array of another rank.

    Examples:
        >>> import fkeras
        >>> from PIL import Image
        >>> fkeras.utils.img_to_array(Image.new("L", (20, 28), 7)).shape
        (28, 20, 1)
    """
    data_format = settings.standardize_data_format(data_format)
    x = np.asarray(img, dtype=dtype or settings.floatx())
    if not x.flags.writeable:  # the memory is Pillow's
        x = x.copy()
    if x.ndim not in (2, 3):
        raise UserInputError(
            f"Unsupported image shape: {x.shape}. Expected (height, width) or (height, width, "
            "channels)."
        )
    if x.ndim == 2:
        x = x[:, :, None]
    return x.transpose(2, 0, 1) if data_format == "channels_first" else x


def save_img(
    path: str | os.PathLike[str] | IO[bytes],
    x: ArrayLike,
    data_format: DataFormat | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array as an image file.

    Args:
        path: the file, or a file object.
        x: (height, width, channels) array with 1, 3 or 4 channels, or the channels first.
        data_format: 'channels_last', 'channels_first', or None for the global setting.
        file_format: 'png', 'jpeg', ...; None to tell by the path's suffix. File objects need it.
        scale: whether the smallest value becomes 0 and the largest 255.
        **kwargs: handed on to Pillow's `Image.save`, such as `quality=90`.

    Raises:
        UserInputError: not a single image, or no format.
        ImportError: Pillow is not installed.

    Examples:
        >>> import numpy as np, fkeras
        >>> fkeras.utils.save_img("grey.png", np.eye(28)[:, :, None])
        >>> fkeras.utils.load_img("grey.png").size
        (28, 28)
    """
    pillow = load_pillow("save_img")
    image = array_to_img(x, data_format=data_format, scale=scale)
    pillow_format = _pillow_format(pillow, path, file_format)
    if image.mode == "RGBA" and pillow_format in _WITHOUT_TRANSPARENCY:
        warn_user("The JPEG format does not support RGBA images, converting to RGB.")
        image = image.convert("RGB")
    image.save(path, format=pillow_format, **kwargs)


def load_img(
    path: str | bytes | os.PathLike[str] | IO[bytes],
    color_mode: ColorMode = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image:
    """Reads an image file.

    Args:
        path: the file, or a binary file object.
        color_mode: 'rgb', 'rgba' or 'grayscale'; grey images of 16 and 32 bits stay so.
        target_size: (height, width) to resize to; None keeps the size.
        interpolation: 'nearest', 'bilinear', 'bicubic', 'hamming', 'box' or 'lanczos'.
        keep_aspect_ratio: whether the middle part of the new proportions is cut out first, so that
            nothing is distorted.

    Returns:
        An image of Pillow; `img_to_array` makes an array of it.

    Raises:
        UserInputError: an unknown colour mode or interpolation.
        ImportError: Pillow is not installed.

    Examples:
        >>> import numpy as np, fkeras
        >>> fkeras.utils.save_img("wide.png", np.zeros((10, 30, 3)))
        >>> fkeras.utils.load_img("wide.png", "grayscale", target_size=(5, 5)).size
        (5, 5)
    """
    pillow = load_pillow("load_img")
    modes = {"rgb": ("RGB",), "rgba": ("RGBA",), "grayscale": _GREY_MODES}
    if color_mode not in modes:
        raise UserInputError(
            f'color_mode must be "grayscale", "rgb", or "rgba". Received: {color_mode!r}'
        )
    image = pillow.open(io.BytesIO(_read(path)))
    if image.mode not in modes[color_mode]:
        image = image.convert(modes[color_mode][0])
    if target_size is None:
        return image
    height, width = target_size
    resample = resampling_of(interpolation, "load_img")
    if image.size == (width, height):
        return image
    box = _middle_part(image.size, (width, height)) if keep_aspect_ratio else None
    return image.resize((width, height), resample, box=box)


def _read(path: Any) -> bytes:
    if hasattr(path, "read"):
        return path.read()
    if not isinstance(path, str | bytes | os.PathLike):
        raise UserTypeError(
            f"path should be path-like or io.BytesIO, not {type(path)}. An array becomes an image "
            "by `array_to_img`."
        )
    with open(path, "rb") as file:
        return file.read()


def _middle_part(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """The largest part of a target's proportions in the middle: left, upper, right, lower."""
    width, height = size
    crop_width = min(width, height * target[0] // target[1])
    crop_height = min(height, width * target[1] // target[0])
    left = (width - crop_width) // 2
    upper = (height - crop_height) // 2
    return left, upper, left + crop_width, upper + crop_height


def _pillow_format(pillow: Any, path: Any, file_format: str | None) -> str | None:
    """Pillow's name of a format; None leaves it to Pillow."""
    suffix = f".{file_format}" if file_format else ""
    if not suffix and isinstance(path, str | os.PathLike):
        suffix = Path(path).suffix
    name = pillow.registered_extensions().get(suffix.lower())
    if name is None and file_format:
        return file_format.upper()
    return name
