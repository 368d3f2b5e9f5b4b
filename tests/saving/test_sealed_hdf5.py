"""Large arrays of HDF5 files, which pass by the HDF5 library."""

import h5py
import jax
import ml_dtypes
import numpy as np
import pytest

import fkeras
from fkeras.errors import CorruptFileError
from fkeras.saving.formats.hdf5 import read_stores_file
from fkeras.saving.formats.sealed_hdf5 import writing_sealed

RANDOM = np.random.default_rng(0)
LARGE = RANDOM.normal(size=(150, 200))
ARRAYS = {
    "float32": LARGE.astype("float32"),
    "bfloat16": LARGE.astype(ml_dtypes.bfloat16),
    "complex64": (LARGE + 1j).astype("complex64"),
    "bool": RANDOM.normal(size=1 << 16) > 0,
    "big endian": LARGE.astype(">f8"),
    "columns first": np.asfortranarray(LARGE),
    "every second": LARGE[::2],
    "small": np.arange(4),
    "scalar": np.float32(3.5) * np.ones(()),
    "empty": np.zeros((0, 5)),
}


@pytest.fixture
def path(tmp_path):
    """A file with all of them."""
    path = tmp_path / "file.h5"
    with writing_sealed(path) as writer:
        group = writer.file.create_group("layer/vars")
        for name, array in ARRAYS.items():
            dataset = writer.create_dataset(group, name, array)
            dataset.attrs["dtype"] = array.dtype.name
    return path


def test_arrays_come_back(path):
    values = read_stores_file(path)["layer"].values
    assert set(values) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(values[name], array)
        assert values[name].dtype == array.dtype


def test_h5py_reads_them_too(path):
    with h5py.File(path) as file:
        for name, array in ARRAYS.items():
            found = file[f"layer/vars/{name}"][()]
            np.testing.assert_array_equal(found.view(array.dtype), array)


def test_jax_takes_them_without_a_copy(path):
    for array in read_stores_file(path)["layer"].values.values():
        if array.nbytes > 1 << 16 and array.dtype == "float32":
            placed = jax.device_put(array)
            assert placed.unsafe_buffer_pointer() == array.ctypes.data


def test_a_flipped_bit_in_an_array_is_told(path):
    with h5py.File(path) as file:
        start = file["layer/vars/float32"].id.get_offset()
    content = bytearray(path.read_bytes())
    content[start + 1000] ^= 4
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="its bytes are not those that were written"):
        read_stores_file(path)


@pytest.mark.parametrize(
    "name", ["model.weights.h5", "weights.h5", "model.h5", "model.weights.json"]
)
def test_models_with_large_weights(name, tmp_path, make_model):
    model, other = make_model(), make_model()
    if name == "model.h5":
        model.save(tmp_path / name)
        other = fkeras.saving.load_model(tmp_path / name)
    else:
        model.save_weights(tmp_path / name)
        other.load_weights(tmp_path / name)
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture
def make_model():
    """Makes models of one large and some small weights."""
    return lambda: fkeras.Sequential(
        [fkeras.Input((300,)), fkeras.layers.Dense(300), fkeras.layers.Dense(2)]
    )
