"""Lambda: shapes of nested inputs, arguments, functions without a signature, configs."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

X = np.array([[1.0, -2.0, 3.0]], "float32")


@fkeras.saving.register_keras_serializable("tests")
def scaled(x, factor=2.0):
    return x * factor


@fkeras.saving.register_keras_serializable("tests")
def doubled_shape(shape):
    return (shape[0], 2 * shape[1])


@pytest.mark.parametrize(
    "function", [np.exp, jnp.exp, jax.nn.relu, abs], ids=["np", "jnp", "nn", "abs"]
)
def test_functions_that_do_not_tell_their_parameters_are_taken(function):
    np.testing.assert_allclose(layers.Lambda(function)(X), function(X), rtol=1e-6)


def test_nested_inputs_and_outputs_keep_their_structure():
    layer = layers.Lambda(lambda x: {"sum": x["a"] + x["b"], "parts": [x["a"], x["b"]]})
    inputs = {"a": X, "b": 2 * X}
    outputs = layer(inputs)
    np.testing.assert_array_equal(outputs["sum"], 3 * X)
    assert layer.compute_output_shape({"a": (None, 3), "b": (None, 3)}) == {
        "sum": (None, 3),
        "parts": [(None, 3), (None, 3)],
    }
    symbols = {name: fkeras.KerasTensor((None, 3)) for name in inputs}
    assert layer(symbols)["parts"][1].shape == (None, 3)


@pytest.mark.parametrize(
    ("output_shape", "input_shape", "expected"),
    [
        ((7,), (None, 3), (None, 7)),
        ((7, 2), (4, 3), (4, 7, 2)),
        ([(1,), (2,)], (4, 3), [(4, 1), (4, 2)]),
        ({"a": (1,)}, [(4, 3), (4, 5)], {"a": (4, 1)}),
        ((7,), {"x": (5, 3)}, (5, 7)),
        (lambda shape: (shape[0], 9), (None, 3), (None, 9)),
    ],
)
def test_a_declared_shape_gets_the_batch_axis(output_shape, input_shape, expected):
    layer = layers.Lambda(lambda x: x, output_shape=output_shape)
    assert layer.compute_output_shape(input_shape) == expected


def test_configs_hold_functions_by_name_and_plain_shapes():
    layer = layers.Lambda(
        scaled, output_shape=doubled_shape, mask=None, arguments={"factor": 3.0}, name="s"
    )
    config = json.loads(json.dumps(layers.serialize(layer)))
    again = layers.deserialize(config)
    assert again.function is scaled and again.arguments == {"factor": 3.0}
    assert again.compute_output_shape((4, 3)) == (4, 6)
    np.testing.assert_array_equal(again(X), 3 * X)
    plain = layers.Lambda(scaled, output_shape=(3,))
    revived = layers.deserialize(json.loads(json.dumps(layers.serialize(plain))))
    assert revived.get_config()["output_shape"] == (3,)
    assert "mask" not in revived.get_config()


def test_code_in_the_shape_or_the_mask_is_refused_in_safe_mode_too():
    for options in ({"output_shape": lambda shape: shape}, {"mask": lambda inputs, mask: mask}):
        layer = layers.Lambda(scaled, **options)
        (name,) = options
        with pytest.raises(ValueError, match=f"The `{name}` of this `Lambda` layer is a Python"):
            layers.deserialize(layers.serialize(layer))
        again = layers.Lambda.from_config(layer.get_config(), safe_mode=False)
        assert callable(getattr(again, "_declared_output_shape" if name != "mask" else "mask"))


def test_a_function_that_asks_for_the_mask_gets_it():
    seen = []
    layer = layers.Lambda(lambda x, mask: seen.append(mask) or x, mask=lambda inputs, mask: mask)
    x = layers.Masking()(np.array([[[1.0], [0.0]]], "float32"))
    y = layer(x)
    assert seen[0].tolist() == [[True, False]] and y._keras_mask.tolist() == [[True, False]]


def test_gradients_pass_through():
    layer = layers.Lambda(lambda x: x**2)
    gradient = jax.grad(lambda x: layer.apply({"params": {}}, x)[0].sum())(jnp.asarray(X))
    np.testing.assert_allclose(gradient, 2 * X)
