"""Quantized layers keep what Keras's keep, compute what they compute, and pass the gradients that
they pass.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.layers.quantized.cases import (
    CASES,
    CONFIGS,
    LAYERS,
    OF_KERNELS,
    kept,
    normal,
    pair,
    quantize_both,
)

# Keras's own Variables do not know NumPy 2's arguments.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("layer, config", CASES)
def test_layers_keep_and_compute_what_kerass_do(keras, layer, config):
    ours, theirs, x = pair(keras, layer)
    quantize_both(keras, ours, theirs, config)
    assert ours.dtype_policy.name == theirs.dtype_policy.name
    stored, expected = kept(ours), kept(theirs)
    assert stored.keys() == expected.keys()
    for key, value in expected.items():
        assert stored[key].dtype == value.dtype and stored[key].shape == value.shape
        np.testing.assert_allclose(stored[key], value, rtol=1e-6)
    assert [w.path.split("/")[1] for w in ours.weights] == [
        w.path.split("/")[1] for w in theirs.weights
    ]
    np.testing.assert_allclose(ours(x), theirs(x), rtol=2e-5, atol=2e-5)
    if LAYERS[layer][0] == "ReversibleEmbedding":
        x = normal(2, 12)
        # Both are rounded: the inputs too, in Keras where it was given no config.
        np.testing.assert_allclose(
            ours(x, reverse=True), theirs(x, reverse=True), rtol=1e-4, atol=1e-4
        )
    ours_again = type(ours).from_config(ours.get_config())
    ours_again.build(x.shape)
    ours_again.load_own_variables(expected)
    theirs_again = type(theirs).from_config(ours.get_config())
    theirs_again.build(x.shape)
    theirs_again.load_own_variables(stored)
    for key, value in kept(ours_again).items():
        np.testing.assert_array_equal(value, expected[key])
    for key, value in kept(theirs_again).items():
        np.testing.assert_array_equal(value, stored[key])


@pytest.mark.parametrize("layer", ["Dense", "query", "output"])
@pytest.mark.parametrize("config", [c for c in CONFIGS if c != "float8"])
def test_gradients_of_the_inputs_are_kerass(keras, layer, config):
    ours, theirs, x = pair(keras, layer)
    quantize_both(keras, ours, theirs, config)
    weight = jnp.asarray(normal(*ours(x).shape))
    gradients = [
        jax.grad(lambda x, layer=layer: (layer(x) * weight).sum())(x) for layer in (ours, theirs)
    ]
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-5)
    assert np.abs(gradients[0]).max() > 0.1


@pytest.mark.parametrize("layer", OF_KERNELS)
@pytest.mark.parametrize("config", ["int8", "int4", "int4 by column"])
def test_half_precision_stays_half_precision(keras, layer, config):
    ours, theirs, x = pair(keras, layer, dtype="mixed_bfloat16")
    quantize_both(keras, ours, theirs, config)
    assert ours(x).dtype == theirs(x).dtype == jnp.bfloat16
    a, b = (np.asarray(layer(x), "float32") for layer in (ours, theirs))
    np.testing.assert_allclose(a, b, rtol=0.05, atol=0.1)
    assert {w.name: str(w.dtype) for w in ours.weights} == {w.name: w.dtype for w in theirs.weights}


def test_a_float8_layer_follows_magnitudes_as_kerass_does(keras):
    ours, theirs, x = pair(keras, "Dense")
    quantize_both(keras, ours, theirs, "float8")
    weight = jnp.asarray(normal(3, 2, 5))

    def step_of_ours(layer):
        names = [v.path.split("/")[1] for v in layer.trainable_variables]
        values = {name: v.value for name, v in zip(names, layer.trainable_variables)}

        def loss(values):
            y, _ = layer.apply({"params": values, "state": {}}, x, training=True)
            return (y * weight).sum()

        return jax.grad(loss)(values)

    def step_of_theirs(layer):
        names = [v.path.split("/")[1] for v in layer.trainable_variables]
        values = [v.value for v in layer.trainable_variables]

        def loss(values):
            y, _ = layer.stateless_call(values, [], x, training=True)
            return (y * weight).sum()

        return dict(zip(names, jax.grad(loss)(values)))

    for _ in range(3):
        a, b = step_of_ours(ours), step_of_theirs(theirs)
        assert a.keys() == b.keys()
        for name, value in b.items():
            np.testing.assert_allclose(a[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
        for layer, gradients in ((ours, a), (theirs, b)):
            for variable in layer.trainable_variables:
                if variable.overwrite_with_gradient:
                    variable.assign(gradients[variable.path.split("/")[1]])
    assert float(ours.inputs_scale.value) != 1.0
