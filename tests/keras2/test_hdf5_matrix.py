import h5py
import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError
from fkeras.keras2.hdf5_matrix import HDF5Matrix

ROWS = np.arange(24.0).reshape(12, 2)


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["x"] = ROWS
    return tmp_path / "rows.h5"


@pytest.mark.parametrize(
    "key",
    [0, -1, slice(None), slice(1, 7, 3), slice(None, None, -2), [3, 0, 3], np.array([7]), []],
    ids=str,
)
def test_indices_are_those_of_an_array(path, key):
    expected = ROWS[2:10][key]
    matrix = HDF5Matrix(path, "x", start=2, end=10)
    np.testing.assert_array_equal(matrix[key], expected)


def test_it_looks_like_an_array(path):
    matrix = HDF5Matrix(path, "x", end=5, normalizer=lambda rows: rows.astype("float32") * 2)
    assert (len(matrix), matrix.shape, matrix.ndim, matrix.size) == (5, (5, 2), 2, 10)
    assert matrix.dtype == "float32"
    np.testing.assert_array_equal(np.asarray(matrix), 2 * ROWS[:5])


def test_fit_reads_it(path):
    with pytest.warns(UserWarning, match="HDF5Matrix` is a name of older Keras"):
        matrix = fkeras.utils.HDF5Matrix(path, "x", start=4)
    model = fkeras.Sequential([fkeras.Input((2,)), fkeras.layers.Dense(1, "linear", False, "ones")])
    model.compile("sgd", "mse")
    found = model.evaluate(matrix, np.zeros((8, 1)), batch_size=3, verbose=0)
    assert found == pytest.approx(np.mean(ROWS[4:].sum(1) ** 2), rel=1e-5)


@pytest.mark.parametrize(
    "wrong, said",
    [
        (lambda path: HDF5Matrix(path, "y"), r"no data set 'y'. It has: \['x'\]"),
        (lambda path: HDF5Matrix(path, "x", end=3)[3], "rows 3 of 3 rows"),
        (lambda path: HDF5Matrix(path, "x", start=3)[-10], "rows -10 of 9 rows"),
    ],
)
def test_what_is_not_there_is_said(path, wrong, said):
    with pytest.raises(UserInputError, match=said):
        wrong(path)
