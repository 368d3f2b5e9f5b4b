import zlib

import numpy as np
import pytest

from fkeras.saving.formats.checksum import BLOCK, checksum
from fkeras.saving.formats.seal import SealedArray, check_seal, open_seal, seal_file

CONTENT = np.random.default_rng(0).integers(0, 256, 3 * BLOCK + 100, np.uint8)


@pytest.mark.parametrize("place", [0, 7, BLOCK - 1, BLOCK, 2 * BLOCK + 5, 3 * BLOCK, -1])
def test_a_flipped_bit_is_found(place):
    changed = CONTENT.copy()
    changed[place] ^= 16
    assert checksum(changed) != checksum(CONTENT)


def test_order_and_length_count():
    swapped = np.concatenate([CONTENT[BLOCK : 2 * BLOCK], CONTENT[:BLOCK], CONTENT[2 * BLOCK :]])
    results = {checksum(c) for c in (CONTENT, swapped, CONTENT[:-1], CONTENT[:BLOCK], CONTENT[:0])}
    assert len(results) == 5
    assert checksum(CONTENT.tobytes()) == checksum(memoryview(CONTENT)) == checksum(CONTENT)


@pytest.mark.parametrize("pieces", [1, 2])
def test_pieces_make_the_whole(pieces):
    first = checksum(CONTENT[: pieces * BLOCK])
    assert checksum(CONTENT[pieces * BLOCK :], first) == checksum(CONTENT)


@pytest.mark.parametrize(
    "mark, crc", [(b"fkeras\r\n", zlib.crc32(b"123456789")), (b"fkeras2\n", checksum(b"123456789"))]
)
def test_seals_of_former_forms_are_read(tmp_path, mark, crc):
    """With one checksum of all bytes."""
    path, end = tmp_path / "file", mark + f"{crc:08x}".encode()
    path.write_bytes(b"123456789" + end)
    check(path)
    path.write_bytes(b"123456780" + end)
    with pytest.raises(ValueError, match="it is damaged"):
        check(path)


def check(path):
    with open(path, "rb") as file:
        check_seal(file, path.stat().st_size, "it")


@pytest.mark.parametrize("size", [0, 5, BLOCK, (1 << 22) + 9])
def test_a_sealed_file_is_whole(size, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    seal_file(path)
    check(path)


def test_each_byte_of_a_sealed_file_counts(tmp_path):
    """Those of arrays, those between them, and those of the seal."""
    path, content = tmp_path / "file", CONTENT[:400].tobytes()
    path.write_bytes(content)
    arrays = [SealedArray(at, size, checksum(content[at : at + size])) for at, size in PLACES]
    seal_file(path, arrays)
    check(path)
    with open(path, "rb") as file:
        assert open_seal(file, path.stat().st_size, "it") == sorted(arrays)
    whole = path.read_bytes()
    mark = len(whole) - 16  # without it a file is one that nobody has sealed
    for place in [*range(0, 400, 7), *range(400, mark), *range(mark + 8, len(whole))]:
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="it is damaged"):
            check(path)


PLACES = [(200, 100), (10, 50), (60, 8)]  # (start, length) of arrays


def test_a_seal_that_names_what_the_file_has_not_is_damage(tmp_path):
    path = tmp_path / "file"
    for arrays in ([SealedArray(0, 500, 0)], [SealedArray(0, 50, 0), SealedArray(20, 50, 0)]):
        path.write_bytes(bytes(100))
        seal_file(path, arrays)
        with pytest.raises(ValueError, match="it is damaged"):
            check(path)
    for count in (b"zzzzzzzz", b"ffffffff", b"-0000001"):
        path.write_bytes(bytes(100) + count + b"fkeras3\n" + b"00000000")
        with pytest.raises(ValueError, match="it is damaged"):
            check(path)
