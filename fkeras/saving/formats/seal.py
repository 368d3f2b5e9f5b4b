"""The seal at the end of an HDF5 file: a checksum over all bytes before it.

The HDF5 library takes no notice of what stands behind its data, and so neither does Keras. It is
looked at before that library opens the file, which may crash or never come back from a damaged one.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

from fkeras.errors import CorruptFileError

_MARK = b"fkeras\r\n"
_LENGTH = len(_MARK) + 8
_PIECE = 1 << 24


def seal_of(content: bytes | memoryview) -> bytes:
    """What belongs behind the bytes of a file.

    Examples:
        >>> seal_of(b"123456789")
        b'fkeras\\r\\ncbf43926'
    """
    return _MARK + f"{zlib.crc32(content):08x}".encode()


def seal_file(path: Path) -> None:
    """Adds the seal to a complete file."""
    with open(path, "r+b") as file:
        checksum = _checksum(file, path.stat().st_size)
        file.seek(0, 2)
        file.write(_MARK + checksum)


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
    if seal.startswith(_MARK) and seal[len(_MARK) :] != _checksum(file, size - _LENGTH):
        raise CorruptFileError(
            f"{shown} is damaged: its bytes are not those that were written. Save it again, or "
            "take another copy."
        )


def _checksum(file: BinaryIO, size: int) -> bytes:
    """CRC-32 of the first bytes of a file, as hexadecimal digits."""
    crc, left = 0, size
    while left > 0:
        piece = file.read(min(_PIECE, left))
        if not piece:
            break
        crc = zlib.crc32(piece, crc)
        left -= len(piece)
    return f"{crc:08x}".encode()
