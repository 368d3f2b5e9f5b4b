"""What samples are like: mean, variance, support and dtype of each distribution; seeds and keys."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import random
from fkeras.errors import UserInputError

COUNT = 20000

# call (shape and seed come after), mean, variance, lowest and highest value
DISTRIBUTIONS = {
    "normal": (lambda **k: random.normal((COUNT,), 2.0, 3.0, **k), 2, 9, -np.inf, np.inf),
    "truncated_normal": (
        lambda **k: random.truncated_normal((COUNT,), 1.0, 0.5, **k),
        1,
        0.25 * 0.774,  # the variance of a standard normal cut at 2
        0,
        2,
    ),
    "uniform": (lambda **k: random.uniform((COUNT,), -1.0, 3.0, **k), 1, 16 / 12, -1, 3),
    "gamma": (lambda **k: random.gamma((COUNT,), 2.5, **k), 2.5, 2.5, 0, np.inf),
    "beta": (lambda **k: random.beta((COUNT,), 2.0, 3.0, **k), 0.4, 0.04, 0, 1),
    "binomial": (lambda **k: random.binomial((COUNT,), 10, 0.3, **k), 3, 2.1, 0, 10),
    "randint": (lambda **k: random.randint((COUNT,), -2, 4, **k), 0.5, 35 / 12, -2, 3),
    "categorical": (
        lambda **k: random.categorical(np.log([[0.2, 0.3, 0.5]]), COUNT, **k),
        1.3,
        0.61,
        0,
        2,
    ),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_samples_have_their_mean_variance_and_support(name):
    draw, mean, variance, lowest, highest = DISTRIBUTIONS[name]
    x = np.asarray(draw(seed=11), "float64")
    error = 5 * (variance / COUNT) ** 0.5  # five standard errors
    np.testing.assert_allclose(x.mean(), mean, atol=error)
    np.testing.assert_allclose(x.var(), variance, rtol=0.06)
    assert lowest <= x.min() and x.max() <= highest


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_an_int_seed_repeats_and_another_does_not(name):
    draw = DISTRIBUTIONS[name][0]
    first = np.asarray(draw(seed=1))
    np.testing.assert_array_equal(first, draw(seed=1))
    assert (first != np.asarray(draw(seed=2))).mean() > 0.3
    generator = random.SeedGenerator(1)
    assert (np.asarray(draw(seed=generator)) != np.asarray(draw(seed=generator))).mean() > 0.3


def test_categories_come_as_often_as_their_logits_say():
    drawn = random.categorical(np.log([[0.1, 0.6, 0.3], [0.5, 0.5, 1e-9]]), COUNT, seed=5)
    assert drawn.shape == (2, COUNT) and drawn.dtype == "int32"
    shares = np.stack([np.bincount(row, minlength=3) for row in np.asarray(drawn)]) / COUNT
    np.testing.assert_allclose(shares, [[0.1, 0.6, 0.3], [0.5, 0.5, 0]], atol=0.02)


def test_parameters_broadcast_to_the_shape():
    spread = random.normal((COUNT, 2), mean=[0.0, 5.0], stddev=[1.0, 0.1], seed=3)
    np.testing.assert_allclose(np.mean(spread, 0), [0, 5], atol=0.04)
    np.testing.assert_allclose(np.std(spread, 0), [1, 0.1], rtol=0.05)
    ends = random.uniform((COUNT, 2), [0.0, 5.0], [1.0, 6.0], seed=3)
    np.testing.assert_array_equal(np.floor(np.asarray(ends)), [[0, 5]] * COUNT)
    integers = random.randint((COUNT, 2), [0, 10], [2, 13], seed=3)
    assert np.min(integers, 0).tolist() == [0, 10] and np.max(integers, 0).tolist() == [1, 12]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", ["normal", "uniform", "truncated_normal", "gamma", "beta"])
def test_samples_have_the_dtype_that_was_asked_for(name, dtype):
    out = DISTRIBUTIONS[name][0](seed=1, dtype=dtype)
    assert out.dtype == dtype
    assert np.isfinite(np.asarray(out, "float32")).all()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32"])
def test_integers_reach_both_ends_of_their_range(dtype):
    drawn = random.randint((5000,), 0, 3, dtype=dtype, seed=1)
    assert drawn.dtype == dtype and set(np.unique(drawn)) == {0, 1, 2}
    if dtype == "int8":
        whole = random.randint((5000,), -128, 128, dtype=dtype, seed=1)
        assert (int(whole.min()), int(whole.max())) == (-128, 127)


@pytest.mark.parametrize("shape", [(), 3, [2, 3], (0, 4)], ids=str)
def test_a_shape_may_be_an_int_a_list_or_empty(shape):
    expected = (shape,) if isinstance(shape, int) else tuple(shape)
    assert random.normal(shape, seed=1).shape == expected
    assert random.randint(shape, 0, 9, seed=1).shape == expected


def test_a_shuffle_keeps_the_values_of_each_line():
    x = np.arange(200).reshape(50, 4)
    for axis in (0, 1, -1):
        y = np.asarray(random.shuffle(x, axis, seed=1))
        np.testing.assert_array_equal(np.sort(y, axis), np.sort(x, axis))
        assert (y != x).any()


def test_gradients_pass_through_the_parameters():
    """Samples of the normal distribution are mean + stddev * noise."""
    noise = random.normal((5,), seed=4)
    by_mean, by_spread = jax.grad(
        lambda m, s: jnp.sum(random.normal((5,), m, s, seed=4)), argnums=(0, 1)
    )(1.0, 2.0)
    np.testing.assert_allclose([by_mean, by_spread], [5, noise.sum()], rtol=1e-5)


@pytest.mark.parametrize("noise_shape", [(4, 1), (None, 1), (1, 3), (1,), (3,)], ids=str)
def test_dropout_decides_once_along_an_axis_of_one(noise_shape):
    x = np.ones((4, 3), "float32")
    whole = (1,) * (2 - len(noise_shape)) + noise_shape
    outcomes = [np.asarray(random.dropout(x, 0.5, noise_shape, seed=i)) for i in range(8)]
    for axis, size in enumerate(whole):
        if size == 1:
            assert all((y == y.take([0], axis)).all() for y in outcomes)
    assert {float(v) for y in outcomes for v in y.ravel()} == {0.0, 2.0}


REFUSED = [
    (lambda: random.dropout(np.ones((2, 3)), -0.1), "rate=-0.1"),
    (lambda: random.dropout(np.ones((2, 3)), 0.5, (2, 3, 1)), r"noise_shape=\(2, 3, 1\)"),
    (lambda: random.randint((2,), 0, 300, dtype="uint8"), "fit uint8"),
    (lambda: random.randint((2,), -1, 5, dtype="uint8"), "minval=-1"),
    (lambda: random.binomial((2,), 3, 0.5, dtype="int32"), "floating point `dtype`"),
    (lambda: random.shuffle(np.ones(3), axis=1), "axis 1"),
    (lambda: random.SeedGenerator("one"), "seed"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED, ids=range(len(REFUSED)))
def test_a_wrong_argument_is_explained(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


def test_a_seed_generator_survives_its_config_and_moves_on_inside_jit():
    generator = random.SeedGenerator(7)
    copy = random.SeedGenerator.from_config(generator.get_config())
    np.testing.assert_array_equal(
        random.normal((3,), seed=generator), random.normal((3,), seed=copy)
    )
    layer = fkeras.layers.Dropout(0.5, seed=3)
    x = np.ones((4, 50), "float32")
    first, second = (np.asarray(layer(x, training=True)) for _ in range(2))
    assert (first != second).any()
