"""Embedding, Masking, Identity, Wrapper: edges that the tables do not reach."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core.values.masks import get_mask

rng = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 2), (0,), (2, 0)])
def test_ids_of_any_rank_are_looked_up(shape):
    layer = layers.Embedding(5, 4)
    ids = rng.integers(0, 5, size=shape)
    np.testing.assert_array_equal(layer(ids), layer.embeddings.numpy()[ids])
    assert layer.compute_output_shape(shape) == (*shape, 4)


def test_the_gradient_of_a_row_counts_how_often_it_was_looked_up():
    layer = layers.Embedding(4, 2)
    variables = layer.init(jax.random.key(0), (1, 3))
    ids = np.array([[0, 2, 2], [2, 1, 0]])
    gradient = jax.grad(lambda v: layer.apply(v, ids)[0].sum())(variables)
    counts = np.bincount(ids.ravel(), minlength=4).astype("float32")
    np.testing.assert_array_equal(gradient["params"]["embeddings"], counts[:, None].repeat(2, 1))


def test_a_table_follows_its_constraint_and_regularizer():
    layer = layers.Embedding(
        3,
        2,
        "ones",
        embeddings_regularizer=fkeras.regularizers.L1(0.5),
        embeddings_constraint="unit_norm",
    )
    layer(np.array([0]))
    assert float(layer.losses[0]) == pytest.approx(3.0)
    assert layer.embeddings.constraint is layer.embeddings_constraint


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_scores_can_be_computed_in_a_wider_dtype(dtype):
    layer = layers.ReversibleEmbedding(6, 4, dtype=dtype, reverse_dtype="float32")
    vectors = rng.normal(size=(2, 4)).astype(dtype)
    scores = layer(vectors, reverse=True)
    assert scores.dtype == jnp.float32
    table = layer.embeddings.numpy().astype("float32")
    np.testing.assert_allclose(scores, vectors.astype("float32") @ table.T, rtol=1e-5, atol=1e-6)


def test_a_soft_cap_bounds_the_scores():
    layer = layers.ReversibleEmbedding(6, 4, logit_soft_cap=3.0)
    plain = layers.ReversibleEmbedding(6, 4)
    layer.build()
    plain.build()
    plain.set_weights(layer.get_weights())
    vectors = 1000 * rng.normal(size=(2, 4)).astype("float32")
    scores = plain(vectors, reverse=True)
    np.testing.assert_allclose(
        layer(vectors, reverse=True), 3 * np.tanh(np.asarray(scores) / 3), rtol=1e-5
    )


def test_symbols_know_the_direction():
    layer = layers.ReversibleEmbedding(6, 4, dtype="mixed_bfloat16")
    rows = layer(fkeras.KerasTensor((None, None), "int32"))
    assert rows.shape == (None, None, 4) and rows.dtype == "bfloat16"
    scores = layer(fkeras.KerasTensor((None, 4)), reverse=True)
    assert scores.shape == (None, 6)
    assert layer.compute_output_shape((2, 4), reverse=True) == (2, 6)


@pytest.mark.parametrize("mark", [0, 0.0, -1, np.nan])
def test_masking_compares_with_its_mark(keras, mark):
    x = np.array([[[0, 0], [1, 0], [-1, -1]], [[np.nan, np.nan], [0, np.nan], [2, 2]]], "float32")
    ours = layers.Masking(mark)(x)
    theirs = keras.layers.Masking(mark)(x)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(get_mask(ours), theirs._keras_mask)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_mark_that_half_precision_rounds_is_still_found(dtype):
    x = np.array([[[0.1, 0.1], [0.1, 0.2]]], "float32")
    y = layers.Masking(0.1, dtype=dtype)(x)
    assert get_mask(y).tolist() == [[False, True]] and y.dtype == jnp.dtype(dtype)


def test_masking_keeps_integers_and_reaches_the_layers_behind():
    y = layers.Masking(7)(np.array([[[7, 7], [1, 7]]]))
    assert y.dtype == jnp.int32 and y.tolist() == [[[0, 0], [1, 7]]]
    hidden = layers.Dense(2)(layers.Masking()(np.array([[[0.0], [1.0]]], "float32")))
    assert get_mask(hidden).tolist() == [[False, True]]


def test_masking_has_a_gradient_of_0_in_masked_steps():
    layer = layers.Masking()
    x = jnp.array([[[0.0, 0.0], [1.0, 0.0]]])
    gradient = jax.jit(jax.grad(lambda x: layer.apply({"params": {}}, x)[0].sum()))(x)
    assert gradient.tolist() == [[[0, 0], [1, 1]]]


def test_identity_keeps_masks_dtypes_and_sparseness():
    x = layers.Masking()(np.array([[[0.0], [1.0]]], "float32"))
    assert get_mask(layers.Identity()(x)).tolist() == [[False, True]]
    symbol = layers.Identity()(fkeras.KerasTensor((None, 3), "int8", sparse=True))
    assert (symbol.dtype, symbol.sparse, symbol.shape) == ("int8", True, (None, 3))
    assert layers.Identity()({"a": None, "b": X})["a"] is None


X = np.ones((2, 3), "float32")


class Halved(layers.Wrapper):
    def call(self, x):
        return self.layer(x) / 2

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


def test_a_wrapper_builds_its_layer_once():
    dense = layers.Dense(2)
    dense.build((None, 3))
    kernel = dense.kernel
    wrapper = Halved(dense)
    wrapper.build((None, 3))
    assert wrapper.layer.kernel is kernel and wrapper(fkeras.KerasTensor((None, 3))).shape == (
        None,
        2,
    )
    assert wrapper.count_params() == 8 and wrapper.trainable_weights == dense.trainable_weights
    wrapper.trainable = False
    assert dense.trainable_weights == [] and not dense.trainable


def test_wrappers_of_wrappers_survive_their_config():
    layer = Halved(Halved(layers.Dense(2, kernel_initializer="ones")))
    again = Halved.from_config(layer.get_config(), custom_objects={"Halved": Halved})
    np.testing.assert_allclose(again(X), np.full((2, 2), 0.75))


@pytest.mark.parametrize("thing", [None, "dense", layers.Dense, lambda x: x])
def test_what_is_no_layer_cannot_be_wrapped(thing):
    with pytest.raises(ValueError, match="isn't a supported layer type"):
        Halved(thing)
