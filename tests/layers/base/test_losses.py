"""`add_loss` counts, or is refused."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, ops
from fkeras.errors import UserInputError

X = np.ones((2, 3), "float32")


class Adding(layers.Layer):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def call(self, x):
        self.add_loss(self.value)
        return x


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2.0, [2]), (np.float32(3), [3]), (jnp.ones(()), [1]), (lambda: 4.0, [4]), ([1, 2], [1, 2])],
)
def test_in_a_call_it_counts(value, expected):
    layer = Adding(value)
    layer(X)
    assert [float(v) for v in layer.losses] == expected
    model = fkeras.Sequential([fkeras.Input((3,)), layer])
    model.compile("sgd")
    assert model.evaluate(X, verbose=0) == sum(expected)


@pytest.mark.parametrize("value", [None, "1", True, object(), lambda: None])
def test_in_a_call_what_is_no_number_is_refused(value):
    with pytest.raises(UserInputError, match="takes scalars"):
        Adding(value)(X)


def test_in_a_call_it_must_be_a_scalar():
    with pytest.raises(UserInputError, match=r"only be called with scalars. Received shape \(2,"):
        Adding(X)(X)


@pytest.mark.parametrize("value", [2.0, jnp.ones(()), lambda: 1.0, None, [1.0, 2.0], "x", []])
def test_outside_of_a_call_it_is_refused(value):
    dense = layers.Dense(3)
    model = fkeras.Sequential([fkeras.Input((3,)), dense])
    for layer in (dense, model):
        with pytest.raises(UserInputError, match="only be called inside `call"):
            layer.add_loss(value)


def test_in_build_it_is_refused():
    class Building(layers.Layer):
        def build(self, shape):
            self.add_loss(1.0)

        def call(self, x):
            return x

    with pytest.raises(UserInputError, match="only be called inside `call"):
        Building()(X)


def test_symbolic_tensors_are_refused_by_layers():
    inputs = fkeras.Input((3,))
    outputs = layers.Dense(1)(inputs)

    class Symbolic(layers.Layer):
        def call(self, x):
            self.add_loss(ops.mean(outputs))
            return x

    with pytest.raises(UserInputError, match="only be called inside `call.*KerasTensor"):
        Symbolic()(X)
