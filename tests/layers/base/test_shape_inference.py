"""Shapes of outputs without computing them, and the record of symbolic calls."""

import numpy as np
import pytest

import fkeras
from fkeras import layers, ops
from fkeras.errors import UserInputError


class Evaluated(layers.Layer):
    def call(self, query, value=None):
        return {"sum": query + 1, "pair": [query[:, :1], ops.sum(query, axis=-1)]}


class Written(layers.Layer):
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 7)

    def call(self, inputs):
        return ops.ones((*inputs.shape[:-1], 7))


class ByName(layers.Layer):
    def compute_output_shape(self, query_shape, value_shape):
        return (query_shape[0], value_shape[-1])

    def call(self, query, value):
        return ops.matmul(query, value)


def test_shapes_by_abstract_evaluation_of_call():
    assert Evaluated().compute_output_shape((None, 3)) == {
        "sum": (None, 3),
        "pair": [(None, 1), (None,)],
    }
    assert layers.Dense(4).compute_output_shape(input_shape=(2, 3)) == (2, 4)


def test_an_overridden_shape_decides():
    outputs = Written().compute_output_spec(fkeras.KerasTensor((None, 5, 3)))
    assert outputs.shape == (None, 5, 7) and outputs.dtype == "float32"
    outputs = ByName(dtype="bfloat16")(fkeras.KerasTensor((None, 3)), fkeras.KerasTensor((3, 9)))
    assert outputs.shape == (None, 9) and outputs.dtype == "bfloat16"


def test_evaluation_keeps_no_losses_and_no_state():
    class Busy(layers.Layer):
        def __init__(self):
            super().__init__()
            self.count = self.add_weight((), "zeros", trainable=False)

        def call(self, x):
            self.add_loss(x.sum())
            self.count.assign_add(1.0)
            return x

    layer = Busy()
    layer.compute_output_shape((2, 3))
    assert layer.losses == [] and float(layer.count) == 0.0


def test_inputs_and_outputs_of_the_only_symbolic_call():
    layer = layers.Dense(4)
    for attribute in ("input", "output", "input_shape", "output_shape"):
        with pytest.raises(AttributeError, match="has never been called and thus has no defined"):
            getattr(layer, attribute)
    x = fkeras.Input((3,))
    y = layer(x)
    assert layer.input is x and layer.output is y
    assert (layer.input_shape, layer.output_shape) == ((None, 3), (None, 4))


def test_several_symbolic_calls_have_no_single_input():
    layer = layers.Dense(4)
    layer(fkeras.Input((3,)))
    layer(fkeras.Input((3,)))
    assert layer.input_shape == (None, 3)
    with pytest.raises(AttributeError, match="2 inbound nodes, hence the notion of 'input'"):
        _ = layer.input
    layer(fkeras.Input((5, 3)))
    with pytest.raises(AttributeError, match="called on different shapes: its output shape"):
        _ = layer.output_shape


def test_a_layer_of_several_inputs_has_a_list():
    layer = layers.Add()
    inputs = [fkeras.Input((3,)), fkeras.Input((3,))]
    layer(inputs)
    assert [a is b for a, b in zip(layer.input, inputs)] == [True, True]
    assert layer.input_shape == [(None, 3), (None, 3)]


def test_shapes_after_a_call_on_arrays_are_those_it_was_built_with():
    layer = layers.Dense(4)
    layer(np.ones((2, 3), "float32"))
    assert layer.input_shape == (2, 3) and layer.output_shape == (2, 4)


def test_an_impossible_call_on_symbolic_tensors_is_our_error():
    with pytest.raises(UserInputError, match=r"expected axis -1 .* value 3"):
        dense = layers.Dense(4)
        dense.build((None, 3))
        dense(fkeras.KerasTensor((None, 5)))
