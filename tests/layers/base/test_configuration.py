"""Configs of layers, and their own values in a dict-like store."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import NotBuiltError, UserInputError, UserTypeError
from fkeras.layers.base.argument_config import serialize_argument


class Derived(layers.Layer):
    """Writes no `get_config`: it is read off the constructor and the attributes."""

    def __init__(self, units, kernel_initializer="zeros", shape=(1, 2), inner=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.kernel_initializer = fkeras.initializers.get(kernel_initializer)
        self.shape = shape
        self.inner = inner

    def call(self, x):
        return x


def test_a_config_is_derived_from_the_constructor():
    layer = Derived(3, "ones", inner=layers.Dense(2, name="dense"), name="derived", dtype="float16")
    config = layer.get_config()
    assert config["units"] == 3 and config["shape"] == (1, 2) and config["name"] == "derived"
    assert config["kernel_initializer"]["class_name"] == "Ones"
    assert config["inner"]["class_name"] == "Dense"
    again = Derived.from_config(config)
    assert again.get_config() == config
    assert isinstance(again.inner, layers.Dense) and again.inner.units == 2


def test_what_a_constructor_does_not_take_is_an_error_with_the_config():
    with pytest.raises(UserTypeError, match="deserializing class 'Derived'.*'uints': 3"):
        Derived.from_config({"uints": 3})


def test_policies_come_back():
    mixed = layers.Dense(2, dtype="mixed_bfloat16")
    again = layers.Dense.from_config(mixed.get_config())
    assert (again.compute_dtype, again.variable_dtype) == ("bfloat16", "float32")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("units", 3, 3),
        ("activation", fkeras.activations.relu, "relu"),
        ("recurrent_activation", fkeras.activations.sigmoid, "sigmoid"),
        ("shape", (1, (2, 3)), (1, (2, 3))),
        ("axis", [0, 1], [0, 1]),
    ],
)
def test_arguments_look_in_a_config_as_their_roles_want(name, value, expected):
    assert serialize_argument(name, value) == expected


def test_own_variables_go_to_a_store_and_back_trainable_ones_first():
    layer = layers.BatchNormalization()
    layer.build((None, 2))
    values = [np.full(2, float(i + 1), "float32") for i in range(4)]
    layer.set_weights(values)
    store = {}
    layer.save_own_variables(store)
    assert list(store) == ["0", "1", "2", "3"]
    other = layers.BatchNormalization()
    other.build((None, 2))
    other.load_own_variables(store)
    for mine, value in zip(other.get_weights(), values):
        np.testing.assert_array_equal(mine, value)


def test_a_store_of_another_layer_is_refused():
    layer = layers.Dense(2, name="head")
    with pytest.raises(NotBuiltError, match="'head' was never built.*lists 2 variables"):
        layer.load_own_variables({"0": np.ones((3, 2)), "1": np.ones(2)})
    layer.build((None, 3))
    with pytest.raises(UserInputError, match=r"expected 2 variables.*received 1.*kernel.*bias"):
        layer.load_own_variables({"0": np.ones((3, 2))})


def test_unknown_constructor_arguments_show_what_there_is():
    with pytest.raises(UserTypeError, match="arguments passed to Dense.*unitz.*It takes: .units"):
        layers.Dense(2, unitz=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 3}, "`name` must be a string. Received: name=3"),
        ({"name": "a/b"}, "`name` cannot contain the character `/`"),
        ({"trainable": "yes"}, "expected `trainable` to be a boolean"),
    ],
)
def test_wrong_settings_are_refused(arguments, message):
    with pytest.raises((UserInputError, UserTypeError), match=message):
        layers.Dense(2, **arguments)


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"input_shape": (3,)}, (None, 3)),
        ({"input_shape": 3}, (None, 3)),
        ({"input_dim": 3}, (None, 3)),
        ({"input_dim": 3, "input_length": 5}, (None, 5, 3)),
        ({"batch_input_shape": [2, 3]}, (2, 3)),
        ({"input_shape": (3,), "batch_size": 4}, (4, 3)),
        ({}, None),
    ],
)
def test_older_ways_of_naming_the_shape_of_the_input(arguments, shape):
    assert layers.Dense(2, **arguments)._info.batch_input_shape == shape
