"""The seal at the end of an HDF5 file: checksums of all bytes before it.

The HDF5 library takes no notice of what stands behind its data, and so neither does Keras. What
that library itself will look at is checked before it opens the file, since it may crash or never
come back from a damaged one. Large arrays have checksums of their own, so that they are read once:
into their places, and compared on the way.

    start, bytes and checksum of each such array (`<u8`); their number in hexadecimal; the mark;
    the checksum of all that is in none of them, in hexadecimal
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from fkeras.errors import CorruptFileError
from fkeras.saving.formats.checksum import checksum

_MARK = b"fkeras3\n"
# Marks of before: one checksum of all bytes, with these two functions.
_FORMER: dict[bytes, Callable[[memoryview, int], int]] = {
    b"fkeras2\n": checksum,
    b"fkeras\r\n": zlib.crc32,
}
_LENGTH = len(_MARK) + 8
_PIECE = 1 << 22  # a whole number of blocks
_MOST_ARRAYS = 500_000  # as `guarded_hdf5` has it


class SealedArray(NamedTuple):
    """Where an array lies in a file, and the checksum of its bytes."""

    start: int
    length: int
    checksum: int


def seal_file(path: Path, arrays: Iterable[SealedArray] = ()) -> None:
    """Adds the seal to a complete file.

    Args:
        path: of the file.
        arrays: parts of it whose checksums are known; all else is read.
    """
    ordered = sorted(arrays)
    end = np.asarray(ordered, "<u8").tobytes() + f"{len(ordered):08x}".encode() + _MARK
    with open(path, "r+b") as file:
        crc = zlib.crc32(end, _checksum_between(file, path.stat().st_size, ordered))
        file.seek(0, 2)
        file.write(end + f"{crc:08x}".encode())


def open_seal(file: BinaryIO, size: int, shown: str) -> list[SealedArray]:
    """Checks all but the arrays that have checksums of their own; a file without a seal passes.

    Args:
        file: open for reading.
        size: of the file, in bytes.
        shown: how messages name it.

    Returns:
        The arrays that are left to check.

    Raises:
        CorruptFileError: other bytes.
    """
    if size < _LENGTH:
        return []
    file.seek(size - _LENGTH)
    seal = file.read(_LENGTH)
    file.seek(0)
    mark, said = seal[: len(_MARK)], seal[len(_MARK) :]
    arrays: list[SealedArray] = []
    if mark in _FORMER:
        found = _checksum_of(file, 0, size - _LENGTH, 0, _FORMER[mark])
    elif mark == _MARK:
        arrays, end, before = _read_table(file, size - _LENGTH, shown)
        found = zlib.crc32(end + mark, _checksum_between(file, before, arrays))
    else:
        return []
    if f"{found:08x}".encode() != said:
        raise damaged(shown)
    return arrays


def check_seal(file: BinaryIO, size: int, shown: str) -> None:
    """As `open_seal`, and checks the arrays, too."""
    for array in open_seal(file, size, shown):
        if _checksum_of(file, array.start, array.length, 0, checksum) != array.checksum:
            raise damaged(shown)
    file.seek(0)


def damaged(shown: str) -> CorruptFileError:
    """The error of a file whose bytes are not those that were sealed."""
    return CorruptFileError(
        f"{shown} is damaged: its bytes are not those that were written. Save it again, or take "
        "another copy."
    )


def _read_table(file: BinaryIO, end: int, shown: str) -> tuple[list[SealedArray], bytes, int]:
    """(arrays, the bytes that say so, where these begin)."""
    file.seek(max(end - 8, 0))
    digits = file.read(8)
    try:
        count = int(digits, 16)
    except ValueError:
        raise damaged(shown) from None
    begin = end - 8 - count * 24
    if not 0 <= count <= _MOST_ARRAYS or begin < 0:
        raise damaged(shown)
    file.seek(begin)
    table = file.read(end - 8 - begin)
    arrays = [
        SealedArray(*numbers) for numbers in np.frombuffer(table, "<u8").reshape(-1, 3).tolist()
    ]
    last = 0
    for array in arrays:
        if not last <= array.start <= array.start + array.length <= begin:
            raise damaged(shown)
        last = array.start + array.length
    return arrays, table + digits, begin


def _checksum_between(file: BinaryIO, size: int, arrays: Iterable[SealedArray]) -> int:
    """Of all of the first bytes that are in no array."""
    crc = 0
    for start, length in _gaps(size, arrays):
        crc = _checksum_of(file, start, length, crc, checksum)
    return crc


def _gaps(size: int, arrays: Iterable[SealedArray]) -> Iterator[tuple[int, int]]:
    last = 0
    for array in arrays:
        if array.start > last:
            yield last, array.start - last
        last = array.start + array.length
    if size > last:
        yield last, size - last


def _checksum_of(
    file: BinaryIO, start: int, length: int, before: int, add: Callable[[memoryview, int], int]
) -> int:
    buffer = memoryview(bytearray(min(_PIECE, length)))
    file.seek(start)
    crc, left = before, length
    while left > 0:
        count = _fill(file, buffer[: min(_PIECE, left)])
        if not count:
            break
        crc = add(buffer[:count], crc)
        left -= count
    return crc


def _fill(file: BinaryIO, buffer: memoryview) -> int:
    """Reads until a buffer is full or the file ends; returns the number of bytes."""
    done = 0
    while done < len(buffer):
        count = file.readinto(buffer[done:])
        if not count:
            break
        done += count
    return done
