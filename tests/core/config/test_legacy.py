"""Configs of the form before Keras 3."""

import json

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UnknownNameError, UserInputError
from fkeras.legacy.saving import deserialize_keras_object, serialize_keras_object

OBJECTS = [
    lambda K: K.layers.Dense(2, activation="relu", name="head"),
    lambda K: K.regularizers.L1L2(0.1, 0.2),
    lambda K: K.initializers.HeNormal(seed=3),
    lambda K: K.constraints.MaxNorm(2),
    lambda K: K.layers.Conv2D(2, 3, kernel_regularizer=K.regularizers.L2(0.5)),
    lambda K: K.losses.Huber(),
]


@pytest.mark.parametrize("make", OBJECTS)
def test_objects_are_described_as_keras_does_and_come_back(keras, make):
    made = make(fkeras)
    ours = serialize_keras_object(made)
    theirs = keras.legacy.saving.serialize_keras_object(make(keras))
    assert ours == {"class_name": type(made).__name__, "config": made.get_config()}
    assert theirs["class_name"] == ours["class_name"]
    assert json.dumps(ours)
    for config in (ours, theirs):
        again = deserialize_keras_object(config)
        assert type(again) is type(made) and again.get_config() == made.get_config()


def double(x):
    return 2 * x


class Scaled(layers.Layer):
    def __init__(self, function, inner, **kwargs):
        super().__init__(**kwargs)
        self.function, self.inner = function, inner

    def call(self, x):
        return self.function(self.inner(x))

    def get_config(self):
        return {"name": self.name, "function": self.function, "inner": self.inner}


def test_functions_go_by_name_and_objects_in_objects_are_marked():
    layer = Scaled(double, layers.ReLU(name="double"), name="scaled")
    config = serialize_keras_object(layer)
    assert config["class_name"] == "Scaled" and config["config"]["function"] == "double"
    assert config["config"]["inner"]["__passive_serialization__"]
    names = {"Scaled": Scaled, "double": double}
    for given in ({"custom_objects": names}, {"module_objects": names}):
        again = deserialize_keras_object(config, **given)
        assert again.inner.name == "double", "a name is no function"
        np.testing.assert_array_equal(again(np.array([-1.0, 2.0])), [0, 4])


def test_names_are_enough():
    assert serialize_keras_object(None) is deserialize_keras_object(None) is None
    assert deserialize_keras_object(double) is double
    assert deserialize_keras_object("double", custom_objects={"double": double}) is double
    assert isinstance(deserialize_keras_object("HeNormal"), fkeras.initializers.HeNormal)
    made = {"class_name": "make", "config": {"x": 2}}
    assert deserialize_keras_object(made, {"make": lambda x: x + 1}) == 3


def test_what_is_no_config_is_refused():
    with pytest.raises(UnknownNameError, match="Unknown layer 'Dens'"):
        deserialize_keras_object({"class_name": "Dens", "config": {}}, None, None, "layer")
    for wrong in ({"class_name": "Dense"}, 3):
        with pytest.raises(UserInputError, match="Improper config format"):
            deserialize_keras_object(wrong)
    with pytest.raises(UserInputError, match="Cannot serialize 3"):
        serialize_keras_object(3)
    code = serialize_keras_object(layers.Lambda(lambda x: x))
    with pytest.raises(UserInputError, match="safe mode"):
        deserialize_keras_object(code)
