"""Embedding and ReversibleEmbedding."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.layers.core.embedding import check_ids

RNG = np.random.default_rng(1)
IDS = np.array([[3, 1, 0], [2, 2, 4]])
VECTORS = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")


ROWS = {
    "plain": (lambda L: L.Embedding(5, 4), (IDS,), {}),
    "reversible": (lambda L: L.ReversibleEmbedding(5, 4), (IDS,), {}),
    "reversed": (
        lambda L: L.ReversibleEmbedding(5, 4, logit_soft_cap=2.0),
        (VECTORS,),
        {"reverse": True},
    ),
    "reversed untied": (
        lambda L: L.ReversibleEmbedding(5, 4, tie_weights=False, reverse_dtype="float32"),
        (VECTORS,),
        {"reverse": True},
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_and_scores_are_kerass(same_as_keras, keras, name):
    make, inputs, call = ROWS[name]
    ours, _ = same_as_keras(make, *inputs, **call)
    config = json.loads(json.dumps(layers.serialize(ours)))
    assert (
        layers.serialize(layers.deserialize(config))["config"] == layers.serialize(ours)["config"]
    )
    assert type(keras.layers.deserialize(config)).__name__ == type(ours).__name__
    symbol = ours(
        fkeras.KerasTensor((None, None, *inputs[0].shape[2:]), str(inputs[0].dtype)), **call
    )
    assert symbol.shape == (None, None, 5 if "reversed" in name else 4)


@pytest.mark.parametrize(
    "ids, message",
    [
        (
            [[0, 1], [7, 2]],
            r"'words' has input_dim=5.*ids must lie in \[0, 5\). Received: id 7 at position "
            r"\(1, 0\) \(1 of 4.*input_dim at least 8",
        ),
        ([[0, -1]], r"id -1 at position \(0, 1\).*Map the ids into that range"),
        ([[0.0, np.nan]], "id nan"),
    ],
)
def test_ids_outside_of_the_table_are_errors_where_they_are_known(ids, message):
    layer = layers.Embedding(5, 4, name="words")
    with pytest.raises(UserInputError, match=message):
        layer(np.array(ids))
    with pytest.raises(UserInputError, match=message):
        check_ids(np.array(ids), 5, "Embedding 'words'")
    with pytest.raises(UserInputError, match=message):
        layer.check_host_input(np.array(ids))


def test_ids_inside_pass_in_any_dtype():
    layer = layers.Embedding(5, 4)
    for dtype in ("int8", "uint8", "int64", "float32"):
        np.testing.assert_array_equal(layer(IDS.astype(dtype)), layer.embeddings.numpy()[IDS])
    assert layer(np.zeros((2, 0), int)).shape == (2, 0, 4)


def test_inside_jit_an_id_outside_of_the_table_gives_nan_and_no_gradient():
    layer = layers.Embedding(5, 4)
    variables = layer.init(jax.random.key(0), IDS)
    rows = jax.jit(layer.apply)(variables, jnp.array([[0, -1, 5]]))[0]
    assert np.isnan(rows).any(axis=-1).tolist() == [[False, True, True]]
    gradient = jax.jit(jax.grad(lambda v: jnp.sum(layer.apply(v, jnp.array([0, -1, 7]))[0])))(
        variables
    )["params"]["embeddings"]
    np.testing.assert_array_equal(gradient, np.eye(5)[:, :1].repeat(4, axis=1))


def test_zero_can_be_padding():
    layer = layers.Embedding(5, 4, mask_zero=True)
    assert layer(IDS)._keras_mask.tolist() == (IDS != 0).tolist()
    assert (
        layers.ReversibleEmbedding(5, 4, mask_zero=True)(IDS)._keras_mask.tolist()
        == (IDS != 0).tolist()
    )
    assert getattr(layers.Embedding(5, 4)(IDS), "_keras_mask", None) is None


def test_older_arguments_are_taken():
    table = np.arange(20, dtype="float32").reshape(5, 4)
    for weights in (table, [table]):
        np.testing.assert_array_equal(layers.Embedding(5, 4, weights=weights)(IDS), table[IDS])
    model = fkeras.Sequential(
        [layers.Embedding(5, 4, input_length=3), layers.Flatten(), layers.Dense(1)]
    )
    assert model.built and model.input_shape == (None, 3) and model(IDS).shape == (2, 1)


def test_rows_are_cast_to_the_compute_dtype():
    layer = layers.Embedding(5, 4, dtype="mixed_bfloat16")
    assert layer(IDS).dtype == jnp.bfloat16 and layer.embeddings.dtype == "float32"


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.Embedding(0, 4), "`input_dim` must be a positive integer"),
        (lambda: layers.Embedding(5, 2.5), r"output_dim=2.5 \(of type float\)"),
        (lambda: layers.Embedding(5, 4, lora_rank=True), "rank of adapters must be a positive"),
        (
            lambda: layers.Embedding(5, 4, quantization_config=object()),
            "`quantization_config` must be a `QuantizationConfig`",
        ),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(UserInputError, match=message):
        make()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 2), (0,), (2, 0)])
def test_ids_of_any_rank_are_looked_up(shape):
    layer = layers.Embedding(5, 4)
    ids = RNG.integers(0, 5, size=shape)
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
    vectors = RNG.normal(size=(2, 4)).astype(dtype)
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
    vectors = 1000 * RNG.normal(size=(2, 4)).astype("float32")
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


def test_fractions_are_no_ids():
    layer = layers.Embedding(5, 4)
    assert layer(np.array([[1.0, 4.0]])).shape == (1, 2, 4)
    with pytest.raises(ValueError, match=r"whole numbers. Received: 1.5 at position \(0, 1\)"):
        layer(np.array([[1.0, 1.5]]))
    with pytest.raises(ValueError, match="id nan at position"):
        layer(np.array([[1.0, np.nan]]))
