import numpy as np
import pytest

from fkeras.saving.formats.checksum import BLOCK, checksum
from fkeras.saving.formats.seal import check_seal, seal_file

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


def test_seals_of_the_first_form_are_read(tmp_path):
    """With the CRC-32 of all bytes, as files had it before."""
    path = tmp_path / "file"
    path.write_bytes(b"123456789" + b"fkeras\r\n" + b"cbf43926")
    with open(path, "rb") as file:
        check_seal(file, 25, "it")
    path.write_bytes(b"123456780" + b"fkeras\r\n" + b"cbf43926")
    with open(path, "rb") as file, pytest.raises(ValueError, match="it is damaged"):
        check_seal(file, 25, "it")


@pytest.mark.parametrize("size", [0, 5, BLOCK, (1 << 22) + 9])
def test_a_sealed_file_is_whole(size, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    seal_file(path)
    with open(path, "rb") as file:
        check_seal(file, size + 16, "it")
