"""Arrays from files, with the checksum of what was read: each piece is summed up while it is in the
processor's cache, so that looking at every byte costs little more than reading.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from fkeras.errors import CorruptFileError
from fkeras.saving.formats.checksum import checksum

_ALIGNMENT = 64  # at which JAX takes an array on a CPU as it is, without another copy
_PIECE = 1 << 20  # bytes, a whole number of blocks of the checksum


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An empty array that begins at such an address as JAX wants."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def read_into(array: np.ndarray, file: Path, start: int = 0, before: int = 0) -> int:
    """Fills an array with bytes of a file; its pieces may be read by several threads at once.

    Args:
        array: contiguous.
        file: at least as long as what is read.
        start: where its bytes begin.
        before: see `checksum`.

    Returns:
        The checksum of the bytes.

    Raises:
        CorruptFileError: the file ends before.
    """
    view, crc = memoryview(array.reshape(-1).view(np.uint8)), before
    with open(file, "rb", buffering=0) as content:
        content.seek(start)
        for begin in range(0, len(view) or 1, _PIECE):
            piece = view[begin : begin + _PIECE]
            done = 0
            while done < len(piece):
                count = content.readinto(piece[done:])
                if not count:
                    raise CorruptFileError(f"'{file}' ended while it was read.")
                done += count
            crc = checksum(piece, crc)
    return crc
