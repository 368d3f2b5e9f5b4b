"""Weights as pictures."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_PNG_COLORS = {1: 0, 3: 2, 4: 6}  # channels -> PNG's number of grey, RGB, RGBA


def to_images(weight: np.ndarray) -> np.ndarray | None:
    """The numbers of a weight as greys, from the least to the largest; None where there is no
    picture of so many axes.

    A vector is a row. A matrix lies on its longer side. Of three axes, the last counts pictures.

    Args:
        weight: the numbers. Axes of size 1 do not count.

    Returns:
        uint8, (pictures, height, width, channels).

    Examples:
        >>> import numpy as np
        >>> to_images(np.array([0.0, 0.5, 1.0]))[0, :, :, 0]
        array([[  0, 127, 255]], dtype=uint8)
    """
    weight = np.squeeze(np.asarray(weight, "float32"))
    if weight.ndim == 1:
        weight = weight[None, None, :, None]
    elif weight.ndim == 2:
        weight = weight.T if weight.shape[0] > weight.shape[1] else weight
        weight = weight[None, :, :, None]
    elif weight.ndim == 3:
        weight = np.moveaxis(weight, -1, 0)[..., None]
    if weight.ndim != 4 or weight.shape[-1] not in (1, 3, 4) or not weight.size:
        return None
    weight = np.nan_to_num(weight)
    low, high = weight.min(), weight.max()
    return ((weight - low) / max(high - low, np.finfo("float32").tiny) * 255).astype("uint8")


def encode_png(image: np.ndarray) -> bytes:
    """The bytes of a PNG file.

    Args:
        image: uint8, (height, width, channels), 1, 3 or 4 channels.
    """
    height, width, channels = image.shape
    rows = np.zeros((height, 1 + width * channels), "uint8")  # each begins with its filter: none
    rows[:, 1:] = image.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, _PNG_COLORS[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
