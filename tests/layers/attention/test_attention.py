"""Attention: against Keras with all kinds of masks, scores, groups of heads; what must not
happen.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

RNG = np.random.default_rng(0)
QUERY, VALUE, KEY = (RNG.normal(size=(2, n, 6)).astype("float32") for n in (4, 5, 5))
NARROW = RNG.normal(size=(2, 5, 3)).astype("float32")
GRID = RNG.normal(size=(2, 3, 2, 4)).astype("float32")
QUERY_MASK = np.array([[1, 1, 1, 0], [1, 0, 1, 1]], bool)
VALUE_MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1]], bool)
PADDING = np.array([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)  # a row of padding alone
PAIRS = RNG.random((2, 4, 5)) > 0.4
PAIRS_BY_HEAD = RNG.random((2, 2, 4, 5)) > 0.4
SCORES = {"return_attention_scores": True}
CAUSAL = {"use_causal_mask": True}

ROWS = {
    "heads": (lambda L: L.MultiHeadAttention(2, 3), (QUERY, VALUE), {}),
    "heads of other sizes": (
        lambda L: L.MultiHeadAttention(2, 3, value_dim=5, use_bias=False, output_shape=7),
        (QUERY, NARROW, KEY),
        SCORES,
    ),
    "heads causal": (lambda L: L.MultiHeadAttention(2, 3), (QUERY, VALUE), CAUSAL),
    "heads causal scores": (lambda L: L.MultiHeadAttention(2, 3), (QUERY, VALUE), CAUSAL | SCORES),
    "heads causal masked": (
        lambda L: L.MultiHeadAttention(2, 3),
        (QUERY, VALUE, KEY),
        CAUSAL | {"value_mask": VALUE_MASK, "attention_mask": PAIRS},
    ),
    "heads masked": (
        lambda L: L.MultiHeadAttention(2, 3),
        (QUERY, VALUE),
        {"value_mask": PADDING, "key_mask": VALUE_MASK},
    ),
    "heads masked scores": (
        lambda L: L.MultiHeadAttention(2, 3),
        (QUERY, VALUE),
        SCORES | {"value_mask": PADDING, "attention_mask": PAIRS},
    ),
    "heads masked by head": (
        lambda L: L.MultiHeadAttention(2, 3),
        (QUERY, VALUE),
        {"attention_mask": PAIRS_BY_HEAD},
    ),
    "heads with dropout at rest": (
        lambda L: L.MultiHeadAttention(2, 3, dropout=0.5),
        (QUERY, VALUE),
        {"value_mask": PADDING},
    ),
    "heads gated": (
        lambda L: L.MultiHeadAttention(2, 3, use_gate=True, sliding_window=2),
        (QUERY, VALUE),
        CAUSAL,
    ),
    "heads over a grid": (
        lambda L: L.MultiHeadAttention(2, 3, output_shape=(2, 3)),
        (GRID, GRID),
        SCORES,
    ),
    "heads over one axis": (
        lambda L: L.MultiHeadAttention(2, 3, attention_axes=2),
        (GRID, GRID),
        SCORES,
    ),
    "groups": (lambda L: L.GroupQueryAttention(3, 4, 2), (QUERY, VALUE), {}),
    "groups scores": (
        lambda L: L.GroupQueryAttention(3, 4, 2, use_bias=False),
        (QUERY, VALUE, KEY),
        SCORES | {"attention_mask": PAIRS},
    ),
    "groups causal": (
        lambda L: L.GroupQueryAttention(3, 4, 1, use_gate=True),
        (QUERY, VALUE),
        CAUSAL | {"value_mask": VALUE_MASK},
    ),
    "groups causal alone": (
        lambda L: L.GroupQueryAttention(3, 2, 2, dropout=0.3, sliding_window=3),
        (QUERY, VALUE),
        CAUSAL,
    ),
    "dot": (lambda L: L.Attention(), ([QUERY, VALUE],), SCORES),
    "dot scaled": (
        lambda L: L.Attention(use_scale=True),
        ([QUERY, VALUE, KEY],),
        CAUSAL | {"mask": [QUERY_MASK, VALUE_MASK]},
    ),
    "dot padding": (lambda L: L.Attention(), ([QUERY, VALUE],), {"mask": [None, PADDING]}),
    "concat": (
        lambda L: L.Attention(use_scale=True, score_mode="concat"),
        ([QUERY, VALUE],),
        {"mask": [QUERY_MASK, None]},
    ),
    "additive": (lambda L: L.AdditiveAttention(), ([QUERY, VALUE, KEY],), CAUSAL | SCORES),
    "additive without scale": (
        lambda L: L.AdditiveAttention(use_scale=False),
        ([QUERY, VALUE],),
        {"mask": [QUERY_MASK, VALUE_MASK]},
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_attention_computes_what_kerass_computes(same_as_keras, name):
    make, inputs, call = ROWS[name]
    _, outputs = same_as_keras(make, *inputs, **call)
    assert all(np.isfinite(y).all() for y in outputs)


def _config(layer):
    return json.loads(json.dumps(layers.serialize(layer)))


@pytest.mark.parametrize("name", ROWS)
def test_configs_and_symbolic_shapes_are_kerass(keras, name):
    make, inputs, call = ROWS[name]
    ours = make(layers)
    assert _config(layers.deserialize(_config(ours))) == _config(ours)
    theirs = keras.layers.deserialize(_config(ours))
    assert (
        _config(layers.deserialize(keras.layers.serialize(theirs)))["class_name"]
        == _config(ours)["class_name"]
    )
    flags = {k: v for k, v in call.items() if isinstance(v, bool)}
    free = lambda x: (
        [free(v) for v in x] if isinstance(x, list) else fkeras.KerasTensor((None, *x.shape[1:]))
    )
    symbolic = jax.tree.leaves(
        ours(*map(free, inputs), **flags), is_leaf=lambda t: isinstance(t, fkeras.KerasTensor)
    )
    arrays = jax.tree.leaves(ours(*inputs, **flags))
    assert [(y.shape[1:], y.dtype) for y in symbolic] == [(y.shape[1:], y.dtype) for y in arrays]
    assert all(y.shape[0] is None for y in symbolic)


def test_masks_that_the_inputs_carry_count_and_the_querys_goes_on(keras):
    ids = [np.array([[3, 1, 0, 0], [2, 4, 1, 0]]), np.array([[1, 2, 0], [0, 0, 0]])]

    def run(K):
        L = K.layers
        embed = L.Embedding(5, 6, mask_zero=True)
        attention = L.MultiHeadAttention(2, 3)
        query, value = embed(ids[0]), embed(ids[1])
        attention.build(query.shape, value.shape)
        rng = np.random.default_rng(7)
        for layer in (embed, attention):
            layer.set_weights([rng.normal(size=w.shape) for w in layer.weights])
        return attention(embed(ids[0]), embed(ids[1]))

    ours, theirs = run(fkeras), run(keras)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(ours._keras_mask, theirs._keras_mask)


def test_a_mask_stays_on_the_array_that_was_given():
    x = layers.Embedding(5, 6, mask_zero=True)(np.array([[1, 2, 0]]))
    layers.MultiHeadAttention(2, 3)(x, x)
    assert x._keras_mask.tolist() == [[True, True, False]]


def test_the_pure_form_is_the_objects_call_and_names_projections():
    layer = layers.MultiHeadAttention(2, 3)
    y = layer(QUERY, VALUE, use_causal_mask=True)
    variables = layer.init(layer.build_key, QUERY, VALUE)
    np.testing.assert_allclose(
        jax.jit(lambda v: layer.apply(v, QUERY, VALUE, use_causal_mask=True)[0])(variables),
        y,
        rtol=1e-5,
        atol=1e-6,
    )
    assert set(variables["params"]) == {"query_dense", "key_dense", "value_dense", "output_dense"}


def test_mixed_precision_is_kerass(same_as_keras):
    same_as_keras(
        lambda L: L.MultiHeadAttention(2, 3, dtype="mixed_bfloat16"), QUERY, VALUE, tolerance=0.15
    )


@pytest.mark.parametrize(
    "make, inputs",
    [
        (lambda: layers.MultiHeadAttention(2, 3, dropout=0.5), (QUERY, VALUE)),
        (lambda: layers.GroupQueryAttention(3, 4, 2, dropout=0.5), (QUERY, VALUE)),
        (lambda: layers.AdditiveAttention(dropout=0.5), ([QUERY, VALUE],)),
    ],
)
def test_dropout_acts_in_training_alone_and_not_on_the_shown_scores(make, inputs):
    layer = make()
    variables = layer.init(jax.random.key(0), *inputs)
    calm, seen = layer.apply(variables, *inputs, return_attention_scores=True)[0]
    runs = [
        layer.apply(variables, *inputs, training=True, rngs=jax.random.key(i))[0] for i in (1, 2)
    ]
    assert (
        float(jnp.abs(runs[0] - runs[1]).max()) > 1e-3
        and float(jnp.abs(runs[0] - calm).max()) > 1e-3
    )
    np.testing.assert_allclose(seen.sum(-1), np.ones(seen.shape[:-1]), rtol=1e-5)


def test_an_override_of_the_attention_between_heads_gets_the_causal_mask():
    seen_masks = []

    class Mine(layers.MultiHeadAttention):
        def _compute_attention(
            self,
            query,
            key,
            value,
            attention_mask=None,
            training=None,
            return_attention_scores=False,
        ):
            seen_masks.append(attention_mask)
            return super()._compute_attention(
                query, key, value, attention_mask, training, return_attention_scores
            )

    mine, plain = Mine(2, 3), layers.MultiHeadAttention(2, 3)
    y = mine(QUERY, VALUE, use_causal_mask=True)
    plain.build(QUERY.shape, VALUE.shape)
    plain.set_weights(mine.get_weights())
    np.testing.assert_allclose(plain(QUERY, VALUE, use_causal_mask=True), y, rtol=1e-5, atol=1e-6)
    assert seen_masks[0].shape == (1, 4, 5)
    assert mine._num_heads == 2 and mine._query_dense is mine.query_dense


def test_flash_attention_is_passed_on_and_refuses_what_it_cannot_do():
    with pytest.raises(UserInputError, match="Flash attention cannot be used"):
        layers.MultiHeadAttention(2, 8, flash_attention=True)(QUERY, VALUE)
    with pytest.raises(UserInputError, match="scores is not supported when flash"):
        layers.GroupQueryAttention(8, 2, 1, flash_attention=True)(
            QUERY, VALUE, return_attention_scores=True
        )
    with pytest.raises(UserInputError, match="Dropout is not supported when flash"):
        layers.MultiHeadAttention(2, 8, flash_attention=True, dropout=0.1)
    fkeras.config.enable_flash_attention()  # where it works
    assert layers.MultiHeadAttention(2, 8)(QUERY, VALUE).shape == QUERY.shape


MISTAKES = {
    "heads": (
        lambda: layers.MultiHeadAttention(0, 3),
        "`num_heads`.*a positive integer. Received: num_heads=0",
    ),
    "key_dim": (lambda: layers.MultiHeadAttention(2, 1.5), "key_dim=1.5"),
    "window": (
        lambda: layers.GroupQueryAttention(2, 2, 1, sliding_window=0),
        "`sliding_window` must be `None` or a positive integer",
    ),
    "axes": (lambda: layers.MultiHeadAttention(2, 2, attention_axes="1"), "attention_axes=1"),
    "groups": (
        lambda: layers.GroupQueryAttention(2, 3, 2),
        "divisible by `num_key_value_heads`. Received: num_query_heads=3",
    ),
    "lengths": (
        lambda: layers.MultiHeadAttention(2, 2)(QUERY, VALUE, QUERY),
        r"value_shape=\(2, 5, 6\) and key_shape=\(2, 4, 6\)",
    ),
    "widths": (
        lambda: layers.GroupQueryAttention(2, 2, 1)(fkeras.Input((4, 6)), fkeras.Input((5, 3))),
        "last dimension.*must be equal",
    ),
    "list": (lambda: layers.Attention()(QUERY), "must be called on a list of inputs"),
    "length": (lambda: layers.Attention()([QUERY]), "list of length 2 or 3"),
    "mask": (lambda: layers.Attention()([QUERY, VALUE], mask=VALUE_MASK), "mask must be a list"),
    "mode": (lambda: layers.Attention(score_mode="general"), "score_mode=general"),
    "rate": (lambda: layers.Attention(dropout=2), "between 0 and 1"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    make, message = MISTAKES[name]
    with pytest.raises(UserInputError, match=message):
        make()
