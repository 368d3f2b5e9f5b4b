"""What the contract table cannot say: modes, masks and limits of the normalisation layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import layers

rng = np.random.default_rng(0)
X = rng.normal(2.0, 3.0, size=(4, 5, 3)).astype("float32")
MASK = np.array([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [1, 0, 1, 0, 1]], bool)


def test_a_frozen_batch_normalization_is_in_inference_mode_even_in_training():
    layer = layers.BatchNormalization()
    layer(X, training=True)
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_array_equal(layer(X, training=True), layer(X, training=False))
    for old, new in zip(before, layer.get_weights()):
        np.testing.assert_array_equal(old, new)
    assert layer.trainable_weights == []


def test_batch_normalization_keeps_kerass_order_of_weights():
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    assert [w.name for w in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [w.name for w in layer.non_trainable_weights] == ["moving_mean", "moving_variance"]


def test_moving_statistics_are_state_of_a_pure_call():
    layer = layers.BatchNormalization(momentum=0.9)
    variables = layer.init(jax.random.key(0), X.shape)
    _, state = layer.apply(variables, X, training=True)
    np.testing.assert_allclose(state["moving_mean"], 0.1 * X.mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(state["moving_variance"], 0.9 + 0.1 * X.var((0, 1)), rtol=1e-5)
    _, state = layer.apply(variables, X)
    np.testing.assert_array_equal(state["moving_mean"], np.zeros(3))


@pytest.mark.parametrize("options", [{}, {"renorm": True}], ids=str)
def test_masked_positions_do_not_count_in_batch_statistics(keras, options):
    ours, theirs = layers.BatchNormalization(**options), keras.layers.BatchNormalization(**options)
    np.testing.assert_allclose(
        ours(X, training=True, mask=jnp.asarray(MASK)),
        theirs(X, training=True, mask=MASK),
        rtol=1e-4,
        atol=1e-4,
    )
    for mine, other in zip(ours.weights, theirs.weights):
        np.testing.assert_allclose(mine, other.value, rtol=1e-5)
    garbage = np.where(MASK[..., None], X, np.nan).astype("float32")
    again = layers.BatchNormalization(**options)
    again(garbage, training=True, mask=jnp.asarray(MASK))
    np.testing.assert_allclose(again.moving_mean, ours.moving_mean, rtol=1e-5)


def test_a_batch_without_any_unmasked_position_gives_no_nan():
    layer = layers.BatchNormalization()
    y = layer(X, training=True, mask=jnp.zeros((4, 5), bool))
    assert np.isfinite(y).all() and np.isfinite(layer.moving_variance.numpy()).all()


def test_batch_normalization_warns_of_a_single_value_per_channel():
    layer = layers.BatchNormalization(name="norm")
    with pytest.warns(
        UserWarning, match="'norm' is trained on inputs of shape .1, 3., a single value per channel"
    ):
        layer(np.ones((1, 3), "float32"), training=True)
    layer(np.ones((1, 3), "float32"), training=False)
    layers.BatchNormalization()(np.ones((1, 4, 3), "float32"), training=True)


def test_statistics_of_half_precision_inputs_are_those_of_float32():
    layer = layers.BatchNormalization(dtype="float16", momentum=0.0)
    x = (1000.0 + 100.0 * rng.normal(size=(64, 3))).astype("float16")  # squares do not fit float16
    assert layer(x, training=True).dtype == jnp.float16
    np.testing.assert_allclose(layer.moving_mean, x.astype("float32").mean(0), rtol=1e-3)
    y = layers.LayerNormalization(dtype="mixed_float16")(x * 30)
    assert np.isfinite(y).all() and y.dtype == jnp.float16


def test_rms_normalization_takes_another_rank_than_it_was_built_for():
    layer = layers.RMSNormalization()
    layer.build((2, 3))
    y = layer(X)
    np.testing.assert_allclose(np.square(y).mean(-1), np.ones((4, 5)), rtol=1e-4)


def test_layer_normalization_with_rms_scaling_warns_once_and_equals_keras(keras):
    with pytest.warns(UserWarning, match="deprecated"):
        ours = layers.LayerNormalization(rms_scaling=True)
    with pytest.warns(UserWarning, match="deprecated"):
        theirs = keras.layers.LayerNormalization(rms_scaling=True)
    y = ours(X)
    with pytest.warns(UserWarning, match="deprecated"):
        expected = theirs(X)
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    assert [w.name for w in ours.weights] == ["gamma"]


# -- spectral normalisation ----------------------------------------------------


def test_spectral_normalization_gives_the_kernel_spectral_norm_1_and_leaves_it_as_it_is():
    layer = layers.SpectralNormalization(layers.Dense(4, use_bias=False), power_iterations=50)
    layer.build((None, 3))
    kernel = layer.layer.kernel.numpy()
    eye = np.eye(3, dtype="float32")
    np.testing.assert_allclose(layer(eye), kernel, rtol=1e-6)  # no singular vector is known yet
    normalised = layer(eye, training=True)
    np.testing.assert_allclose(np.linalg.svd(normalised)[1][0], 1.0, rtol=1e-4)
    np.testing.assert_array_equal(layer.layer.kernel, kernel)
    np.testing.assert_allclose(
        layer(eye), normalised, rtol=1e-4
    )  # inference sees what training saw
    assert [w.name for w in layer.weights] == ["kernel", "vector_u"]


def test_spectral_normalization_in_training_equals_keras(keras):
    ours = layers.SpectralNormalization(layers.Conv2D(3, 2), power_iterations=2)
    theirs = keras.layers.SpectralNormalization(keras.layers.Conv2D(3, 2), power_iterations=2)
    x = rng.normal(size=(2, 4, 4, 2)).astype("float32")
    theirs.build(x.shape)
    ours.build(x.shape)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    ours.set_weights([v.value for v in theirs.weights])
    trainable, rest = (
        [v.value for v in theirs.trainable_variables],
        [v.value for v in theirs.non_trainable_variables],
    )

    def loss_keras(trainable):
        return jnp.sum(theirs.stateless_call(trainable, rest, x, training=True)[0] ** 2)

    variables = ours.init(jax.random.key(0), x.shape)
    variables = {
        "params": {"kernel": trainable[0], "layer": {"bias": trainable[1]}},
        "state": {"vector_u": rest[0]},
    }

    def loss(params):
        return jnp.sum(ours.apply({**variables, "params": params}, x, training=True)[0] ** 2)

    value, gradient = jax.value_and_grad(loss)(variables["params"])
    expected, (by_kernel, by_bias) = jax.value_and_grad(loss_keras)(trainable)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient["kernel"], by_kernel, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(gradient["layer"]["bias"], by_bias, rtol=1e-4, atol=1e-4)


def test_spectral_normalization_of_zeros_does_nothing():
    layer = layers.SpectralNormalization(layers.Dense(4, kernel_initializer="zeros"))
    np.testing.assert_array_equal(
        layer(np.ones((2, 3), "float32"), training=True), np.zeros((2, 4))
    )


def test_unit_normalization_keeps_zeros_and_their_gradient_is_finite():
    layer = layers.UnitNormalization()
    x = jnp.zeros((2, 3))
    np.testing.assert_array_equal(layer(x), x)
    assert np.isfinite(jax.grad(lambda x: layer(x).sum())(x)).all()
