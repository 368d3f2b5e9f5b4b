import functools

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.errors import UnknownNameError, UserInputError, UserTypeError

serialize = fkeras.saving.serialize_keras_object
deserialize = fkeras.saving.deserialize_keras_object


@fkeras.saving.register_keras_serializable("test_serialization")
class Scale(fkeras.layers.Layer):
    def __init__(self, factor, inner=None, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.inner = inner

    def call(self, x):
        return x * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor, "inner": serialize(self.inner)}

    @classmethod
    def from_config(cls, config):
        inner = deserialize(config.pop("inner"))
        return cls(**config, inner=inner)


class Plain:
    """A class that nothing is registered for."""

    def __init__(self, value=1):
        self.value = value

    def get_config(self):
        return {"value": self.value}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: fkeras.layers.Dense(2), ("keras.layers", "Dense", None)),
        (lambda: fkeras.losses.Huber(), ("keras.losses", "Huber", None)),
        (lambda: Scale(2.0), (None, "Scale", "test_serialization>Scale")),
        (lambda: Plain(), (Plain.__module__, "Plain", "Plain")),
        (
            lambda: fkeras.layers.GroupQueryAttention(2, 4, 2),
            ("keras.layers", "GroupQueryAttention", None),
        ),
    ],
)
def test_a_config_says_what_the_object_is_and_where_it_lives(make, names):
    config = serialize(make())
    assert (config["module"], config["class_name"], config["registered_name"]) == names


@pytest.mark.parametrize(
    "make",
    [
        lambda module: module.layers.Dense(3, "relu", kernel_regularizer="l2", name="d"),
        lambda module: module.layers.LSTM(2, go_backwards=True, name="l"),
        lambda module: module.initializers.VarianceScaling(2.0, seed=3),
        lambda module: module.losses.BinaryCrossentropy(label_smoothing=0.1, name="b"),
        lambda module: module.regularizers.L1L2(0.1, 0.2),
        lambda module: module.constraints.MaxNorm(2.0),
        lambda module: module.optimizers.schedules.CosineDecay(0.1, 5),
        lambda module: module.layers.Bidirectional(module.layers.GRU(2, name="g"), name="b"),
    ],
)
def test_objects_travel_to_keras_and_back(make, keras):
    ours, theirs = make(fkeras), make(keras)
    in_keras = keras.saving.deserialize_keras_object(serialize(ours))
    assert type(in_keras).__name__ == type(theirs).__name__
    back = deserialize(keras.saving.serialize_keras_object(theirs))
    assert type(back) is type(ours) and back.get_config() == ours.get_config()


def test_functions_are_named_and_found_again():
    config = serialize(fkeras.activations.relu)
    assert config["class_name"] == "function" and config["config"] == "relu"
    assert deserialize(config) is fkeras.activations.relu

    def mine(x):
        return x

    config = serialize(mine)
    assert (config["module"], config["config"]) == ("builtins", "mine")
    assert deserialize(config, {"mine": mine}) is mine
    with pytest.raises(UnknownNameError, match="Unknown function 'mine'"):
        deserialize(config)


def test_objects_inside_objects_are_read_under_the_same_names():
    outer = Scale(2.0, inner=Plain(7))
    back = deserialize(serialize(outer), custom_objects={"Plain": Plain})
    assert isinstance(back, Scale) and back.inner.value == 7 and back.factor == 2.0
    with fkeras.saving.custom_object_scope({"Plain": Plain}):
        assert deserialize(serialize(outer)).inner.value == 7
    with pytest.raises(UnknownNameError, match="Unknown class 'Plain'"):
        deserialize(serialize(outer))


def test_a_built_layer_comes_back_built_and_a_compiled_model_compiled():
    layer = fkeras.layers.Dense(2)
    layer(jnp.ones((1, 3)))
    assert deserialize(serialize(layer)).kernel.shape == (3, 2)
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    assert "compile_config" not in serialize(model)
    model.compile("sgd", "mse")
    back = deserialize(serialize(model))
    assert back.compiled and type(back.optimizer) is fkeras.optimizers.SGD


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "Cannot serialize object object .*it has no `get_config"),
        ({1, 2}, "Cannot serialize set"),
        (type("Odd", (), {"get_config": lambda self: [1]})(), "should return a dict"),
    ],
)
def test_what_has_no_config_cannot_be_written(value, message):
    with pytest.raises(UserTypeError, match=message):
        serialize(value)


def test_arrays_and_tuples_in_a_config_come_back_equal():
    back = deserialize(serialize(Scale((1, 2), inner=np.array([1.0, 2.0]))))
    assert back.factor == (1, 2) and back.inner.tolist() == [1, 2]


def test_a_partial_function_cannot_be_named():
    with pytest.raises(UserInputError, match="Cannot serialize partial"):
        serialize(functools.partial(len))
