"""Pillow, which reads and writes image files: loaded when it is needed."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from fkeras.errors import unknown_name

if TYPE_CHECKING:
    from PIL.Image import Resampling

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def load_pillow(user: str) -> ModuleType:
    """The module `PIL.Image`.

    Args:
        user: what needs it, for the error.

    Raises:
        ImportError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            f"{user} needs Pillow: `pip install pillow`, or `pip install fkeras[data]`."
        ) from error
    return Image


def resampling_of(interpolation: str, user: str) -> Resampling:
    """Pillow's constant for the name of an interpolation.

    Args:
        interpolation: 'nearest', 'bilinear', 'bicubic', 'hamming', 'box' or 'lanczos'.
        user: what needs it, for the error.

    Raises:
        UnknownNameError: any other.
    """
    if interpolation not in _INTERPOLATIONS:
        raise unknown_name("interpolation", interpolation, _INTERPOLATIONS)
    return load_pillow(user).Resampling[interpolation.upper()]
