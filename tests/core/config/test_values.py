import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.core.config import values
from fkeras.errors import UnknownNameError, UserInputError

serialize = fkeras.saving.serialize_keras_object
deserialize = fkeras.saving.deserialize_keras_object


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        slice(1, None, 2),
        slice(None),
        ...,
        int,
        float,
        str,
        bool,
        1,
        1.5,
        True,
        None,
        "text",
    ],
)
def test_values_are_what_they_were(value):
    assert deserialize(serialize(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6).reshape(2, 3),
        np.zeros((0, 2), np.float16),
        np.array(5.0),
        jnp.ones(2, jnp.bfloat16),
        np.array([True, False]),
    ],
)
def test_arrays_keep_dtype_shape_and_values(value):
    back = deserialize(serialize(value))
    assert back.dtype == value.dtype and back.shape == value.shape
    np.testing.assert_array_equal(back, value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.dtype("float16"), "float16"),
        (np.float32, "float32"),
        (jnp.bfloat16.dtype, "bfloat16"),
    ],
)
def test_numpys_scalars_and_dtypes_are_written_plainly(value, expected):
    config = serialize(value)
    assert config == expected and type(config) is type(expected)


def test_nested_structures_keep_their_kinds():
    value = {"a": [1, (2, b"x")], "b": {"c": slice(np.int64(0), 2)}}
    assert deserialize(serialize(value)) == value


def test_symbolic_tensors_keep_shape_and_dtype():
    back = deserialize(serialize(fkeras.KerasTensor((None, 3), dtype="int32")))
    assert back.shape == (None, 3) and back.dtype == "int32"
    recorded = serialize(fkeras.layers.Dense(2, name="d")(fkeras.Input((3,), name="i")))
    assert recorded["config"]["keras_history"] == ["d", 0, 0]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"class_name": "__tuple__", "config": {"value": [1, [2]]}}, (1, [2])),
        ({"class_name": "__numpy__", "config": {"value": [1], "dtype": "int8"}}, np.int8([1])),
        ({"class_name": "__tensor__", "config": {"value": 2.0, "dtype": "float32"}}, 2.0),
    ],
)
def test_what_only_keras_writes_is_read_too(config, expected):
    assert deserialize(config) == expected


@pytest.mark.parametrize("value", [b"x", slice(1, 2), ..., np.ones(2), np.float32(1)])
def test_configs_are_those_of_keras(value, keras):
    assert serialize(value) == keras.saving.serialize_keras_object(value)


def test_a_config_names_plain_types_only():
    with pytest.raises(UnknownNameError, match="Unknown type 'Popen'"):
        deserialize({"class_name": "__type__", "config": {"value": "Popen"}})


@pytest.mark.parametrize("name", sorted(set(values.BY_CLASS_NAME) - {"__ellipsis__", "__lambda__"}))
def test_a_damaged_value_is_an_error_that_says_what_is_missing(name):
    with pytest.raises(UserInputError, match=f"Could not parse config: a '{name}' without"):
        deserialize({"class_name": name, "config": {}})
