"""Layers that draw random numbers in training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

ONES = jnp.ones((200, 100))


def draw(layer, x=ONES, seed=0):
    return layer.apply({"params": {}}, x, training=True, rngs=jax.random.key(seed))[0]


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("width", [100, 99])
def test_dropout_drops_its_share_and_keeps_the_mean(rate, width):
    y = draw(layers.Dropout(rate), jnp.ones((200, width)))
    assert abs(float((y == 0).mean()) - rate) < 0.02
    np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - rate)], rtol=1e-6)


def test_each_call_and_each_layer_draws_anew_and_a_key_repeats():
    layer = layers.Dropout(0.5)
    np.testing.assert_array_equal(draw(layer), draw(layer))
    assert not np.array_equal(draw(layer), draw(layer, seed=1))
    eager = layers.Dropout(0.5, seed=7)
    assert not np.array_equal(eager(ONES, training=True), eager(ONES, training=True))
    np.testing.assert_array_equal(
        layers.Dropout(0.5, seed=7)(ONES, training=True),
        layers.Dropout(0.5, seed=7)(ONES, training=True),
    )


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dropout(0.5),
        layers.SpatialDropout1D(0.5),
        layers.GaussianNoise(0.5),
        layers.GaussianDropout(0.5),
        layers.AlphaDropout(0.5),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_nothing_happens_in_inference_and_a_key_is_asked_for_in_training(layer):
    x = jnp.ones((2, 3, 4))
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer.apply({"params": {}}, x)[0], x)
    with pytest.raises(ValueError, match="rngs="):
        layer.apply({"params": {}}, x, training=True)
    gradient = jax.grad(
        lambda x: layer.apply({"params": {}}, x, training=True, rngs=jax.random.key(0))[0].sum()
    )(x)
    assert np.isfinite(gradient).all()


def test_a_rate_of_1_drops_all_and_its_gradient_is_0():
    for layer in (layers.Dropout(1.0), layers.AlphaDropout(1.0), layers.SpatialDropout1D(1)):
        x = jnp.ones((2, 3, 4))
        np.testing.assert_array_equal(draw(layer, x), jnp.zeros_like(x))
        np.testing.assert_array_equal(
            jax.grad(lambda x, layer=layer: draw(layer, x).sum())(x), jnp.zeros_like(x)
        )


def test_a_rate_of_0_owns_no_generator():
    layer = layers.Dropout(0)
    assert not hasattr(layer, "seed_generator") and layer.variables == []
    np.testing.assert_array_equal(layer(ONES, training=True), ONES)
    assert len(layers.Dropout(0.1).variables) == 1 and layers.Dropout(0.1).weights == []


def test_noise_shapes_share_decisions():
    x = jnp.ones((6, 5, 4))
    y = draw(layers.Dropout(0.5, noise_shape=(None, 1, None)), x)
    assert (y == y[:, :1]).all() and len(np.unique(y)) == 2
    y = draw(layers.AlphaDropout(0.5, noise_shape=(6, 1, 1)), x)
    assert (y == y[:, :1, :1]).all() and len(np.unique(y)) == 2


@pytest.mark.parametrize(
    ("cls", "shape", "axes"),
    [
        (layers.SpatialDropout1D, (8, 3, 6), (1,)),
        (layers.SpatialDropout2D, (8, 3, 2, 6), (1, 2)),
        (layers.SpatialDropout3D, (8, 3, 2, 2, 6), (1, 2, 3)),
    ],
)
def test_spatial_dropout_drops_whole_channels(cls, shape, axes):
    y = np.asarray(draw(cls(0.5), jnp.ones(shape)))
    assert (y == y.max(axes, keepdims=True)).all()
    assert set(np.unique(y)) == {0.0, 2.0}
    if len(axes) > 1:
        first = np.asarray(
            draw(cls(0.5, data_format="channels_first"), jnp.ones(np.moveaxis(y, -1, 1).shape))
        )
        assert (first == first.max(tuple(a + 1 for a in axes), keepdims=True)).all()


def test_noise_has_its_standard_deviation():
    assert abs(float(draw(layers.GaussianNoise(0.3)).std()) - 0.3) < 0.01
    y = draw(layers.GaussianDropout(0.3))
    assert abs(float(y.std()) - np.sqrt(0.3 / 0.7)) < 0.01 and abs(float(y.mean()) - 1) < 0.01


def test_alpha_dropout_keeps_mean_and_variance():
    x = jax.random.normal(jax.random.key(3), (400, 200))
    y = draw(layers.AlphaDropout(0.2), x)
    assert abs(float(y.mean())) < 0.02 and abs(float(y.std()) - 1) < 0.02


def test_half_precision_stays_half_precision():
    for layer in (
        layers.Dropout(0.5),
        layers.GaussianNoise(0.5),
        layers.GaussianDropout(0.5),
        layers.AlphaDropout(0.5),
    ):
        layer = type(layer)(0.5, dtype="bfloat16")
        assert draw(layer).dtype == jnp.bfloat16


def test_activity_regularization_adds_to_the_loss(keras):
    x = np.array([[1.0, -2.0]], "float32")
    layer = layers.ActivityRegularization(l1=0.1, l2=0.2)
    np.testing.assert_array_equal(layer(x), x)
    assert float(sum(layer.losses)) == pytest.approx(0.1 * 3 + 0.2 * 5)
    theirs = keras.layers.ActivityRegularization(l1=0.1, l2=0.2)
    theirs(x)
    assert float(sum(layer.losses)) == pytest.approx(float(sum(theirs.losses)))


def test_dropout_in_a_model_follows_training():
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dropout(0.5, seed=1)])
    x = np.ones((3, 4), "float32")
    np.testing.assert_array_equal(model(x), x)
    assert (np.asarray(model(x, training=True)) == 0).any()
