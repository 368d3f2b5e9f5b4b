"""Sparse matrices, dense batch by batch."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.experimental import sparse as jax_sparse

from fkeras.core import settings as fkeras_settings
from fkeras.data.sparse import SparseRows, dense, is_sparse

scipy_sparse = pytest.importorskip("scipy.sparse")
MATRIX = np.array([[0, 1, 0], [0, 0, 0], [2, 0, 3], [0, 0, 4]], "float32")
FORMATS = {
    "csr": scipy_sparse.csr_matrix,
    "csc": scipy_sparse.csc_matrix,
    "coo": scipy_sparse.coo_array,
    "lil": scipy_sparse.lil_matrix,
    "bcoo": jax_sparse.BCOO.fromdense,
    "bcoo padded": lambda x: jax_sparse.BCOO.fromdense(x, nse=9),
}


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_rows_are_taken_from_every_format(make):
    matrix = make(MATRIX)
    assert is_sparse(matrix)
    np.testing.assert_array_equal(dense(matrix), MATRIX)
    rows = SparseRows(matrix)
    assert len(rows) == 4 and rows.shape == (4, 3)
    for wanted in ([2, 0, 2], [1], [], [3, 2, 1, 0]):
        wanted = np.array(wanted, int)
        np.testing.assert_array_equal(rows.take(wanted), MATRIX[wanted])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_entries_of_one_cell_add_up(data):
    count = data.draw(st.integers(0, 12))
    row = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    column = data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    matrix = scipy_sparse.coo_matrix((np.ones(count), (row, column)), (4, 3))
    np.testing.assert_array_equal(dense(matrix), matrix.toarray())


@pytest.mark.parametrize(
    "dtype, expected", [("float64", "float32"), ("int16", "int16"), ("bool", "bool")]
)
def test_floats_become_floatx(dtype, expected):
    rows = SparseRows(scipy_sparse.csr_matrix(MATRIX.astype(dtype)))
    assert rows.take(np.array([0])).dtype == expected
    assert rows.dtype == object  # nothing that could lie on a device


def test_floatx_decides():
    fkeras_settings.set_floatx("float16")
    assert dense(scipy_sparse.csr_matrix(MATRIX)).dtype == "float16"


@pytest.mark.parametrize("value", [MATRIX, [1, 2], None, jnp.ones(2), {"indices": 1}])
def test_what_is_dense_is_told_apart(value):
    assert not is_sparse(value)


def test_sparse_arrays_of_more_axes_are_no_matrices():
    assert not is_sparse(jax_sparse.BCOO.fromdense(jnp.ones((2, 2, 2))))
