"""A row for each function: with the same seed the numbers are Keras's, with any seed the moments are the distribution's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import random

X = jnp.arange(24, dtype="float32").reshape(2, 3, 4)
LOGITS = np.log(np.array([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]], "float32"))
# function, arguments, whether it takes other dtypes
ROWS = [
    ("normal", {"shape": (2, 3)}, True),
    ("normal", {"shape": (2, 3), "mean": 1.5, "stddev": 0.3}, True),
    ("normal", {"shape": (2, 3), "mean": np.array([1.0, 2.0, 3.0], "float32")}, False),
    ("truncated_normal", {"shape": (5,), "mean": -1.0, "stddev": 2.0}, True),
    ("uniform", {"shape": (2, 3)}, True),
    ("uniform", {"shape": (2, 3), "minval": -2.0, "maxval": 3.0}, True),
    ("randint", {"shape": (7,), "minval": -3, "maxval": 9}, False),
    ("randint", {"shape": (7,), "minval": 0, "maxval": 100, "dtype": "uint8"}, False),
    ("categorical", {"logits": LOGITS, "num_samples": 5}, False),
    ("categorical", {"logits": LOGITS, "num_samples": 5, "dtype": "int8"}, False),
    ("gamma", {"shape": (4,), "alpha": 2.5}, True),
    ("beta", {"shape": (4,), "alpha": 2.0, "beta": [0.5, 1.0, 2.0, 3.0]}, False),
    ("binomial", {"shape": (4,), "counts": 20.0, "probabilities": [0.1, 0.2, 0.3, 0.4]}, False),
    ("dropout", {"inputs": X, "rate": 0.4}, False),
    ("dropout", {"inputs": X, "rate": 0.4, "noise_shape": (None, 1, 4)}, False),
    ("dropout", {"inputs": X, "rate": 0.0}, False),
    ("dropout", {"inputs": X, "rate": 1.0}, False),
    ("shuffle", {"x": X}, False),
    ("shuffle", {"x": X, "axis": -1}, False),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(ROWS)]


@pytest.mark.parametrize("name, arguments, others", ROWS, ids=IDS)
def test_a_seed_gives_kerass_numbers(name, arguments, others, keras):
    ours, theirs = getattr(random, name), getattr(keras.random, name)
    for dtype in ("bfloat16", "float16") if others else ():
        got, expected = ours(**arguments, dtype=dtype, seed=3), theirs(**arguments, dtype=dtype, seed=3)
        assert got.dtype == expected.dtype == dtype
        np.testing.assert_array_equal(got, expected)
    generator, their_generator = random.SeedGenerator(11), keras.random.SeedGenerator(11)
    for seed, their_seed in ((1337, 1337), (2**32 - 1, 2**32 - 1), (generator, their_generator), (generator, their_generator)):
        got, expected = ours(**arguments, seed=seed), theirs(**arguments, seed=their_seed)
        assert got.dtype == expected.dtype and got.shape == expected.shape
        np.testing.assert_array_equal(got, expected)
    key = jax.random.key(5)
    np.testing.assert_array_equal(ours(**arguments, seed=key), ours(**arguments, seed=jax.random.key_data(key)))


@pytest.mark.parametrize("name, arguments, others", ROWS, ids=IDS)
def test_a_symbolic_call_tells_the_shape(name, arguments, others):
    tensor = {"categorical": "logits", "dropout": "inputs", "shuffle": "x"}.get(name)
    expected = getattr(random, name)(**arguments, seed=0)
    if tensor is None:
        spec = getattr(random, name).compute_output_spec(**arguments)
        assert spec.shape == expected.shape and spec.dtype == expected.dtype
        return
    symbolic = fkeras.KerasTensor((None, *np.shape(arguments[tensor])[1:]))
    y = getattr(random, name)(**{**arguments, tensor: symbolic}, seed=0)
    assert y.shape == (None, *expected.shape[1:]) and y.dtype == expected.dtype
    operation, node, _ = y._keras_history
    recorded = operation._inbound_nodes[node]
    again = operation.call(*recorded.args, **{k: arguments[tensor] if v is symbolic else v for k, v in recorded.kwargs.items()})
    np.testing.assert_array_equal(again, expected)


# function, arguments, mean, standard deviation, bounds
MOMENTS = [
    ("normal", {"mean": 1.0, "stddev": 2.0}, 1.0, 2.0, (-np.inf, np.inf)),
    ("truncated_normal", {"mean": 1.0, "stddev": 2.0}, 1.0, 2 * 0.8796, (-3.0, 5.0)),
    ("uniform", {"minval": -1.0, "maxval": 3.0}, 1.0, 4 / 12**0.5, (-1.0, 3.0)),
    ("randint", {"minval": 0, "maxval": 5}, 2.0, 2**0.5, (0, 4)),
    ("gamma", {"alpha": 3.0}, 3.0, 3**0.5, (0, np.inf)),
    ("beta", {"alpha": 2.0, "beta": 3.0}, 0.4, 0.2, (0, 1)),
    ("binomial", {"counts": 10.0, "probabilities": 0.3}, 3.0, 2.1**0.5, (0, 10)),
]


@pytest.mark.parametrize("name, arguments, mean, deviation, bounds", MOMENTS, ids=[row[0] for row in MOMENTS])
def test_moments(name, arguments, mean, deviation, bounds):
    x = np.asarray(getattr(random, name)((20_000,), **arguments, seed=9))
    assert abs(x.mean() - mean) < 5 * deviation / 20_000**0.5 and abs(x.std() - deviation) < 0.03 * deviation
    assert bounds[0] <= x.min() and x.max() <= bounds[1]


def test_categorical_draws_by_probability():
    drawn = np.asarray(random.categorical(LOGITS, 20_000, seed=2))
    for row, p in zip(drawn, np.exp(LOGITS)):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / row.size, p, atol=0.015)


def test_dropout_keeps_the_mean_and_its_gradient_is_its_mask():
    x = jnp.ones((200, 100))
    y = random.dropout(x, 0.3, seed=4)
    assert abs(float(y.mean()) - 1) < 0.02 and abs(float((y == 0).mean()) - 0.3) < 0.01
    np.testing.assert_array_equal(jax.grad(lambda x: random.dropout(x, 0.3, seed=4).sum())(x), y)
    rows = random.dropout(x, 0.5, noise_shape=(None, 1), seed=4)
    assert float(rows.std(axis=1).max()) == 0 and 0.3 < float((rows == 0).mean()) < 0.7


def test_a_traced_rate_drops_all_or_nothing_at_its_ends():
    drop = jax.jit(lambda x, rate: random.dropout(x, rate, seed=1))
    np.testing.assert_array_equal(drop(X, 0.0), X)
    np.testing.assert_array_equal(drop(X, 1.0), 0 * X)
    assert drop(jnp.asarray(X, "bfloat16"), 0.5).dtype == "bfloat16"


def test_shuffle_keeps_the_values_of_each_line():
    shuffled = np.asarray(random.shuffle(np.arange(3000).reshape(1000, 3), axis=0, seed=0))
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.arange(3000).reshape(1000, 3))
    assert (shuffled[:, 0] + 1 != shuffled[:, 1]).any()


def test_without_a_seed_each_call_draws_others_and_set_random_seed_repeats_them():
    fkeras.utils.set_random_seed(1)
    first, second = random.normal((3,)), random.normal((3,))
    assert not np.array_equal(first, second)
    fkeras.utils.set_random_seed(1)
    np.testing.assert_array_equal(random.normal((3,)), first)


def test_under_a_trace_a_seed_is_asked_for_and_a_key_is_taken():
    with pytest.raises(ValueError, match="you should only use seeded random ops"):
        jax.jit(lambda: random.normal((2,)))()
    np.testing.assert_array_equal(jax.jit(lambda key: random.normal((2,), seed=key))(jax.random.key(1)),
                                  random.normal((2,), seed=jax.random.key(1)))


def test_another_default_generator_of_jax_leaves_the_numbers_of_a_seed():
    expected = random.uniform((3,), seed=1)
    with jax.default_prng_impl("rbg"):
        np.testing.assert_array_equal(random.uniform((3,), seed=1), expected)
        assert random.uniform((3,), seed=jax.random.key(1)).shape == (3,)


def test_seed_generators_travel_to_keras_and_back(keras):
    ours = random.SeedGenerator(5, name="mine")
    config = fkeras.saving.serialize_keras_object(ours)
    theirs = keras.saving.deserialize_keras_object(config)
    assert keras.saving.serialize_keras_object(theirs) == config
    np.testing.assert_array_equal(fkeras.saving.deserialize_keras_object(config).next(), theirs.next())


def test_floatx_is_the_default_dtype():
    fkeras.config.set_floatx("bfloat16")
    assert random.normal((2,), seed=1).dtype == random.uniform((2,), seed=1).dtype == "bfloat16"


@pytest.mark.parametrize("call, message", [
    (lambda: random.uniform((2,), dtype="int32"), "requires a floating point `dtype`.*int32"),
    (lambda: random.normal((2,), dtype="int32"), "requires a floating point `dtype`"),
    (lambda: random.randint((2,), 0, 5, dtype="float32"), "requires an integer `dtype`"),
    (lambda: random.randint((2,), 5, 5), "must not be empty.*minval=5, maxval=5"),
    (lambda: random.randint((2,), 0, 300, dtype="uint8"), "fit uint8"),
    (lambda: random.normal((None, 2)), r"can be None. Received: shape=\(None, 2\)"),
    (lambda: random.categorical(np.ones(3), 2), r"2-D tensor.*\(3,\)"),
    (lambda: random.dropout(X, 1.5), "rate=1.5"),
    (lambda: random.dropout(np.arange(3), 0.5), "float dtype"),
    (lambda: random.dropout(X, 0.5, noise_shape=(2, 2, 4)), r"noise_shape=\(2, 2, 4\)"),
    (lambda: random.normal((2,), seed="x"), "must be either an integer.*'x'"),
    (lambda: random.SeedGenerator("x"), "must be an integer"),
])
def test_what_cannot_be_right_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
