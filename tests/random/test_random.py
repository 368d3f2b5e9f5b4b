"""Random functions: Keras's numbers for an int seed, dtypes, shapes, keys, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import random
from fkeras.errors import UserInputError

LOGITS = np.log([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]]).astype("float32")
X = np.arange(1.0, 13.0, dtype="float32").reshape(4, 3)

# name, arguments after which come `dtype` (where there is one) and `seed`
CASES = [
    ("normal", ((3, 4),)),
    ("normal", ((5,), 2.0, 0.5)),
    ("truncated_normal", ((3, 4), 1.0, 2.0)),
    ("uniform", ((3, 4),)),
    ("uniform", ((3, 4), -2.0, 5.0)),
    ("randint", ((3, 4), -5, 100)),
    ("categorical", (LOGITS, 7)),
    ("gamma", ((6,), 0.7)),
    ("beta", ((6,), 0.7, [2.0] * 6)),
    ("binomial", ((6,), 10, 0.3)),
    ("dropout", (X, 0.4)),
    ("dropout", (X, 0.4, (4, 1))),
    ("dropout", (X, 0.0)),
    ("dropout", (X, 1.0)),
    ("shuffle", (X,)),
    ("shuffle", (X, 1)),
]
FLOATS = ["normal", "truncated_normal", "uniform", "gamma", "beta", "binomial"]
ARGUMENTS = dict(reversed(CASES))


@pytest.mark.parametrize(("name", "args"), CASES)
def test_an_int_seed_gives_the_numbers_of_keras(keras, name, args):
    args = [jnp.asarray(a) if isinstance(a, np.ndarray) else a for a in args]
    for seed in (0, 1337):
        ours, theirs = (
            getattr(random, name)(*args, seed=seed),
            getattr(keras.random, name)(*args, seed=seed),
        )
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_a_seed_generator_gives_the_numbers_of_keras(keras):
    ours, theirs = random.SeedGenerator(5), keras.random.SeedGenerator(5)
    for _ in range(3):
        np.testing.assert_array_equal(
            random.normal((3,), seed=ours), keras.random.normal((3,), seed=theirs)
        )


@pytest.mark.parametrize("name", FLOATS)
def test_bfloat16_samples_are_those_of_keras(keras, name):
    ours = getattr(random, name)(*ARGUMENTS[name], dtype="bfloat16", seed=3)
    # JAX draws no bfloat16 of the beta distribution from float32 parameters, so neither does Keras.
    theirs = getattr(keras.random, name)(
        *ARGUMENTS[name], dtype="float32" if name == "beta" else "bfloat16", seed=3
    ).astype("bfloat16")
    assert ours.dtype == theirs.dtype == jnp.bfloat16
    np.testing.assert_array_equal(np.asarray(ours, "float32"), np.asarray(theirs, "float32"))


@pytest.mark.parametrize("name", FLOATS)
def test_the_default_dtype_is_floatx_and_arrays_as_parameters_do_not_change_it(name):
    fkeras.config.set_floatx("float16")
    shape, *rest = ARGUMENTS[name]
    rest = [np.broadcast_to(np.float32(r), shape) for r in rest]
    assert getattr(random, name)(shape, *rest, seed=1).dtype == jnp.float16


def test_a_bfloat16_input_stays_bfloat16_in_dropout_and_shuffle():
    x = jnp.ones((4, 3), jnp.bfloat16)
    assert random.dropout(x, 0.5, seed=1).dtype == random.shuffle(x, seed=1).dtype == jnp.bfloat16


@pytest.mark.parametrize(("name", "args"), CASES)
def test_symbolic_arguments_give_the_shape_and_dtype_of_the_numbers(name, args):
    computed = getattr(random, name)(*args, seed=1)
    if isinstance(args[0], np.ndarray):
        args = (fkeras.KerasTensor((None, 3)), *args[1:])
        shape = (None, *computed.shape[1:])
    elif len(args) > 1:
        args = (args[0], fkeras.KerasTensor((), "int32"), *args[2:])
        shape = computed.shape
    else:
        return
    out = getattr(random, name)(*args, seed=1)
    assert out.shape == shape and out.dtype == computed.dtype


def test_dropout_in_a_functional_model_draws_at_each_call():
    generator = random.SeedGenerator(1)
    x = fkeras.Input((50,))
    model = fkeras.Model(x, random.dropout(x, 0.5, seed=generator))
    ones = np.ones((2, 50), "float32")
    first, second = np.asarray(model(ones)), np.asarray(model(ones))
    assert set(np.unique(first)) == {0.0, 2.0} and (first != second).any()


def test_dropout_keeps_the_mean_and_its_gradient_is_its_mask():
    x = jnp.full((200, 100), 3.0)
    for kwargs in ({}, {"noise_shape": (None, 1)}, {"noise_shape": (100,)}):
        np.testing.assert_allclose(random.dropout(x, 0.3, seed=7, **kwargs).mean(), 3.0, atol=0.4)
    gradient = jax.grad(lambda x: random.dropout(x, 0.5, seed=7).sum())(x)
    np.testing.assert_array_equal(gradient, random.dropout(x, 0.5, seed=7) / 3)


def test_a_dropout_rate_may_be_traced():
    rates = jnp.array([0.0, 0.4, 1.0])
    value, gradient = jax.jit(
        jax.vmap(jax.value_and_grad(lambda x, r: random.dropout(x, r, seed=1).sum()), (None, 0))
    )(jnp.asarray(X), rates)
    np.testing.assert_allclose(
        value, [X.sum(), random.dropout(X, 0.4, seed=1).sum(), 0.0], rtol=1e-6
    )
    assert jnp.isfinite(gradient).all() and not gradient[2].any()


def test_a_key_is_a_seed_and_other_generators_do_not_change_int_seeds():
    key = jax.random.key(9)
    np.testing.assert_array_equal(random.normal((3,), seed=key), jax.random.normal(key, (3,)))
    other = jax.random.key(9, impl="rbg")
    with jax.default_prng_impl("rbg"):
        np.testing.assert_array_equal(
            random.normal((3,), seed=other), jax.random.normal(other, (3,))
        )
        inside = random.normal((3,), seed=9)
    np.testing.assert_array_equal(inside, random.normal((3,), seed=9))


def test_no_seed_draws_anew_and_is_refused_in_a_compiled_function():
    assert (random.uniform((5,)) != random.uniform((5,))).all()
    with pytest.raises(UserInputError, match="without a seed"):
        jax.jit(lambda: random.uniform((5,)))()


REFUSED = [
    (lambda: random.normal((2, None)), "shape=\\(2, None\\)"),
    (lambda: random.normal((2,), dtype="int32"), "floating point `dtype`. Received: dtype=int32"),
    (lambda: random.uniform((2,), dtype="int32"), "floating point `dtype`"),
    (
        lambda: random.randint((2,), 0, 5, dtype="float32"),
        "integer `dtype`. Received: dtype=float32",
    ),
    (lambda: random.randint((2,), 5, 5), "minval=5, maxval=5"),
    (lambda: random.randint((2,), 0, 1000, dtype="int8"), "fit int8"),
    (lambda: random.categorical(X[0], 2), "logits.shape=\\(3,\\)"),
    (lambda: random.categorical(fkeras.KerasTensor((3,)), 2), "logits.shape=\\(3,\\)"),
    (lambda: random.dropout(X, 1.5), "rate=1.5"),
    (
        lambda: random.dropout(X, 0.5, noise_shape=(2, 1)),
        "noise_shape=\\(2, 1\\), inputs.shape=\\(4, 3\\)",
    ),
    (lambda: random.dropout(np.ones((2,), "int32"), 0.5), "dtype=int32"),
    (lambda: random.normal((2,), seed="a"), "`seed`"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_arguments_that_cannot_be_right_are_refused(call, message):
    with pytest.raises(UserInputError, match=message):
        call()
