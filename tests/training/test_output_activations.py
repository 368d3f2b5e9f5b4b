"""What made an output, read from the program of a model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, ops
from fkeras.training.output_activations import last_activations

X = np.ones((2, 4), "float32")
KERNEL = np.ones((4, 3), "float32")


def found(function, *inputs):
    return last_activations(jax.make_jaxpr(function)(*inputs or (X,)))


FUNCTIONS = {
    "a product": (lambda x: x @ KERNEL, "linear"),
    "and a bias": (lambda x: x @ KERNEL + jnp.arange(3.0), "linear"),
    "a bias first": (lambda x: jnp.arange(3.0) + x @ KERNEL, "linear"),
    "moved": (lambda x: jnp.transpose((x @ KERNEL + 1).reshape(3, 2))[None], "linear"),
    "in another dtype": (lambda x: (x @ KERNEL).astype("bfloat16"), "linear"),
    "under jit": (jax.jit(lambda x: jax.jit(jnp.matmul)(x, KERNEL)), "linear"),
    "under checkpoint": (jax.checkpoint(lambda x: x @ KERNEL + 1), "linear"),
    "sigmoid": (lambda x: jax.nn.sigmoid(x @ KERNEL), "sigmoid"),
    "softmax": (lambda x: jax.nn.softmax(x @ KERNEL), "softmax"),
    "softmax by hand": (lambda x: jnp.exp(x) / jnp.exp(x).sum(-1, keepdims=True), None),
    "softmax by hand, once": (lambda x: (e := jnp.exp(x)) / e.sum(-1, keepdims=True), "softmax"),
    "softmax of fkeras": (lambda x: ops.softmax(x), "softmax"),
    "tanh": (lambda x: jnp.tanh(x), "tanh"),
    "relu": (lambda x: jax.nn.relu(x @ KERNEL), "relu"),
    "a maximum of something else": (lambda x: jnp.maximum(x, 1), None),
    "a sum": (lambda x: x + x, None),
    "a scaled product": (lambda x: 0.5 * (x @ KERNEL), None),
    "a quotient": (lambda x: x / x.sum(), None),
    "the input": (lambda x: x, None),
    "a constant": (lambda x: jnp.ones(3), None),
    "a loop": (lambda x: jax.lax.fori_loop(0, 2, lambda i, y: y @ y.T @ y, x), None),
    "a branch": (lambda x: jax.lax.cond(True, jnp.tanh, jax.nn.sigmoid, x), None),
}


@pytest.mark.parametrize("function, expected", FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_last_operation_is_named(function, expected):
    assert found(function) == [expected]


def test_every_output_has_its_own():
    assert found(lambda x: {"b": jnp.tanh(x), "a": x @ KERNEL}) == ["linear", "tanh"]


@pytest.mark.parametrize(
    "layer, shape, expected",
    [
        (lambda: layers.Dense(3), (4,), "linear"),
        (lambda: layers.Dense(3, activation="softmax"), (4,), "softmax"),
        (lambda: layers.Conv1D(3, 2), (5, 4), "linear"),
        (lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="c"), (4,), "linear"),
        (lambda: fkeras.Sequential([layers.Dense(3), layers.Softmax()]), (4,), "softmax"),
        (lambda: fkeras.Sequential([layers.Dense(4), layers.Reshape((2, 2))]), (4,), "linear"),
        (lambda: layers.Lambda(lambda x: ops.sigmoid(x)), (4,), "sigmoid"),
    ],
)
def test_layers_are_told_by_what_they_compute(layer, shape, expected):
    layer, x = layer(), np.ones((2, *shape), "float32")
    layer(x)
    assert found(lambda x: layer(x), x) == [expected]
