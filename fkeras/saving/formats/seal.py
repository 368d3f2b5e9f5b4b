"""The seal at the end of an HDF5 file: a checksum over all bytes before it.

The HDF5 library takes no notice of what stands behind its data, and so neither does Keras. It is
looked at before that library opens the file, which may crash or never come back from a damaged one.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

from fkeras.errors import CorruptFileError
from fkeras.saving.formats.checksum import checksum

_MARK = b"fkeras2\n"
_FORMER_MARK = b"fkeras\r\n"  # with the CRC-32 of all bytes
_LENGTH = len(_MARK) + 8
_PIECE = 1 << 22  # a whole number of blocks


def seal_file(path: Path) -> None:
    """Adds the seal to a complete file."""
    with open(path, "r+b") as file:
        seal = _seal(file, path.stat().st_size, _MARK)
        file.seek(0, 2)
        file.write(seal)


def check_seal(file: BinaryIO, size: int, shown: str) -> None:
    """Refuses a file whose bytes are not those that were sealed; one without a seal passes.

    Args:
        file: open for reading.
        size: of the file, in bytes.
        shown: how messages name it.

    Raises:
        CorruptFileError: other bytes.
    """
    if size < _LENGTH:
        return
    file.seek(size - _LENGTH)
    seal = file.read(_LENGTH)
    file.seek(0)
    mark = seal[: len(_MARK)]
    if mark in (_MARK, _FORMER_MARK) and seal != _seal(file, size - _LENGTH, mark):
        raise CorruptFileError(
            f"{shown} is damaged: its bytes are not those that were written. Save it again, or "
            "take another copy."
        )


def _seal(file: BinaryIO, size: int, mark: bytes) -> bytes:
    """What belongs behind the first bytes of a file: the mark, and a checksum in hexadecimal."""
    add = checksum if mark == _MARK else zlib.crc32
    buffer = memoryview(bytearray(min(_PIECE, size)))
    crc, left = 0, size
    while left > 0:
        count = _fill(file, buffer[: min(_PIECE, left)])
        if not count:
            break
        crc = add(buffer[:count], crc)
        left -= count
    return mark + f"{crc:08x}".encode()


def _fill(file: BinaryIO, buffer: memoryview) -> int:
    """Reads until a buffer is full or the file ends; returns the number of bytes."""
    done = 0
    while done < len(buffer):
        count = file.readinto(buffer[done:])
        if not count:
            break
        done += count
    return done
