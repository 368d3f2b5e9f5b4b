import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import Variable
from fkeras.core import settings
from fkeras.core.values.variable_arguments import as_value
from fkeras.errors import UserInputError


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (1.5, None, "float32"),
        (1, None, "int32"),
        (True, None, "bool"),
        (np.float64(2.0), None, "float32"),
        (np.ones(2, np.float16), None, "float16"),
        ([1.0, 2.0], "bfloat16", "bfloat16"),
        (jnp.ones(2), "int8", "int8"),
        (3, "float32", "float32"),
        (5, "int64", "int32"),
    ],
)
def test_dtypes_are_the_values_own_or_as_asked(value, dtype, expected):
    v = Variable(value, dtype=dtype)
    assert v.dtype == expected == v.value.dtype.name


def test_python_floats_are_made_in_floatx():
    settings.set_floatx("bfloat16")
    assert Variable(1.0).dtype == "bfloat16" and Variable([1.0]).dtype == "bfloat16"


def test_float64_is_refused_unless_jax_computes_in_it():
    with pytest.raises(UserInputError, match="'v' has dtype float64, which JAX computes"):
        Variable(1.0, dtype="float64", name="v")
    with jax.enable_x64(True):
        assert Variable(1.0, dtype="float64").value.dtype == np.float64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initializer": 1.0, "name": "a/b"}, "cannot contain character `/`"),
        ({"initializer": 1.0, "aggregation": "median"}, "`aggregation`. Expected one of"),
        ({"initializer": 1.0, "synchronization": "never"}, "`synchronization`. Expected one of"),
        ({"initializer": "zeros"}, "the `shape` argument should be specified"),
        ({"initializer": "zeros", "shape": (2, None)}, "must be fully-defined"),
        ({"initializer": "zeros", "shape": (-1,)}, "dimensions cannot be negative"),
        ({"initializer": "zeroes", "shape": (1,)}, "Unknown initializer 'zeroes'. Did you mean"),
        ({"initializer": np.ones(2), "shape": (3,)}, r"value has shape \(2,\), but shape=\(3,\)"),
        ({"initializer": 1.0, "colour": "red"}, r"unexpected arguments \['colour'\]"),
    ],
)
def test_what_cannot_be_a_variable_is_an_error(arguments, message):
    with pytest.raises(UserInputError, match=message):
        Variable(**arguments)


@pytest.mark.parametrize("shape", [(2, 3), [2, 3], 5, (), (0, 4)])
def test_shapes_of_any_form_for_an_initializer(shape):
    v = Variable("ones", shape=shape)
    expected = (shape,) if isinstance(shape, int) else tuple(shape)
    assert v.shape == expected == v.value.shape
    assert (v.ndim, v.size) == (len(expected), int(np.prod(expected)))


@pytest.mark.parametrize("dtype", [None, "float32", "bfloat16", "int32", "uint32", "bool"])
@pytest.mark.parametrize(
    "value",
    [0, 3, True, 0.1, np.float64(0.1), np.int64(7), np.array([1, 2], np.uint32), np.eye(2)],
    ids=str,
)
def test_small_values_are_what_jax_makes_of_them(value, dtype):
    array = as_value(value, dtype)
    # Python's floats are of floatx, NumPy's of their own dtype.
    expected = jnp.asarray(np.asarray(value), dtype)
    assert array.dtype == expected.dtype and array.weak_type == expected.weak_type
    np.testing.assert_array_equal(array, expected)


def test_a_value_does_not_change_with_the_array_it_was_made_of():
    source = np.zeros((8, 8), np.float32)
    array = as_value(source, "float32")
    source[:] = 1
    np.testing.assert_array_equal(array, np.zeros((8, 8)))


def test_a_value_too_large_for_its_dtype_is_infinite():
    assert np.isinf(as_value(1e300, "float32"))
