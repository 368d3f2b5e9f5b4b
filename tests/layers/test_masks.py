"""How masks pass through layers, and what a fully masked row gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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
