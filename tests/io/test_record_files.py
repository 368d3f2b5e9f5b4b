"""Files of records: framing, checksums, damage."""

import io
import random

import pytest

from fkeras.errors import UserInputError
from fkeras.io.record_files import crc32c, framed, read_records


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # RFC 3720, appendix B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksums_are_castagnolis(data, expected):
    assert crc32c(data) == expected


def _divided(data):
    """The remainder of the polynomial, bit by bit."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize("size", [0, 1, 4096, 4097, 5121, 20_001])
def test_long_data_are_summed_in_lanes(size):
    data = random.Random(size).randbytes(size)
    assert crc32c(data) == _divided(data)


def test_what_was_framed_is_read():
    records = [b"", b"first", bytes(10_000)]
    file = io.BytesIO(b"".join(map(framed, records)))
    assert list(read_records(file, "f")) == records


@pytest.mark.parametrize("place", [0, 9, 13, 20])
def test_damage_is_noticed(place):
    content = bytearray(framed(b"first") + framed(b"second"))
    content[place] ^= 1
    with pytest.raises(UserInputError, match=r"name: record 0 is damaged"):
        list(read_records(io.BytesIO(bytes(content)), "name"))


def test_a_file_that_is_cut_off_gives_what_is_whole():
    records = read_records(io.BytesIO((framed(b"first") + framed(b"second"))[:-3]), "name")
    assert next(records) == b"first"
    with pytest.raises(UserInputError, match="record 1 is damaged, or the file is cut off"):
        next(records)
