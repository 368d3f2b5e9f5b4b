"""The file of a backup: whole, or an error."""

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.errors import CorruptFileError, IncompatibleFileError
from fkeras.saving import backup_file
from fkeras.saving.backup_file import read_backup, write_backup

ARRAYS = {
    "params/dense/kernel": np.arange(6, dtype="float32").reshape(2, 3).T,
    "half": np.asarray(jnp.ones((3,), "bfloat16")),
    "optimizer/0": np.int32(7),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 4)),
}
ARRAYS = {name: np.asarray(array) for name, array in ARRAYS.items()}
CONTENT = {"epoch": 3, "rate": 0.1}


@pytest.fixture
def path(tmp_path):
    write_backup(tmp_path / "latest.backup", ARRAYS, CONTENT)
    return tmp_path / "latest.backup"


def test_arrays_and_content_come_back(path):
    arrays, content = read_backup(path)
    assert content == CONTENT
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].flags.writeable


def test_a_cut_anywhere_is_an_error(path):
    whole = path.read_bytes()
    for percent in range(0, 100, 5):
        path.write_bytes(whole[: len(whole) * percent // 100])
        with pytest.raises(CorruptFileError, match="not a whole backup"):
            read_backup(path)


def test_a_flipped_bit_is_an_error_or_changes_nothing(path):
    whole = path.read_bytes()
    noticed = 0
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            arrays, content = read_backup(path)
        except CorruptFileError:
            noticed += 1
            continue
        assert content == CONTENT  # a date or a flag of the archive
        assert all(np.array_equal(arrays[name], array) for name, array in ARRAYS.items())
    assert noticed > len(whole) // 6


def test_a_newer_format_is_told(path, monkeypatch):
    monkeypatch.setattr(backup_file, "_FORMAT", 2)
    write_backup(path, ARRAYS, CONTENT)
    monkeypatch.undo()
    with pytest.raises(IncompatibleFileError, match="newer release"):
        read_backup(path)
