"""CategoryEncoding against Keras, and ids that are no categories."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

BATCHES = [
    np.array([[3, 1], [0, 0], [2, 3]]),
    np.array([3, 1, 1]),
    np.array([[2], [0]]),
    np.array(2),
]


@pytest.mark.parametrize("mode", ["multi_hot", "one_hot", "count"])
@pytest.mark.parametrize("ids", BATCHES, ids=lambda ids: str(ids.shape))
def test_it_encodes_as_keras(keras, mode, ids):
    layer = layers.CategoryEncoding(4, output_mode=mode)
    theirs = keras.layers.CategoryEncoding(4, output_mode=mode)
    expected = np.asarray(theirs(ids))
    if mode == "one_hot" and not ids.shape:
        expected = expected[0]  # as its `compute_output_shape` says
    encoded = layer(ids)
    np.testing.assert_array_equal(encoded, expected)
    assert encoded.dtype == "float32"
    assert layer.compute_output_shape(ids.shape) == expected.shape
    np.testing.assert_array_equal(jax.jit(lambda ids: layer(ids))(jnp.asarray(ids)), expected)
    sparse = layers.CategoryEncoding(4, output_mode=mode, sparse=True)(ids)
    assert isinstance(sparse, jax.experimental.sparse.BCOO)
    np.testing.assert_array_equal(sparse.todense(), expected)
    config, expected = layer.get_config(), theirs.get_config()
    assert all(config[name] == expected[name] for name in ("num_tokens", "output_mode"))


def test_weights_are_what_ids_add_to_their_count(keras):
    ids, weights = BATCHES[0], np.array([[0.5, 2.0], [1.0, 0.25], [3.0, 0.0]])
    ours = layers.CategoryEncoding(4, output_mode="count")
    theirs = keras.layers.CategoryEncoding(4, output_mode="count")
    expected = theirs(ids, count_weights=weights)
    np.testing.assert_allclose(ours(ids, count_weights=weights), expected)
    inputs = [fkeras.Input((2,), dtype="int32"), fkeras.Input((2,))]
    model = fkeras.Model(inputs, ours(inputs[0], count_weights=inputs[1]))
    np.testing.assert_allclose(model.predict([ids, weights], verbose=0), expected)


def test_the_last_axis_holds_the_ids_of_a_sample():
    """Keras's documentation says so; its code adds up along axis 1."""
    ids = np.array([[[0, 1], [2, 2]]])
    layer = layers.CategoryEncoding(3)
    np.testing.assert_array_equal(layer(ids), [[[1, 1, 0], [0, 0, 1]]])
    assert layer.compute_output_shape((None, 2, 2)) == (None, 2, 3)


def test_ids_in_half_precision_and_as_floats_stay_themselves():
    layer = layers.CategoryEncoding(1000, "one_hot", dtype="bfloat16")
    encoded = layer(np.array([257.0, 999.0]))
    assert encoded.dtype == jnp.bfloat16
    np.testing.assert_array_equal(np.asarray(encoded, "float32").argmax(-1), [257, 999])


def test_a_model_trains_on_encoded_ids():
    model = fkeras.Sequential([layers.CategoryEncoding(4), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(BATCHES[0], np.ones(3), verbose=0)
    assert model.predict(BATCHES[0], verbose=0).shape == (3, 1)
    with pytest.raises(ValueError, match="num_tokens at least 8"):
        model.fit(np.array([[7, 0]]), np.ones(1), verbose=0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.CategoryEncoding(), "num_tokens must be set"),
        (lambda: layers.CategoryEncoding(0), "`num_tokens` must be >= 1"),
        (lambda: layers.CategoryEncoding(2.5), "`num_tokens` must be >= 1"),
        (lambda: layers.CategoryEncoding(4, "tf_idf"), "output_mode: tf_idf"),
        (lambda: layers.CategoryEncoding(4)([4]), "num_tokens at least 5"),
        (lambda: layers.CategoryEncoding(4)([-1]), "Map the ids"),
        (lambda: layers.CategoryEncoding(4)([0.5]), "whole numbers"),
        (lambda: layers.CategoryEncoding(4)(np.array([2**32])), "do not fit into int32"),
        (lambda: layers.CategoryEncoding(4)([1], count_weights=[1.0]), "`count_weights` is not"),
        (
            lambda: layers.CategoryEncoding(4, "count")([[1, 2]], count_weights=np.ones(2)),
            "of the shape of its inputs",
        ),
    ],
)
def test_what_cannot_be_is_an_error(make, text):
    with pytest.raises(ValueError, match=text):
        make()
