"""BatchNormalization: axes, moving statistics, renormalisation, freezing, half precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
X = rng.normal(2.0, 3.0, size=(6, 3)).astype("float32")


def statistics(x, axis=-1):
    axes = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    return x.mean(axes), x.var(axes)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((6, 3), -1), ((6, 3), 1), ((4, 5, 3), 1), ((4, 5, 3), -2), ((2, 3, 4, 2), 1), ((5,), 0)],
)
def test_each_channel_has_mean_0_and_variance_1_in_training(shape, axis):
    x = rng.normal(1.0, 2.0, size=shape).astype("float32")
    layer = layers.BatchNormalization(axis, epsilon=1e-6, momentum=0.0)
    if len(shape) == 1:
        with pytest.warns(UserWarning, match="a single value per channel"):
            y = np.asarray(layer(x, training=True))
        np.testing.assert_array_equal(y, np.zeros(shape))
        return
    y = np.asarray(layer(x, training=True))
    mean, variance = statistics(y, axis)
    np.testing.assert_allclose(mean, np.zeros_like(mean), atol=1e-5)
    np.testing.assert_allclose(variance, np.ones_like(mean), rtol=1e-4)
    for kept, expected in zip((layer.moving_mean, layer.moving_variance), statistics(x, axis)):
        np.testing.assert_allclose(kept, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99, 1.0])
def test_averages_move_by_their_momentum(momentum):
    layer = layers.BatchNormalization(momentum=momentum)
    expected_mean, expected_variance = np.zeros(3), np.ones(3)
    for scale in (1.0, 2.0):
        layer(scale * X, training=True)
        mean, variance = statistics(scale * X)
        expected_mean = momentum * expected_mean + (1 - momentum) * mean
        expected_variance = momentum * expected_variance + (1 - momentum) * variance
    np.testing.assert_allclose(layer.moving_mean, expected_mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, expected_variance, rtol=1e-5)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_inference_uses_the_averages(center, scale):
    layer = layers.BatchNormalization(
        epsilon=0.5,
        center=center,
        scale=scale,
        moving_mean_initializer=fkeras.initializers.Constant(2.0),
        moving_variance_initializer=fkeras.initializers.Constant(4.0),
        gamma_initializer=fkeras.initializers.Constant(3.0),
        beta_initializer=fkeras.initializers.Constant(-1.0),
    )
    expected = (X - 2) / np.sqrt(4.5)
    expected = expected * (3 if scale else 1) - (1 if center else 0)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5)
    names = ["gamma"] * scale + ["beta"] * center
    assert [w.name for w in layer.trainable_weights] == names
    assert [w.name for w in layer.non_trainable_weights] == ["moving_mean", "moving_variance"]


def test_a_frozen_layer_has_the_gradient_of_inference():
    layer = layers.BatchNormalization()
    variables = layer.init(jax.random.key(0), X)
    layer.trainable = False
    score = lambda x, training: (layer.apply(variables, x, training=training)[0] ** 3).sum()
    frozen, inference = jax.grad(score)(X, True), jax.grad(score)(X, False)
    np.testing.assert_array_equal(frozen, inference)
    layer.trainable = True
    assert not np.allclose(jax.grad(score)(X, True), inference)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_normalised_in_float32(keras, dtype):
    x = (500 + 100 * rng.normal(size=(16, 3))).astype("float32")
    ours = layers.BatchNormalization(dtype=dtype, momentum=0.5)
    theirs = keras.layers.BatchNormalization(dtype=dtype, momentum=0.5)
    y = ours(x, training=True)
    expected = theirs(x, training=True)
    assert str(y.dtype) == str(expected.dtype) == dtype.removeprefix("mixed_")
    np.testing.assert_allclose(
        np.asarray(y, "float32"), np.asarray(expected, "float32"), rtol=2e-2, atol=2e-2
    )
    assert [str(w.dtype) for w in ours.weights] == [str(w.dtype) for w in theirs.weights]
    for mine, other in zip(ours.weights, theirs.weights):
        np.testing.assert_allclose(
            np.asarray(mine.value, "float32"), np.asarray(other.value, "float32"), rtol=1e-2
        )


@pytest.mark.parametrize(
    "clipping",
    [None, {}, {"rmax": 1.2}, {"rmin": 0.9, "dmax": 0.1}, {"rmax": 1.0, "rmin": 1.0, "dmax": 0.0}],
    ids=str,
)
def test_renormalisation_over_several_batches_is_kerass(keras, clipping):
    options = {"renorm": True, "renorm_clipping": clipping, "renorm_momentum": 0.7, "momentum": 0.8}
    ours, theirs = (L.BatchNormalization(**options) for L in (layers, keras.layers))
    for step in range(3):
        x = (step + 1) * X
        np.testing.assert_allclose(
            ours(x, training=True), theirs(x, training=True), rtol=1e-4, atol=1e-4
        )
    for mine, other in zip(ours.weights, theirs.weights):
        np.testing.assert_allclose(mine, other.value, rtol=1e-4, atol=1e-5, err_msg=mine.name)
    np.testing.assert_allclose(ours(X), theirs(X), rtol=1e-4, atol=1e-5)


def test_bounds_of_no_correction_make_renormalisation_the_plain_one():
    options = {"renorm": True, "renorm_clipping": {"rmax": 1.0, "rmin": 1.0, "dmax": 0.0}}
    plain, bounded = layers.BatchNormalization(), layers.BatchNormalization(**options)
    np.testing.assert_allclose(
        bounded(X, training=True), plain(X, training=True), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("clipping", "message"),
    [
        ({"max": 1.0}, "invalid keys for `renorm_clipping`"),
        ({"rmax": 0.5, "rmin": 1.0}, "rmax should be greater than rmin"),
        ({"dmax": -1.0}, "dmax should be non-negative"),
    ],
)
def test_bounds_that_cannot_be_are_refused(clipping, message):
    with pytest.raises(ValueError, match=message):
        layers.BatchNormalization(renorm=True, renorm_clipping=clipping)
    layers.BatchNormalization(renorm=False, renorm_clipping=clipping)


def test_a_mask_of_all_positions_is_no_mask():
    x = rng.normal(size=(2, 4, 3)).astype("float32")
    plain, masked = layers.BatchNormalization(), layers.BatchNormalization()
    y = masked(x, training=True, mask=jnp.ones((2, 4), bool))
    np.testing.assert_allclose(y, plain(x, training=True), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="one dimension less than the inputs"):
        masked(x, training=True, mask=jnp.ones((2,), bool))


def test_a_mask_counts_in_inference_too_where_it_must_not():
    x = rng.normal(size=(2, 4, 3)).astype("float32")
    layer = layers.BatchNormalization()
    np.testing.assert_array_equal(layer(x, mask=jnp.zeros((2, 4), bool)), layer(x))


def test_gradients_of_masked_positions_are_finite_and_statistics_ignore_them():
    x = rng.normal(size=(2, 3, 2)).astype("float32")
    mask = jnp.array([[True, True, False], [True, False, False]])
    layer = layers.BatchNormalization()
    variables = layer.init(jax.random.key(0), x)

    def score(x):
        y = layer.apply(variables, x, training=True, mask=mask)[0]
        return (jnp.where(mask[..., None], y, 0) ** 3).sum()

    gradient = np.asarray(jax.grad(score)(jnp.asarray(x)))
    assert np.isfinite(gradient).all() and (gradient[~np.asarray(mask)] == 0).all()


def test_shapes_and_another_number_of_channels():
    layer = layers.BatchNormalization(axis=1)
    assert layer(fkeras.KerasTensor((None, 3, None, None))).shape == (None, 3, None, None)
    with pytest.raises(ValueError, match="expected axis 1 of input shape to have value 3"):
        layer(np.ones((2, 4, 5, 5), "float32"))
    with pytest.raises(ValueError, match=r"Axis 2 is out of bounds for input shape \(2, 3\)"):
        layers.BatchNormalization(axis=2).build((2, 3))
    with pytest.raises(ValueError, match="Leave it False"):
        layers.BatchNormalization(synchronized=True)


def test_a_pure_call_returns_the_state_and_leaves_the_object_alone():
    layer = layers.BatchNormalization(momentum=0.5)
    variables = layer.init(jax.random.key(0), X)
    step = jax.jit(lambda v, x: layer.apply(v, x, training=True))
    state = variables["state"]
    for _ in range(2):
        _, state = step({**variables, "state": state}, X)
    np.testing.assert_allclose(state["moving_mean"], 0.75 * X.mean(0), rtol=1e-5)
    layer(X)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.zeros(3))


@pytest.mark.parametrize("name", ["momentum", "renorm_momentum"])
@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_what_averages_keep_is_a_share(name, value):
    with pytest.raises(UserInputError, match=f"`{name}`.*in \\[0, 1\\]"):
        layers.BatchNormalization(**{name: value})
