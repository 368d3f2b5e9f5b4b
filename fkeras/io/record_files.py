"""Files of records, as TensorFlow writes them: TFRecord, and TensorBoard's events.

A record is its length, a checksum of that, its bytes, a checksum of those.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from fkeras.errors import UserInputError

_POLYNOMIAL = 0x82F63B78  # CRC-32C, reversed
_FEW = 4096  # bytes, up to which one loop of Python is the fastest
_LANES = 1024


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()
_ARRAY = np.array(_TABLE, np.uint32)


def framed(record: bytes) -> bytes:
    """A record as it stands in a file.

    Examples:
        >>> framed(b"abc").hex()
        '0300000000000000b099490e6162636e57f121'
    """
    length = struct.pack("<Q", len(record))
    return length + _masked(length) + record + _masked(record)


def read_records(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The records of a file, one after the other.

    Args:
        file: open for reading.
        name: of the file, for messages.

    Raises:
        UserInputError: it is damaged, or no file of records.
    """
    number = 0
    while header := file.read(12):
        length, checksum = header[:8], header[8:]
        if len(header) < 12 or checksum != _masked(length):
            raise UserInputError(
                f"{name}: record {number} is damaged, or this is no TFRecord file. A compressed "
                "one needs `compression_type='GZIP'`."
            )
        size = struct.unpack("<Q", length)[0]
        record, checksum = file.read(size), file.read(4)
        if len(record) < size or checksum != _masked(record):
            raise UserInputError(f"{name}: record {number} is damaged, or the file is cut off.")
        yield record
        number += 1


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """The checksum of Castagnoli.

    Examples:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    state, size = 0xFFFFFFFF, len(data)
    if size > _FEW:
        state, done = _state_by_lanes(data)
        data = data[done:]
    for byte in data:
        state = _TABLE[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def _state_by_lanes(data: bytes) -> tuple[int, int]:
    """The state after most of the data, and how many bytes those are: parts of one length go
    through the loop side by side. States are linear, so that a state moves past a part by a matrix
    of bits.
    """
    width = len(data) // _LANES
    done = width * _LANES
    columns = np.frombuffer(data, np.uint8, done).reshape(_LANES, width).T
    states = np.zeros(_LANES, np.uint32)
    states[0] = 0xFFFFFFFF
    for column in np.ascontiguousarray(columns):
        states = _ARRAY[(states ^ column) & 0xFF] ^ (states >> 8)
    while len(states) > 1:
        states = _applied(_past(width), states[::2]) ^ states[1::2]
        width *= 2
    return int(states[0]), done


def _applied(matrix: np.ndarray, states: np.ndarray) -> np.ndarray:
    result = np.zeros_like(states)
    for bit, column in enumerate(matrix):
        result ^= np.where(states >> np.uint32(bit) & np.uint32(1), column, np.uint32(0))
    return result


@functools.lru_cache(64)
def _past(count: int) -> np.ndarray:
    """What each bit of a state becomes after `count` bytes of zeros."""
    power = np.uint32(1) << np.arange(32, dtype=np.uint32)
    power = _ARRAY[power & 0xFF] ^ (power >> 8)  # after one byte
    result = np.uint32(1) << np.arange(32, dtype=np.uint32)
    while count:
        if count & 1:
            result = _applied(power, result)
        power = _applied(power, power)
        count >>= 1
    return result
