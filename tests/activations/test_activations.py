"""A row for each activation and setting: values, dtypes and gradients are Keras's."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import activations

X = np.array([[-7.0, -3.0, -1.0, -0.5, -0.1, 0.0], [0.1, 0.5, 1.0, 2.9, 6.5, 20.0]], "float32")
# name, arguments
ROWS = [
    ("relu", {}), ("relu", {"negative_slope": 0.1}), ("relu", {"max_value": 6}), ("relu", {"max_value": 2.0, "threshold": 0.3}),
    ("relu", {"negative_slope": 0.2, "max_value": 2.0, "threshold": -0.3}), ("relu", {"negative_slope": 0.2, "max_value": 6}),
    ("relu6", {}), ("leaky_relu", {}), ("leaky_relu", {"negative_slope": 0.5}), ("elu", {}), ("elu", {"alpha": 0.5}), ("selu", {}),
    ("celu", {}), ("celu", {"alpha": 2.0}), ("gelu", {}), ("gelu", {"approximate": True}), ("glu", {}), ("glu", {"axis": 0}),
    ("silu", {}), ("swish", {}), ("hard_silu", {}), ("hard_swish", {}), ("mish", {}), ("sigmoid", {}), ("log_sigmoid", {}),
    ("hard_sigmoid", {}), ("sparse_sigmoid", {}), ("tanh", {}), ("hard_tanh", {}), ("tanh_shrink", {}), ("soft_shrink", {}),
    ("soft_shrink", {"threshold": 0.2}), ("hard_shrink", {}), ("hard_shrink", {"threshold": 0.2}),
    ("threshold", {"threshold": 0.2, "default_value": -3.0}), ("softplus", {}), ("sparse_plus", {}), ("squareplus", {}),
    ("squareplus", {"b": 2}), ("softsign", {}), ("exponential", {}), ("linear", {}), ("softmax", {}), ("softmax", {"axis": 0}),
    ("softmax", {"axis": (0, 1)}), ("log_softmax", {}), ("log_softmax", {"axis": 0}),
]
IDS = [f"{name}-{','.join(map(str, arguments.values()))}" for name, arguments in ROWS]


@pytest.mark.parametrize("name, arguments", ROWS, ids=IDS)
def test_values_and_gradients_are_kerass(name, arguments, keras):
    ours, theirs = (functools.partial(getattr(room, name), **arguments) for room in (activations, keras.activations))
    for dtype, tolerance in (("float32", 2e-6), ("bfloat16", 1e-2)):
        x = jnp.asarray(X, dtype)
        got = ours(x)
        assert got.dtype == dtype
        np.testing.assert_allclose(np.asarray(got, "float32"), np.asarray(theirs(x), "float32"), rtol=tolerance, atol=tolerance)
    gradient, expected = (jax.grad(lambda x, f=f: jnp.sum(f(x) * jnp.cos(jnp.arange(f(x).size).reshape(f(x).shape))))(jnp.asarray(X))
                          for f in (ours, theirs))
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)
    assert jnp.isfinite(gradient).all()


@pytest.mark.parametrize("name, arguments", ROWS, ids=IDS)
def test_a_symbolic_call_tells_the_shape_and_is_replayed(name, arguments):
    function = getattr(activations, name)
    x = fkeras.KerasTensor((None, 6))
    y = function(x, **arguments)
    assert isinstance(y, fkeras.KerasTensor) and y.dtype == "float32"
    if name == "glu" and arguments:
        return
    assert y.shape == ((None, 3) if name == "glu" else (None, 6))
    if name == "linear":
        assert y is x
        return
    operation, node, _ = y._keras_history
    recorded = operation._inbound_nodes[node]
    swap = [X if a is x else a for a in recorded.args]
    np.testing.assert_array_equal(operation.call(*swap, **recorded.kwargs), function(X, **arguments))


def test_sparsemax_lies_on_the_simplex():
    for axis in (0, 1, -1):
        x = jnp.asarray(np.random.RandomState(0).normal(size=(4, 5)), "float32")
        y = activations.sparsemax(x, axis)
        np.testing.assert_allclose(y.sum(axis), 1.0, rtol=1e-6)
        assert (y >= 0).all() and (y == 0).any()


def test_signatures_and_names_are_kerass(keras):
    for name in dir(keras.activations):
        theirs = getattr(keras.activations, name)
        if inspect.isfunction(theirs):
            assert str(inspect.signature(getattr(activations, name))).split(" ->")[0] == str(inspect.signature(theirs)), name


def test_lists_variables_and_integers_are_taken():
    assert activations.relu([-1, 2]).tolist() == [0, 2]
    assert activations.mish([0, 1]).dtype == "float32"
    np.testing.assert_array_equal(activations.relu(fkeras.Variable(X)), activations.relu(X))


def test_names_and_configs_travel_to_keras_and_back(keras):
    from keras.src.activations import ALL_OBJECTS_DICT

    for name, theirs in ALL_OBJECTS_DICT.items():
        ours = activations.get(name)
        assert ours.__name__ == theirs.__name__
        assert activations.serialize(ours) == keras.activations.serialize(theirs) == theirs.__name__
        config = keras.saving.serialize_keras_object(theirs)
        assert activations.get(config) is activations.deserialize(config) is ours
        assert keras.activations.get(fkeras.saving.serialize_keras_object(ours)) is theirs


def test_own_functions_objects_and_classes():
    @fkeras.saving.register_keras_serializable("mine")
    def twice(x):
        return 2 * x

    config = activations.serialize(twice)
    assert config["config"] == "mine>twice"
    assert activations.get(config) is activations.get("mine>twice") is twice

    def thrice(x):
        return 3 * x

    with fkeras.saving.custom_object_scope({"thrice": thrice}):
        assert activations.get(activations.serialize(thrice)) is activations.get("thrice") is thrice
    assert activations.deserialize("thrice", custom_objects={"thrice": thrice}) is thrice
    layer = fkeras.layers.ReLU(max_value=3.0)
    again = activations.get(activations.serialize(layer))
    assert isinstance(again, fkeras.layers.ReLU) and again.get_config()["max_value"] == 3.0
    assert activations.get(None) is activations.linear


@pytest.mark.parametrize("call, error, message", [
    (lambda: activations.get("rleu"), ValueError, "Unknown activation 'rleu'. Did you mean 'relu'"),
    (lambda: activations.get(3), TypeError, "Could not interpret activation function identifier.*3"),
    (lambda: activations.serialize(3), TypeError, "Only callables"),
    (lambda: activations.glu(np.ones((2, 3))), ValueError, "must be even"),
])
def test_what_cannot_be_right_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()
