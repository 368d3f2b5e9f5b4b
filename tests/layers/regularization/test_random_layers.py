"""Dropouts and noises: gradients, seeds, shapes of noise, dtypes, modes, configs, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.layers.regularization.dropout import full_shape, keep

KEY = jax.random.key(0)
LAYERS = [
    (layers.Dropout, (4, 6)),
    (layers.SpatialDropout1D, (2, 3, 4)),
    (layers.SpatialDropout2D, (2, 3, 2, 4)),
    (layers.SpatialDropout3D, (2, 2, 3, 2, 4)),
    (layers.GaussianNoise, (4, 6)),
    (layers.GaussianDropout, (4, 6)),
    (layers.AlphaDropout, (4, 6)),
]
each = pytest.mark.parametrize(("cls", "shape"), LAYERS, ids=lambda v: getattr(v, "__name__", ""))


def run(layer, x, key=KEY, training=True):
    return layer.apply({"params": {}}, x, training=training, rngs=key)[0]


@each
def test_the_jitted_call_draws_what_the_plain_one_draws(cls, shape):
    layer = cls(0.5)
    x = jnp.ones(shape)
    jitted = jax.jit(lambda x, key: run(layer, x, key))(x, KEY)
    np.testing.assert_allclose(jitted, run(layer, x), rtol=1e-6)
    assert not np.array_equal(jitted, x)


@each
def test_the_gradient_is_that_of_the_same_draw(cls, shape):
    layer = cls(0.5)
    x = jax.random.normal(jax.random.key(1), shape)
    gradient = jax.grad(lambda x: run(layer, x).sum())(x)
    # All are affine in x for a fixed draw: the slope is the difference of two outputs.
    np.testing.assert_allclose(gradient, run(layer, x + 1) - run(layer, x), atol=1e-5)


@each
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_bfloat16"])
def test_noise_has_the_dtype_of_the_policy(cls, shape, dtype):
    y = run(cls(0.25, dtype=dtype), jnp.ones(shape))
    assert y.dtype == jnp.dtype(dtype.removeprefix("mixed_"))
    assert np.isfinite(np.asarray(y, "float32")).all()


@each
def test_an_eager_layer_with_a_seed_repeats_itself_from_the_start(cls, shape):
    x = np.ones(shape, "float32")
    first, second = cls(0.5, seed=3), cls(0.5, seed=3)
    draws = [np.asarray(first(x, training=True)) for _ in range(2)]
    assert not np.array_equal(*draws)
    np.testing.assert_array_equal(draws[0], second(x, training=True))
    np.testing.assert_array_equal(draws[1], second(x, training=True))


@each
def test_a_config_keeps_rate_and_seed(cls, shape):
    layer = cls(0.25, seed=7, name="noise")
    again = cls.from_config(layer.get_config())
    assert again.get_config() == layer.get_config() and again.name == "noise"
    assert again.seed == 7 and 0.25 in (
        getattr(again, "rate", None),
        getattr(again, "stddev", None),
    )


@each
def test_empty_batches_pass(cls, shape):
    assert run(cls(0.5), jnp.ones((0, *shape[1:]))).shape == (0, *shape[1:])


@each
def test_trainable_has_no_effect(cls, shape):
    layer = cls(0.5)
    layer.trainable = False
    assert not np.array_equal(run(layer, jnp.ones(shape)), np.ones(shape))


@pytest.mark.parametrize("training", [True, 1, np.True_])
def test_any_true_value_of_training_counts(training):
    y = layers.Dropout(0.5, seed=0)(np.ones((8, 8), "float32"), training=training)
    assert (np.asarray(y) == 0).any()


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(400, 50), (400, 51)], ids=["even", "odd"])
def test_a_fraction_of_values_stays(rate, shape):
    kept = keep(fkeras.random.SeedGenerator(1), rate, None, shape)
    assert kept.shape == shape and kept.dtype == bool
    deviation = np.sqrt(rate * (1 - rate) / kept.size)
    assert abs(float(kept.mean()) - (1 - rate)) <= 5 * deviation


@pytest.mark.parametrize(
    ("noise_shape", "shape", "expected"),
    [
        (None, (2, 3), (2, 3)),
        ((None, 1), (2, 3), (2, 1)),
        ((None, None), (2, 3), (2, 3)),
        ((2, 1, None), (2, 3, 4), (2, 1, 4)),
        (None, (), ()),
    ],
)
def test_none_in_a_noise_shape_is_the_inputs_size(noise_shape, shape, expected):
    assert full_shape(noise_shape, shape) == expected


@pytest.mark.parametrize("cls", [layers.Dropout, layers.AlphaDropout])
@pytest.mark.parametrize(
    ("noise_shape", "message"),
    [
        ("ab", "a tuple or list of integers"),
        (3, "a tuple or list of integers"),
        ((1.5, 2), "all elements to be integers or None. Received element at index 0: 1.5"),
        ((1, 0), "positive integers or None. Received negative or zero value at index 1: 0"),
    ],
)
def test_a_noise_shape_that_is_none_is_refused(cls, noise_shape, message):
    with pytest.raises(ValueError, match=message):
        cls(0.5, noise_shape=noise_shape)


def test_a_noise_shape_of_another_rank_is_refused_when_it_is_used():
    with pytest.raises(
        ValueError, match=r"one entry for each axis.*\(1, 2\), inputs of shape \(2, 3, 4\)"
    ):
        run(layers.Dropout(0.5, noise_shape=(1, 2)), jnp.ones((2, 3, 4)))


@pytest.mark.parametrize("rate", [-0.1, 1.1, np.nan, None, "0.5", True])
@pytest.mark.parametrize("cls", [layers.Dropout, layers.AlphaDropout, layers.GaussianDropout])
def test_a_rate_is_a_fraction(cls, rate):
    with pytest.raises(ValueError, match="Expected a float value between 0 and 1. Received: rate="):
        cls(rate)


@pytest.mark.parametrize("rate", [np.float32(0.5), np.array(0.5), 0, 1])
def test_numpy_numbers_are_rates(rate):
    assert layers.Dropout(rate).rate == rate


@pytest.mark.parametrize("stddev", [-0.1, 1.5, None, "0.1"])
def test_a_standard_deviation_is_between_0_and_1(stddev):
    with pytest.raises(ValueError, match=f"`stddev`.*Received: stddev={stddev}"):
        layers.GaussianNoise(stddev)


@pytest.mark.parametrize(
    ("cls", "rank"), [(layers.SpatialDropout1D, 3), (layers.SpatialDropout2D, 4)]
)
def test_spatial_dropout_takes_one_rank(cls, rank):
    with pytest.raises(ValueError, match=f"expected ndim={rank}, found ndim=2"):
        cls(0.5)(np.ones((2, 3), "float32"))


def test_alpha_dropout_puts_two_values_in_the_place_of_ones():
    rate, alpha = 0.25, 1.6732632423543772 * 1.0507009873554805
    scale = ((1 - rate) * (1 + rate * alpha**2)) ** -0.5
    y = np.unique(np.asarray(run(layers.AlphaDropout(rate), jnp.ones((20, 20)))))
    expected = sorted(scale * value + scale * alpha * rate for value in (-alpha, 1.0))
    np.testing.assert_allclose(y, expected, rtol=1e-5)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1), (0.3, 0.2)])
@pytest.mark.parametrize("shape", [(2, 3), (4, 2, 3), (5,)])
def test_activity_is_penalised_per_example(keras, l1, l2, shape):
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    layer = layers.ActivityRegularization(l1, l2)
    theirs = keras.layers.ActivityRegularization(l1, l2)
    np.testing.assert_array_equal(layer(x), x)
    theirs(x)
    expected = (l1 * np.abs(x).sum() + l2 * np.square(x).sum()) / shape[0]
    assert float(sum(layer.losses)) == pytest.approx(expected, rel=1e-5)
    assert float(sum(theirs.losses)) == pytest.approx(expected, rel=1e-5)
    again = layers.ActivityRegularization.from_config(layer.get_config())
    assert (again.l1, again.l2) == (l1, l2)


def test_activity_losses_come_out_of_a_pure_call():
    layer = layers.ActivityRegularization(l2=0.5)

    def penalty(x):
        _, _, losses = layer.apply({"params": {}}, x, return_losses=True)
        return sum(losses)

    x = jnp.array([[1.0, -2.0]])
    np.testing.assert_allclose(jax.jit(jax.grad(penalty))(x), x)
