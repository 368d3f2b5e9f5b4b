"""The comparison with Keras that the tests of several families share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras


def arrays(*shapes, seed=1):
    """Standard normal arrays."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def outputs_and_gradients(layer, inputs, call):
    """Leaves of the outputs, gradients by the trainable weights and by the float inputs of a fixed
    weighted sum of the outputs; compiled.
    """

    def score(trainable, inputs):
        outputs, _ = layer.stateless_call(
            trainable, [v.value for v in layer.non_trainable_variables], *inputs, **call
        )
        leaves = jax.tree.leaves(outputs)
        weights = arrays(*(y.shape for y in leaves), seed=3)
        return sum(jnp.sum(y.astype("float32") * w) for y, w in zip(leaves, weights)), leaves

    floats = [
        i for i, x in enumerate(inputs) if not isinstance(x, np.ndarray) or x.dtype.kind == "f"
    ]

    @jax.jit
    def run(trainable, given):
        full = lambda given: [
            given[floats.index(i)] if i in floats else x for i, x in enumerate(inputs)
        ]
        return jax.value_and_grad(lambda t, g: score(t, full(g)), argnums=(0, 1), has_aux=True)(
            trainable, given
        )

    (_, leaves), gradients = run(
        [v.value for v in layer.trainable_variables], [inputs[i] for i in floats]
    )
    return leaves, gradients


@pytest.fixture
def same_as_keras(keras):
    """`check(make, *inputs, **call)`: the layer that `make(layers)` makes computes what Keras's
    computes, with the same weights.
    """

    def check(make, *inputs, tolerance=2e-5, **call):
        ours, theirs = make(fkeras.layers), make(keras.layers)
        flags = {name: value for name, value in call.items() if isinstance(value, bool)}
        symbol = lambda x: (
            [symbol(v) for v in x]
            if isinstance(x, list)
            else keras.KerasTensor(x.shape, str(x.dtype))
        )
        theirs(*map(symbol, inputs), **flags)
        ours.init(jax.random.key(0), *inputs, **flags)
        names = ["/".join(w.path.split("/")[-2:]) for w in theirs.weights]
        assert ["/".join(w.path.split("/")[-2:]) for w in ours.weights] == names
        weights = arrays(*(w.shape for w in theirs.weights), seed=2)
        theirs.set_weights(weights)
        ours.set_weights(weights)
        outputs, gradients = outputs_and_gradients(ours, inputs, call)
        expected_outputs, expected_gradients = outputs_and_gradients(theirs, inputs, call)
        near = {"rtol": tolerance, "atol": tolerance}
        assert [(y.shape, y.dtype) for y in outputs] == [
            (y.shape, y.dtype) for y in expected_outputs
        ]
        for i, (y, expected) in enumerate(zip(outputs, expected_outputs)):
            np.testing.assert_allclose(
                np.asarray(y, "float32"),
                np.asarray(expected, "float32"),
                err_msg=f"output {i}",
                **near,
            )
        for name, g, expected in zip(names, gradients[0], expected_gradients[0]):
            np.testing.assert_allclose(g, expected, err_msg=f"gradient by {name}", **near)
        jax.tree.map(
            lambda g, expected: np.testing.assert_allclose(
                g, expected, err_msg="gradient by the inputs", **near
            ),
            gradients[1],
            expected_gradients[1],
        )
        return ours, outputs

    return check
