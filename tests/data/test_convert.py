"""What an argument becomes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fkeras.core import settings as fkeras_settings
from fkeras.data.convert import host_array, narrowed
from fkeras.data.sparse import SparseRows
from fkeras.errors import UserInputError, UserTypeError

DTYPES = [
    ("float16", "float32"),
    ("float64", "float32"),
    (">f8", "float32"),
    ("int64", "int32"),
    ("uint64", "uint32"),
    (">i4", "int32"),
    ("int8", "int8"),
    ("bool", "bool"),
    ("complex128", "complex64"),
    ("<U3", "<U3"),
]


@pytest.mark.parametrize("dtype, expected", DTYPES)
def test_dtypes_are_those_that_a_model_is_given(dtype, expected):
    array = narrowed(np.array([0, 1]).astype(dtype), "x")
    assert array.dtype == expected and array.dtype.isnative


@settings(max_examples=25, deadline=None)
@given(arrays.arrays(np.int64, (3,), elements=st.integers(-(2**31), 2**31 - 1)))
def test_ints_that_fit_keep_their_values(array):
    np.testing.assert_array_equal(narrowed(array, "x"), array)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_ints_that_do_not_fit_are_named(value):
    with pytest.raises(UserInputError, match=f"x holds {value}, which does not fit into int32"):
        narrowed(np.array([1, value]), "x")


def test_no_ints_fit_always():
    assert narrowed(np.zeros(0, np.int64), "x").dtype == "int32"


def test_floats_that_are_too_large_become_infinite_without_a_warning():
    assert np.isinf(narrowed(np.array([1e300]), "x")).all()


@pytest.mark.parametrize("floatx", ["float16", "float32"])
def test_floats_become_floatx_and_are_not_copied_where_they_are(floatx):
    fkeras_settings.set_floatx(floatx)
    array = np.ones(2, floatx)
    assert narrowed(array, "x") is array
    assert narrowed(np.ones(2, "float64"), "x").dtype == floatx


def test_arrays_of_jax_stay_on_their_device():
    array = jnp.ones(3)
    assert host_array(array, "x") is array
    half = host_array(jnp.ones(3, jnp.bfloat16), "x")
    assert isinstance(half, jax.Array) and half.dtype == "float32"
    assert host_array(jnp.arange(3), "x").dtype == "int32"


def test_tensors_of_pytorch_are_taken_off_their_graph():
    class Tensor:
        steps = ()

        def detach(self):
            self.steps += ("detach",)
            return self

        def cpu(self):
            assert self.steps == ("detach",)
            return np.array([1.0, 2.0])

    assert host_array(Tensor(), "x").tolist() == [1, 2]


def test_sparse_matrices_stay_sparse():
    from jax.experimental import sparse

    assert isinstance(host_array(sparse.BCOO.fromdense(jnp.eye(2)), "x"), SparseRows)


@pytest.mark.parametrize(
    "value, error, message",
    [
        (jnp.float32(1), UserInputError, "x is a single number"),
        (3, UserInputError, "x is a single number.*np.array"),
        ([[1, 2], [3]], UserInputError, r"different lengths \(1, 2, ...\)"),
        (object(), UserTypeError, "x must be an array.*object of type object"),
        (np.ma.masked_array([1, 2], [1, 0]), UserInputError, "x.filled"),
        (np.array(["2020"], "datetime64[Y]"), UserInputError, "dates or times"),
        (np.zeros(1, [("a", int)]), UserInputError, "values of dtype"),
    ],
)
def test_what_is_no_array_is_explained(value, error, message):
    with pytest.raises(error, match=message):
        host_array(value, "x")


def test_a_masked_array_without_a_mask_is_an_array():
    assert host_array(np.ma.masked_array([1.0, 2.0], [0, 0]), "x").tolist() == [1, 2]
