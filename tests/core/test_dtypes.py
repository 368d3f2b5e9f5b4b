import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core import dtypes, settings


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (None, "float32"),
        ("float", "float32"),
        (float, "float32"),
        ("int", "int32"),
        (int, "int32"),
        (bool, "bool"),
        (str, "string"),
        ("bfloat16", "bfloat16"),
        (jnp.bfloat16, "bfloat16"),
        (np.float16, "float16"),
        (np.dtype("int64"), "int64"),
        (np.dtype("<U7"), "string"),
        (np.dtype(object), "string"),
        ("float8_e4m3fn", "float8_e4m3fn"),
        (np.zeros(1, np.uint8).dtype, "uint8"),
        (np.complex64, "complex64"),
    ],
)
def test_a_dtype_in_any_spelling_has_one_plain_name(dtype, name):
    assert dtypes.standardize_dtype(dtype) == name


@pytest.mark.parametrize("dtype", ["float32", "int64", np.float32, None, "bfloat16", int])
def test_names_are_those_of_keras(dtype, keras):
    assert dtypes.standardize_dtype(dtype) == keras.backend.standardize_dtype(dtype)


def test_none_and_float_follow_floatx():
    settings.set_floatx("bfloat16")
    assert dtypes.standardize_dtype(None) == dtypes.standardize_dtype(float) == "bfloat16"


def test_a_foreign_librarys_dtype_goes_by_its_name():
    class Foreign:
        name = "float32"

    assert dtypes.standardize_dtype(Foreign()) == "float32"


@pytest.mark.parametrize("dtype", ["float33", "", "datetime64", np.datetime64, object()])
def test_what_is_no_dtype_is_an_error_that_lists_them(dtype):
    with pytest.raises(ValueError, match="Invalid dtype.*Expected one of.*'float32'"):
        dtypes.standardize_dtype(dtype)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float32", True), ("bfloat16", True), (np.int8, False), ("bool", False)],
)
def test_floats_are_told_from_others(dtype, expected):
    assert dtypes.is_float(dtype) is expected


def test_jax_computes_in_32_bits_unless_told_otherwise():
    assert dtypes.to_jax_dtype("float64") == np.float32
    assert dtypes.to_jax_dtype("int64") == np.int32
    with jax.enable_x64(True):
        assert dtypes.to_jax_dtype("int64") == np.int64
    with pytest.raises(ValueError, match="strings are looked up on the host"):
        dtypes.to_jax_dtype("string")
