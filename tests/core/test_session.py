import jax
import numpy as np
import pytest

import fkeras
from fkeras.core.names import current_path
from fkeras.errors import UserInputError


def test_device_places_arrays():
    with fkeras.device("cpu:0"):
        assert fkeras.ops.ones((2,)).device == jax.devices("cpu")[0]
    with fkeras.device(jax.devices()[0]):
        pass


@pytest.mark.parametrize("name", ["gpu:99", "quantum", "cpu:first", 3])
def test_device_that_is_not_there_is_explained(name):
    with pytest.raises(UserInputError, match="There are: cpu:0|Expected a string like 'gpu:0'"):
        fkeras.device(name)


def test_name_scopes_nest_deduplicate_and_override():
    scope = fkeras.name_scope
    with scope("outer"), scope("inner"):
        assert current_path() == "outer/inner"
        assert fkeras.Variable(np.zeros(2), name="v").path == "outer/inner/v"
        with scope("leaf", override_parent="/a/b"):
            assert current_path() == "a/b/leaf"
    with (
        scope("x", caller=1),
        scope("x", caller=1),
        scope("x", caller=2),
        scope("x", caller=2, deduplicate=False),
    ):
        assert current_path() == "x/x/x"
    assert current_path() == ""
    for wrong in ("a/b", 3):
        with pytest.raises(UserInputError, match="must be a string"):
            scope(wrong)


def test_a_name_scope_closes_after_an_error():
    with pytest.raises(KeyError), fkeras.name_scope("broken"):
        raise KeyError
    assert current_path() == ""


def test_clear_session_starts_names_and_policy_again():
    first = fkeras.KerasTensor((1,)).name
    fkeras.config.set_dtype_policy("mixed_bfloat16")
    fkeras.backend.clear_session()
    assert fkeras.KerasTensor((1,)).name == first
    assert fkeras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(
    "dtype, is_float, is_int",
    [
        ("float32", True, False),
        ("bfloat16", True, False),
        ("float8_e4m3fn", True, False),
        ("uint8", False, True),
        ("int32", False, True),
        ("bool", False, False),
        (np.float16, True, False),
    ],
)
def test_kinds_of_dtypes_as_keras_has_them(keras, dtype, is_float, is_int):
    assert fkeras.backend.is_float_dtype(dtype) == keras.backend.is_float_dtype(dtype) == is_float
    assert fkeras.backend.is_int_dtype(dtype) == keras.backend.is_int_dtype(dtype) == is_int
