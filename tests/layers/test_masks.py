"""How masks pass through layers, and what a fully masked row gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core.values.masks import get_mask, set_mask

rng = np.random.default_rng(0)
MASK = jnp.array([[True, True, False], [False, False, False]])


def masked(values=None, mask=MASK):
    x = jnp.asarray(rng.normal(size=(2, 3, 4)) if values is None else values, "float32") + 0
    set_mask(x, mask)
    return x


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_average_pooling_counts_unmasked_steps_and_gives_0_without_any(first, keepdims):
    layer = layers.GlobalAveragePooling1D("channels_first" if first else "channels_last", keepdims)
    x = np.asarray(masked())
    y = layer(np.swapaxes(x, 1, 2) if first else x, mask=MASK)
    expected = np.stack([x[0, :2].mean(0), np.zeros(4)])
    np.testing.assert_allclose(
        np.squeeze(y, (2 if first else 1)) if keepdims else y, expected, rtol=1e-6
    )


def test_a_fully_masked_row_has_a_finite_gradient_and_changes_no_other():
    layer = layers.GlobalAveragePooling1D()
    x = np.asarray(masked())

    def loss(x, mask):
        return jnp.sum(layer(x, mask=mask) ** 2)

    both, alone = jax.grad(loss)(x, MASK), jax.grad(loss)(x[:1], MASK[:1])
    assert np.isfinite(both).all() and (both[1] == 0).all()
    np.testing.assert_allclose(both[:1], alone)


def test_softmax_of_a_fully_masked_row_is_0_with_a_finite_gradient():
    layer, x = layers.Softmax(), jnp.asarray(rng.normal(size=(2, 3)), "float32")
    y = layer(x, mask=MASK)
    np.testing.assert_allclose(y.sum(-1), [1, 0], atol=1e-6)
    np.testing.assert_allclose(y[0, :2], jax.nn.softmax(x[0, :2]), rtol=1e-6)
    assert np.isfinite(jax.grad(lambda x: jnp.sum(layer(x, mask=MASK) ** 2))(x)).all()
    np.testing.assert_array_equal(
        layer(x.astype("float16"), mask=MASK.astype("float32"))[1], np.zeros(3)
    )


def test_softmax_names_a_mask_that_does_not_fit():
    with pytest.raises(ValueError, match="must not have more dimensions"):
        layers.Softmax()(jnp.ones((2, 3)), mask=jnp.ones((1, 2, 3), bool))
    with pytest.raises(ValueError, match="must be 1 or match"):
        layers.Softmax()(jnp.ones((2, 3)), mask=jnp.ones((2, 2), bool))


@pytest.mark.parametrize(
    "layer",
    [
        layers.Activation("relu"),
        layers.ReLU(),
        layers.Dropout(0.5),
        layers.LayerNormalization(),
        layers.BatchNormalization(),
        layers.Identity(),
        layers.GaussianNoise(0.1),
        layers.Dense(2),
        layers.UnitNormalization(),
        layers.GroupNormalization(2),
        layers.PReLU(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_that_works_step_by_step_passes_the_mask_on(layer):
    assert layer.supports_masking
    np.testing.assert_array_equal(get_mask(layer(masked())), MASK)


def test_a_convolution_warns_that_the_mask_ends_there():
    with pytest.warns(
        UserWarning, match="'conv' .*does not support masking and will therefore destroy the mask"
    ):
        y = layers.Conv1D(2, 2, name="conv")(masked())
    assert get_mask(y) is None
    assert get_mask(layers.GlobalAveragePooling1D()(masked())) is None


OTHER = jnp.array([[True, False, False], [True, True, False]])


@pytest.mark.parametrize(
    "name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]
)
@pytest.mark.parametrize(
    "masks", [(MASK, OTHER), (MASK, None), (None, OTHER)], ids=["both", "first", "second"]
)
def test_merging_layers_treat_masked_values_as_keras_does(keras, name, masks):
    values = [rng.normal(size=(2, 3, 4)).astype("float32") for _ in range(2)]
    ours = getattr(layers, name)()([masked(v, m) for v, m in zip(values, masks)])
    theirs = []
    for value, mask in zip(values, masks):
        x = keras.ops.convert_to_tensor(value) + 0
        if mask is not None:
            x._keras_mask = mask
        theirs.append(x)
    expected = getattr(keras.layers, name)()(theirs)
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
    mask = getattr(expected, "_keras_mask", None)
    if mask is None:
        assert get_mask(ours) is None
    else:
        np.testing.assert_array_equal(get_mask(ours), mask)


def test_masks_travel_under_jit():
    layer = layers.Maximum()
    x, y = np.asarray(masked()), np.asarray(masked())

    @jax.jit
    def run(x, y):
        set_mask(x, MASK)
        set_mask(y, OTHER)
        out = layer([x, y])
        return out, get_mask(out)

    eager = layer([masked(x), masked(y, OTHER)])
    out, mask = run(x, y)
    np.testing.assert_array_equal(out, eager)
    np.testing.assert_array_equal(mask, get_mask(eager))


def test_a_pure_call_knows_of_masks_that_it_is_given_alone():
    layer = layers.Maximum()
    x, y = masked(), masked(mask=OTHER)
    expected = layer([masked(x), masked(y, OTHER)])
    plain, _ = layer.apply({"params": {}}, [x, y])
    np.testing.assert_array_equal(plain, np.maximum(x, y))
    assert get_mask(plain) is None and get_mask(x) is not None
    out, _, mask = layer.apply({"params": {}}, [x, y], mask=[MASK, OTHER], return_mask=True)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(mask, get_mask(expected))
    assert get_mask(out) is None


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_masked_means_of_half_precision_neither_overflow_nor_lose_steps(dtype):
    layer = layers.GlobalAveragePooling1D(dtype=dtype)
    for steps, value in ((4097, 1.0), (8, 30000.0)):
        x = jnp.full((1, steps, 1), value, dtype)
        mask = np.arange(steps)[None] < steps - 1
        y = layer(x, mask=mask)
        assert y.dtype == dtype
        np.testing.assert_allclose(y.astype("float32"), value, rtol=1e-2)


# The last step of the first row is padding, and so are the last two of the second.
STEPS = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
SEQUENCES = np.random.default_rng(1).normal(size=(2, 4, 3)).astype("float32") * STEPS[..., None]

BACKWARD = {
    "SimpleRNN": lambda **k: layers.SimpleRNN(2, **k),
    "LSTM": lambda **k: layers.LSTM(2, **k),
    "GRU": lambda **k: layers.GRU(2, **k),
    "RNN": lambda **k: layers.RNN(layers.GRUCell(2), **k),
    "stacked": lambda **k: layers.RNN([layers.GRUCell(2), layers.LSTMCell(3)], **k),
}


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("name", BACKWARD)
def test_going_backwards_turns_the_mask_round(name, unroll):
    layer = BACKWARD[name](return_sequences=True, go_backwards=True, unroll=unroll)
    y = layer(layers.Masking()(SEQUENCES))
    np.testing.assert_array_equal(y._keras_mask, STEPS[:, ::-1])
    mean = layers.GlobalAveragePooling1D()(y)
    for row, length in enumerate((3, 2)):  # as without the padding
        alone = np.asarray(layer(SEQUENCES[row : row + 1, :length])).mean(axis=1)
        np.testing.assert_allclose(mean[row : row + 1], alone, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("merge_mode", ["concat", "sum", None])
@pytest.mark.parametrize("backwards", [False, True])
def test_both_directions_come_in_the_order_of_the_first(merge_mode, backwards):
    first = layers.GRU(2, return_sequences=True, go_backwards=backwards)
    second = layers.GRU(2, return_sequences=True, go_backwards=not backwards)
    both = layers.Bidirectional(first, merge_mode=merge_mode, backward_layer=second)
    outputs = both(layers.Masking()(SEQUENCES))
    expected = STEPS[:, ::-1] if backwards else STEPS
    for y in outputs if merge_mode is None else [outputs]:
        np.testing.assert_array_equal(y._keras_mask, expected)


def test_masked_images_turn_round_too():
    layer = layers.ConvLSTM1D(2, 2, return_sequences=True, go_backwards=True)
    x = np.ones((2, 4, 3, 1), "float32")
    x[~STEPS] = 0
    y = layer(x, mask=STEPS)
    np.testing.assert_array_equal(layer.compute_mask(x, STEPS), STEPS[:, ::-1])
    assert y._keras_mask is not None


# Three sentences of four words in a batch of two: which words there are, and which sentences.
WORDS = np.array(
    [[[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], [[1, 1, 1, 1], [0] * 4, [0] * 4]], bool
)
SENTENCES = WORDS.any(-1)
TEXTS = np.random.default_rng(2).normal(size=(2, 3, 4, 5)).astype("float32")

# layer -> what its outputs are masked by, where words are masked
AT_EACH_STEP = {
    "LSTM": (lambda: layers.LSTM(2), SENTENCES),
    "LSTM of sequences": (lambda: layers.LSTM(2, return_sequences=True), WORDS),
    "backward LSTM": (
        lambda: layers.LSTM(2, return_sequences=True, go_backwards=True),
        WORDS[..., ::-1],
    ),
    "Bidirectional": (lambda: layers.Bidirectional(layers.LSTM(2)), SENTENCES),
    "Dense": (lambda: layers.Dense(2), WORDS),
    "GlobalAveragePooling1D": (layers.GlobalAveragePooling1D, SENTENCES),
    "Flatten": (layers.Flatten, SENTENCES),
    "Sequential": (lambda: fkeras.Sequential([layers.Dense(2), layers.GRU(2)]), SENTENCES),
    "with state": (
        lambda: fkeras.Sequential([layers.BatchNormalization(), layers.Dense(2)]),
        WORDS,
    ),
}


@pytest.mark.parametrize("name", AT_EACH_STEP)
def test_masks_of_steps_and_of_what_is_inside_of_them(name):
    make, expected = AT_EACH_STEP[name]
    layer = layers.TimeDistributed(make())
    np.testing.assert_array_equal(layer(TEXTS, mask=WORDS)._keras_mask, expected)
    np.testing.assert_array_equal(layer(TEXTS, mask=SENTENCES)._keras_mask, SENTENCES)
    assert getattr(layer(TEXTS), "_keras_mask", None) is None


def test_masks_that_are_made_inside_of_steps_come_out():
    ids = WORDS.astype("int32")
    layer = layers.TimeDistributed(layers.Embedding(2, 3, mask_zero=True))
    np.testing.assert_array_equal(layer(ids)._keras_mask, WORDS)
    first = np.array([[1, 0, 0], [1, 1, 0]], bool)
    np.testing.assert_array_equal(layer(ids, mask=first)._keras_mask, WORDS & first[..., None])
    # A whole text: words, then sentences, as if the padding were not there.
    words, sentences = layers.TimeDistributed(layers.LSTM(2)), layers.LSTM(3)
    got = sentences(words(layer(ids)))
    alone = sentences(words(layer(ids[1:, :1])))
    np.testing.assert_allclose(got[1:], alone, rtol=1e-4, atol=1e-6)
