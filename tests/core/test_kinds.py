"""What kind a dtype or a tensor is, as Keras has it."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import backend, utils
from fkeras.errors import UserInputError


@pytest.mark.parametrize(
    "dtype, is_float, is_int",
    [
        ("float32", True, False),
        ("bfloat16", True, False),
        ("float8_e4m3fn", True, False),
        ("uint8", False, True),
        ("int32", False, True),
        ("bool", False, False),
        ("complex64", False, False),
        (np.float16, True, False),
        (jnp.int8, False, True),
    ],
)
def test_kinds_of_dtypes_as_keras_has_them(keras, dtype, is_float, is_int):
    assert backend.is_float_dtype(dtype) == keras.backend.is_float_dtype(dtype) == is_float
    assert backend.is_int_dtype(dtype) == keras.backend.is_int_dtype(dtype) == is_int


def test_what_is_no_dtype_is_refused():
    with pytest.raises(UserInputError, match="Invalid dtype"):
        backend.is_float_dtype("real")


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda: fkeras.Input((2,)), True),
        (lambda: fkeras.layers.Dense(1)(fkeras.Input((2,))), True),
        (lambda: fkeras.KerasTensor((2,)), True),
        (lambda: np.ones(2), False),
        (lambda: jnp.ones(2), False),
        (lambda: fkeras.Variable(1.0), False),
        (lambda: [fkeras.KerasTensor((2,))], False),
        (lambda: None, False),
    ],
)
def test_symbolic_tensors_are_told_apart(make, expected):
    assert utils.is_keras_tensor(make()) is backend.is_keras_tensor(make()) is expected
