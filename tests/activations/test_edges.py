"""Activations at the edges: extremes, kinks, integers, empty arrays, half precision."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import activations
from fkeras.errors import UserTypeError

EXTREMES = np.array([-1e4, -100.0, -1e-30, -0.0, 0.0, 1e-30, 100.0, 1e4], "float32")
ELEMENTWISE = sorted(
    name
    for name, function in vars(activations).items()
    if inspect.isfunction(function)
    and not name.startswith("_")
    and name
    not in ("get", "serialize", "deserialize", "softmax", "log_softmax", "sparsemax", "glu")
)
EXTRA = {"threshold": {"threshold": 0.5, "default_value": -2.0}}


def call(name, x):
    return getattr(activations, name)(x, **EXTRA.get(name, {}))


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_extremes_are_those_of_keras_and_their_gradients_no_nan(keras, name):
    theirs = getattr(keras.activations, name)(jnp.asarray(EXTREMES), **EXTRA.get(name, {}))
    np.testing.assert_allclose(call(name, EXTREMES), theirs, rtol=1e-5, atol=1e-6)
    slopes = jax.vmap(jax.grad(lambda x: call(name, x)))(jnp.asarray(EXTREMES))
    finite = np.isfinite(slopes) | (name == "exponential")  # exp(1e4) is infinite, and its slope
    assert finite.all(), (name, slopes)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_stays_nan_and_infinities_give_no_error(keras, name):
    theirs = getattr(keras.activations, name)(jnp.float32(np.nan), **EXTRA.get(name, {}))
    assert np.isnan(call(name, np.float32(np.nan))) == np.isnan(theirs)
    for x in (np.inf, -np.inf):
        expected = getattr(keras.activations, name)(jnp.float32(x), **EXTRA.get(name, {}))
        np.testing.assert_array_equal(call(name, np.float32(x)), expected)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_empty_arrays_lists_and_half_precision_pass(name):
    assert call(name, jnp.zeros((0, 3))).shape == (0, 3)
    half = call(name, jnp.ones(2, "bfloat16"))
    assert half.dtype == "bfloat16" and half.shape == (2,)
    if name != "linear":  # which returns what it is given
        values = call(name, [-1.0, 2.0])
        assert values.shape == (2,) and values.dtype == "float32"


# JAX's logistic function refuses integers, in Keras too.
FLOATS_ONLY = ("sigmoid", "silu", "swish")


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if n not in FLOATS_ONLY])
def test_integers_give_the_values_of_their_floats(name):
    x = np.array([-3, -1, 0, 1, 4], "int32")
    floats = call(name, x.astype("float32"))
    if name == "threshold":
        floats = np.trunc(floats)
    np.testing.assert_allclose(np.asarray(call(name, x), "float32"), floats, rtol=1e-6)


@pytest.mark.parametrize("name", FLOATS_ONLY)
def test_integers_that_a_function_cannot_take_are_named(name):
    with pytest.raises(UserTypeError, match="does not accept dtype int32(.|\\n)*x=int32"):
        call(name, np.array([1, 2], "int32"))


# (activation, the kink, slopes just there that are Keras's on JAX)
KINKS = [
    ("relu", {}, 0.0),
    ("relu", {"negative_slope": 0.5}, 0.0),
    ("relu", {"threshold": 1.0}, 1.0),
    ("relu", {"max_value": 2.0}, 2.0),
    ("relu6", {}, 6.0),
    ("leaky_relu", {}, 0.0),
    ("elu", {"alpha": 0.5}, 0.0),
    ("selu", {}, 0.0),
    ("hard_tanh", {}, 1.0),
    ("hard_sigmoid", {}, 3.0),
    ("hard_silu", {}, -3.0),
    ("hard_shrink", {}, 0.5),
    ("soft_shrink", {}, -0.5),
    ("sparse_plus", {}, 1.0),
    ("sparse_sigmoid", {}, -1.0),
    ("softsign", {}, 0.0),
    ("threshold", EXTRA["threshold"], 0.5),
]


@pytest.mark.parametrize(("name", "kwargs", "kink"), KINKS)
def test_slopes_at_and_beside_kinks_are_those_of_keras(keras, name, kwargs, kink):
    x = jnp.array([kink - 0.25, kink, kink + 0.25])
    ours, theirs = (
        jax.vmap(jax.grad(lambda x, m=m: getattr(m.activations, name)(x, **kwargs)))(x)
        for m in (fkeras, keras)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sparsemax"])
def test_distributions_are_stable_and_shift_invariant(name):
    function = getattr(activations, name)
    x = np.array([[1e4, 0.0, -1e4], [3.0, 3.0, 3.0]], "float32")
    out = np.asarray(function(x))
    probabilities = np.exp(out) if name == "log_softmax" else out
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(probabilities[0], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(probabilities[1], 1 / 3, rtol=1e-5)
    np.testing.assert_allclose(function(x[1:] + 100), out[1:], rtol=1e-4)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), None])
def test_softmax_sums_to_one_over_every_form_of_axis(axis):
    x = np.random.RandomState(0).normal(size=(2, 3)).astype("float32")
    out = np.asarray(activations.softmax(x, axis))
    np.testing.assert_allclose(out.sum(axis=axis), 1, rtol=1e-5)
    np.testing.assert_allclose(np.log(out), activations.log_softmax(x, axis), rtol=1e-4, atol=1e-6)


def test_glu_halves_its_axis():
    x = np.arange(8.0, dtype="float32").reshape(2, 4)
    expected = x[:, :2] / (1 + np.exp(-x[:, 2:]))
    np.testing.assert_allclose(activations.glu(x), expected, rtol=1e-6)
    assert activations.glu(x, axis=0).shape == (1, 4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", [0, 0, 2]),
        ("linear", [-2, 0, 2]),
        ("tanh_shrink", [-2 + np.tanh(2), 0, 2 - np.tanh(2)]),
        ("squareplus", [(-2 + np.sqrt(8)) / 2, 1, (2 + np.sqrt(8)) / 2]),
        ("hard_silu", [-2 / 6, 0, 2 * 5 / 6]),
        ("sparse_plus", [0, 0.25, 2]),
        ("softsign", [-2 / 3, 0, 2 / 3]),
    ],
)
def test_values_by_hand(name, expected):
    x = np.array([-2.0, 0.0, 2.0], "float32")
    np.testing.assert_allclose(call(name, x), expected, rtol=1e-5, atol=1e-7)


def test_second_names_are_the_same_functions():
    assert activations.swish is activations.silu is activations.get("swish")
    assert activations.hard_swish is activations.hard_silu is activations.get("hard_swish")
    assert activations.serialize(activations.get("swish")) == "silu"


def test_a_class_as_activation_is_returned_and_a_registered_name_found():
    @fkeras.saving.register_keras_serializable("edges")
    def tripled(x):
        return 3 * x

    assert activations.get("edges>tripled") is tripled
    config = activations.serialize(tripled)
    assert config["config"] == "edges>tripled" and activations.get(config) is tripled
    assert activations.get(fkeras.layers.ReLU) is fkeras.layers.ReLU
