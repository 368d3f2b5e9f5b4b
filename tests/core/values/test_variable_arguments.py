import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import Variable
from fkeras.core import settings
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
