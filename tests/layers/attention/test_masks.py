"""What a query may look at, against attention in NumPy; axes, precision, heads that share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

RNG = np.random.default_rng(0)
QUERY, VALUE = (RNG.normal(size=(2, n, 6)).astype("float32") for n in (4, 5))
GRID = RNG.normal(size=(2, 3, 4, 6)).astype("float32")
QUERY_MASK = np.array([[1, 1, 1, 0], [1, 0, 1, 1]], bool)
VALUE_MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1]], bool)
KEY_MASK = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 1, 0]], bool)
PAIRS = RNG.random((2, 4, 5)) > 0.3
NEAR = {"rtol": 1e-4, "atol": 1e-5}


def attend(layer, query, value, visible, groups=1):
    """(outputs, scores) of a layer over (batch, positions, features), from its weights."""
    weights = [np.asarray(w, "float64") for w in layer.get_weights()]
    (wq, bq), (wk, bk), (wv, bv), (wo, bo) = zip(weights[::2], weights[1::2])
    q = np.einsum("bqf,fhd->bhqd", query, wq) + bq[:, None]
    k = np.einsum("bkf,fhd->bhkd", value, wk) + bk[:, None]
    v = np.einsum("bkf,fhd->bhkd", value, wv) + bv[:, None]
    k, v = np.repeat(k, groups, axis=1), np.repeat(v, groups, axis=1)
    logits = np.einsum("bhqd,bhkd->bhqk", q, k) / np.sqrt(q.shape[-1])
    logits = np.where(visible, logits, -1e30)
    scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    return np.einsum("bhqk,bhkd,hdo->bqo", scores, v, wo) + bo, scores


def built(layer, query, value):
    layer.build(query.shape, value.shape)
    layer.set_weights([RNG.normal(size=w.shape) / 2 for w in layer.weights])
    return layer


def causal(queries, keys):
    return np.tril(np.ones((queries, keys), bool))


def near(queries, keys, window):
    return np.abs(np.arange(queries)[:, None] - np.arange(keys)) < window


# arguments of the layer, arguments of the call, what is visible: (batch or 1, heads or 1, 4, 5)
ROWS = {
    "nothing hidden": ({}, {}, np.ones((1, 1, 4, 5), bool)),
    "causal": ({}, {"use_causal_mask": True}, causal(4, 5)[None, None]),
    "window": ({"sliding_window": 2}, {}, near(4, 5, 2)[None, None]),
    "causal window": (
        {"sliding_window": np.int64(2)},
        {"use_causal_mask": True},
        (causal(4, 5) & near(4, 5, 2))[None, None],
    ),
    "value": ({}, {"value_mask": VALUE_MASK}, VALUE_MASK[:, None, None]),
    "value as numbers": ({}, {"value_mask": VALUE_MASK * 1.0}, VALUE_MASK[:, None, None]),
    "value and key": (
        {},
        {"value_mask": VALUE_MASK, "key_mask": KEY_MASK},
        (VALUE_MASK & KEY_MASK)[:, None, None],
    ),
    "pairs": ({}, {"attention_mask": PAIRS}, PAIRS[:, None]),
    "pairs of one": ({}, {"attention_mask": PAIRS[0] * 1}, PAIRS[None, :1]),
    "pairs of all heads": ({}, {"attention_mask": PAIRS[:, None]}, PAIRS[:, None]),
    "pairs by head, causal": (
        {},
        {"attention_mask": np.stack([PAIRS, ~PAIRS], 1), "use_causal_mask": True},
        np.stack([PAIRS, ~PAIRS], 1) & causal(4, 5),
    ),
    "all at once": (
        {"sliding_window": 3},
        {"attention_mask": PAIRS, "value_mask": VALUE_MASK, "use_causal_mask": True},
        (PAIRS & VALUE_MASK[:, None] & causal(4, 5) & near(4, 5, 3))[:, None],
    ),
}
LAYERS = {
    "heads": (lambda **options: layers.MultiHeadAttention(2, 3, **options), 1),
    "groups": (lambda **options: layers.GroupQueryAttention(3, 2, 1, **options), 2),
}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("name", ROWS)
def test_masks_hide_keys_from_queries(name, kind):
    options, call, visible = ROWS[name]
    make, groups = LAYERS[kind]
    layer = built(make(**options), QUERY, VALUE)
    seen = np.broadcast_to(visible, (2, 2, 4, 5))
    seen_something = seen.any(axis=-1)  # (batch, heads, queries)
    expected, expected_scores = attend(layer, QUERY, VALUE, visible, groups)
    fused = layer(QUERY, VALUE, **call)
    outputs, scores = layer(QUERY, VALUE, return_attention_scores=True, **call)
    rows = seen_something.all(axis=1)
    assert rows.any()
    np.testing.assert_allclose(np.asarray(fused)[rows], expected[rows], **NEAR)
    np.testing.assert_allclose(np.asarray(outputs)[rows], expected[rows], **NEAR)
    scores = np.asarray(scores)
    np.testing.assert_allclose(scores[seen_something], expected_scores[seen_something], **NEAR)
    assert np.isfinite(fused).all() and np.isfinite(outputs).all()


def test_an_explicit_query_mask_hides_all_keys_and_goes_on():
    layer = built(layers.MultiHeadAttention(2, 3), QUERY, VALUE)
    outputs, scores = layer(QUERY, VALUE, query_mask=QUERY_MASK, return_attention_scores=True)
    by_query = np.asarray(scores).transpose(0, 2, 1, 3)
    assert not by_query[~QUERY_MASK].any()
    np.testing.assert_allclose(by_query[QUERY_MASK].sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(outputs._keras_mask, QUERY_MASK)


@pytest.mark.parametrize("axis", [1, 2, -2, (2,)])
@pytest.mark.parametrize("window", [None, 2])
def test_attention_along_one_axis_of_a_grid_is_that_of_each_line(axis, window):
    layer = layers.MultiHeadAttention(2, 3, attention_axes=axis, sliding_window=window)
    lines = GRID.swapaxes(1, 2) if axis == 1 else GRID  # attention runs over axis 2
    layer.build(GRID.shape, GRID.shape)
    outputs, scores = layer(GRID, GRID, use_causal_mask=True, return_attention_scores=True)
    plain = layers.MultiHeadAttention(2, 3, sliding_window=window)
    flat = lines.reshape(-1, *lines.shape[2:])
    plain.build(flat.shape, flat.shape)
    plain.set_weights(layer.get_weights())
    expected, expected_scores = plain(
        flat, flat, use_causal_mask=True, return_attention_scores=True
    )
    expected = np.asarray(expected).reshape(lines.shape)
    np.testing.assert_allclose(outputs, expected.swapaxes(1, 2) if axis == 1 else expected, **NEAR)
    np.testing.assert_allclose(np.asarray(scores).reshape(expected_scores.shape), expected_scores)
    symbolic = fkeras.Input((3, 4, 6))
    spec = layer(symbolic, symbolic, return_attention_scores=True)[1]
    assert spec.shape[1:] == scores.shape[1:]


def test_masks_of_grids_cover_several_axes_of_attention():
    layer = layers.MultiHeadAttention(2, 3, attention_axes=(1, 2))
    mask = RNG.random((2, 3, 4)) > 0.4
    outputs = layer(GRID, GRID, value_mask=mask, query_mask=mask)
    flat, flat_mask = GRID.reshape(2, 12, 6), mask.reshape(2, 12)
    plain = layers.MultiHeadAttention(2, 3)
    plain.build(flat.shape, flat.shape)
    plain.set_weights(layer.get_weights())
    expected = plain(flat, flat, value_mask=flat_mask)
    found = np.asarray(outputs).reshape(2, 12, 6)
    np.testing.assert_allclose(found[flat_mask], np.asarray(expected)[flat_mask], **NEAR)


@pytest.mark.parametrize(
    "options, call, message",
    [
        ({}, {"use_causal_mask": True}, "`use_causal_mask` needs an order of positions"),
        ({"sliding_window": 2}, {}, "`sliding_window` needs an order of positions"),
        ({"attention_axes": 3}, {}, r"between the batch and the features, 1 to 2. Received: .*3"),
        ({"attention_axes": (1, -3)}, {}, "must be different axes"),
    ],
)
def test_axes_that_attention_cannot_run_over_are_named(options, call, message):
    with pytest.raises(UserInputError, match=message):
        layers.MultiHeadAttention(2, 3, **options)(GRID, GRID, **call)


def test_inputs_without_positions_are_named():
    with pytest.raises(UserInputError, match="takes inputs of rank 3 or more.*of rank 2"):
        layers.MultiHeadAttention(2, 3)(QUERY[:, 0], VALUE[:, 0])


# -- arguments -----------------------------------------------------------------


def test_sizes_may_be_numpys_numbers_and_come_back_as_pythons():
    layer = layers.MultiHeadAttention(
        np.int64(2), np.int32(3), value_dim=np.int64(4), output_shape=np.int64(5)
    )
    assert layer(QUERY, VALUE).shape == (2, 4, 5)
    config = layers.deserialize(layers.serialize(layer)).get_config()
    assert config["num_heads"] == 2 and config["output_shape"] == (5,)
    groups = layers.GroupQueryAttention(np.int64(3), np.int64(4), np.int64(2))
    assert type(groups.head_dim) is int and groups(QUERY, VALUE).shape == QUERY.shape


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.MultiHeadAttention(2, 3, value_dim=0), "a positive integer or `None`"),
        (lambda: layers.MultiHeadAttention(True, 3), "num_heads=True"),
        (lambda: layers.MultiHeadAttention(2, 3, output_shape=2.5), "output_shape=2.5"),
        (lambda: layers.MultiHeadAttention(2, 3, sliding_window=1.5), "sliding_window=1.5"),
        (lambda: layers.GroupQueryAttention(3, 2, 0), "num_key_value_heads=0"),
        (lambda: layers.AdditiveAttention(dropout=-1), "between 0 and 1"),
        (lambda: layers.Attention()([QUERY, VALUE], mask=[None]), "mask list of length 2 or 3"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(UserInputError, match=message):
        make()


@pytest.mark.parametrize("flash", [None, False])
def test_without_a_fused_kernel_flash_attention_changes_nothing(flash):
    layer = built(layers.MultiHeadAttention(2, 3, flash_attention=flash), QUERY, VALUE)
    expected, _ = attend(layer, QUERY, VALUE, np.ones((1, 1, 4, 5), bool))
    np.testing.assert_allclose(layer(QUERY, VALUE), expected, **NEAR)
    assert "flash_attention" not in layer.get_config()


def test_projections_share_settings_but_no_first_values():
    layer = layers.MultiHeadAttention(
        2,
        3,
        kernel_initializer=fkeras.initializers.GlorotUniform(seed=1),
        bias_constraint="non_neg",
    )
    layer.build(QUERY.shape, QUERY.shape)
    assert layer.query_dense.kernel_initializer is not layer.key_dense.kernel_initializer
    assert layer._query_dense is layer.query_dense and layer._output_dense is layer.output_dense
    assert layer._key_dense is layer.key_dense and layer._value_dense is layer.value_dense
    assert (layer._num_heads, layer._key_dim, layer._value_dim) == (2, 3, 3)
    assert layer._dropout == 0 and layer._use_bias is True
    assert layer._kernel_initializer is layer.kernel_initializer
    assert layer._bias_initializer is layer.bias_initializer
    assert layer.key_dense.bias_constraint is layer.bias_constraint


def test_a_plain_function_may_be_an_initializer():
    ones = lambda shape, dtype=None: jnp.ones(shape, dtype)
    layer = layers.MultiHeadAttention(1, 2, kernel_initializer=ones)
    layer.build(QUERY.shape, VALUE.shape)
    assert (np.asarray(layer.query_dense.kernel.value) == 1).all()


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "float16"])
@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: layers.MultiHeadAttention(2, 3, dtype=dtype),
        lambda dtype: layers.GroupQueryAttention(3, 2, 1, dtype=dtype),
    ],
)
def test_half_precision_stays_near_under_masks(make, dtype):
    exact = built(make("float32"), QUERY, VALUE)
    layer = make(dtype)
    layer.build(QUERY.shape, VALUE.shape)
    layer.set_weights(exact.get_weights())
    padding = np.array([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
    for mask in (VALUE_MASK, padding):
        outputs, scores = layer(QUERY, VALUE, value_mask=mask, return_attention_scores=True)
        expected, expected_scores = exact(
            QUERY, VALUE, value_mask=mask, return_attention_scores=True
        )
        assert str(outputs.dtype) == str(scores.dtype) == dtype.removeprefix("mixed_")
        np.testing.assert_allclose(np.asarray(outputs, "float32"), expected, atol=0.1)
        np.testing.assert_allclose(np.asarray(scores, "float32"), expected_scores, atol=0.02)


def test_the_pure_form_maps_over_a_batch_and_differentiates():
    layer = layers.MultiHeadAttention(2, 3)
    layer.build(QUERY.shape, VALUE.shape)
    variables = layer.init(layer.build_key, QUERY, VALUE)
    one = lambda query, value: layer.apply(
        variables, query[None], value[None], use_causal_mask=True
    )[0][0]
    mapped = jax.jit(jax.vmap(one))(QUERY, VALUE)
    expected = layer(QUERY, VALUE, use_causal_mask=True)
    np.testing.assert_allclose(mapped, expected, **NEAR)
    gradient = jax.grad(lambda value: jnp.sum(one(QUERY[0], value)[:2]))(jnp.asarray(VALUE[0]))
    assert np.asarray(gradient)[:2].any() and not np.asarray(gradient)[2:].any()


# -- without heads ----------------------------------------------------------------


@pytest.mark.parametrize("use_causal_mask", [False, True])
@pytest.mark.parametrize("mode", ["dot", "concat", "additive"])
def test_attention_without_heads_is_a_mean_of_values(mode, use_causal_mask):
    if mode == "additive":
        layer = layers.AdditiveAttention(use_scale=False)
    else:
        layer = layers.Attention(score_mode=mode)
    mask = [QUERY_MASK, VALUE_MASK]
    outputs, scores = layer(
        [QUERY, VALUE], mask=mask, return_attention_scores=True, use_causal_mask=use_causal_mask
    )
    if mode == "dot":
        logits = QUERY @ VALUE.swapaxes(1, 2)
    else:
        logits = np.tanh(QUERY[:, :, None] + VALUE[:, None]).sum(axis=-1)
    visible = VALUE_MASK[:, None] & (causal(4, 5) if use_causal_mask else True)
    exponentials = np.exp(logits) * visible
    rows = visible.any(axis=-1) & np.ones((2, 4), bool)
    expected = exponentials[rows] / exponentials[rows].sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(np.asarray(scores)[rows], expected, **NEAR)
    means = np.einsum("bqk,bkf->bqf", scores, VALUE) * QUERY_MASK[..., None]
    np.testing.assert_allclose(outputs, means, **NEAR)
    np.testing.assert_array_equal(layer.compute_mask([QUERY, VALUE], mask), QUERY_MASK)
    assert layer.compute_mask([QUERY, VALUE], [None, VALUE_MASK]) is None
    assert layer.supports_masking
