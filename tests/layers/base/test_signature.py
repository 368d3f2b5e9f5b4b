"""How `call` may be called, told by its signature alone."""

import inspect
from typing import NamedTuple

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.layers.base import signature


class Two(layers.Layer):
    def call(self, query, value=None, *, mask=None, value_mask=None, training=False):
        return query


class Many(layers.Layer):
    def call(self, *tensors, scale=1.0, **options):
        return tensors[0]


def test_what_is_special_about_the_parameters_of_call():
    call = signature.of(Two(name="two"))
    assert call.positional == ["query", "value"]
    assert call.required == ["query"]
    assert call.mask_names == ["mask", "value_mask"]
    assert call.has_training and call.training_default is False
    assert (call.var_positional, call.var_keyword) == (None, None)
    assert call.takes("value_mask") and not call.takes("attention_mask")
    assert call.text() == "(query, value=None, mask=None, value_mask=None, training=False)"


def test_arguments_are_bound_by_name_positional_ones_first():
    two = Two()
    call = signature.of(two)
    assert call.bind((1,), {"training": True, "value": 2}, two) == {
        "query": 1,
        "training": True,
        "value": 2,
    }
    many = Many()
    bound = signature.of(many).bind((1, 2), {"other": 3}, many)
    assert bound == {"tensors": (1, 2), "other": 3}


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((1, 2, 3), {}, r"Layer 'two' \(Two\).call\(\) takes 2 positional arguments but 3"),
        ((1,), {"query": 2}, "multiple values for argument 'query'"),
        ((1,), {"maks": 2}, "unexpected keyword argument 'maks'. Its arguments: .*value_mask"),
        ((), {"value": 2}, "missing the argument 'query'"),
    ],
)
def test_a_wrong_call_is_a_type_error_that_names_the_layer(args, kwargs, message):
    two = Two(name="two")
    with pytest.raises(TypeError, match=message):
        signature.of(two).bind(args, kwargs, two)


def test_a_call_set_on_the_object_counts():
    layer = Two()
    layer.call = lambda inputs, factor=2.0: factor * inputs
    assert signature.of(layer).positional == ["inputs", "factor"]
    np.testing.assert_array_equal(layer(np.ones(2), factor=3.0), [3.0, 3.0])


@pytest.mark.parametrize(
    ("cls", "first"),
    [(layers.Dense, "units"), (layers.LSTM, "units"), (layers.Conv2D, "filters"), (Two, "kwargs")],
)
def test_tools_see_the_arguments_of_constructors(cls, first):
    parameters = inspect.signature(cls).parameters
    assert "self" not in parameters
    assert "args" not in parameters
    if cls is not Two:
        assert next(iter(parameters)) == first


def test_tools_see_the_arguments_of_an_own_layer_and_of_those_below_it():
    class Scale(layers.Layer):
        def __init__(self, factor, offset=0.0, **kwargs):
            super().__init__(**kwargs)

        def call(self, x):
            return x

    class Tuned(Scale):
        pass

    assert str(inspect.signature(Scale)) == "(factor, offset=0.0, **kwargs)"
    assert str(inspect.signature(Tuned)) == "(factor, offset=0.0, **kwargs)"
    assert "self" not in inspect.signature(Tuned(1.0)).parameters


class Pair(NamedTuple):
    left: object
    right: object


def test_shapes_stand_in_the_place_of_tensors():
    x, y = np.zeros((2, 3)), fkeras.KerasTensor((None, 4))
    shapes = signature.shape_of({"a": [x, 5], "b": Pair(y, None)})
    assert shapes == {"a": [(2, 3), None], "b": Pair((None, 4), None)}


def test_what_counts_as_a_tensor():
    tensors = [np.ones(2), np.float32(1), fkeras.KerasTensor((2,)), fkeras.Variable(np.ones(2))]
    assert all(map(signature.is_tensor, tensors))
    assert not any(map(signature.is_tensor, [1, 2.0, "x", [np.ones(2)], None]))
