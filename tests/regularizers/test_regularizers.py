"""A row for each regularizer: values, dtypes, gradients and configs are Keras's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import regularizers

X = np.random.RandomState(0).normal(size=(3, 4)).astype("float32")
ROWS = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L1", {"l1": None}),
    ("L2", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.3}),
    ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("L1L2", {"l1": None, "l2": 0.2}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}),
]


def pair(name, arguments, keras):
    return getattr(regularizers, name)(**arguments), getattr(keras.regularizers, name)(**arguments)


@pytest.mark.parametrize("name, arguments", ROWS)
def test_values_gradients_and_configs_are_kerass(name, arguments, keras):
    ours, theirs = pair(name, arguments, keras)
    for dtype, tolerance in (("float32", 1e-5), ("bfloat16", 2e-2)):
        x = jnp.asarray(X, dtype)
        got = ours(x)
        assert got.shape == () and got.dtype == dtype
        np.testing.assert_allclose(float(got), float(theirs(x)), rtol=tolerance)
    np.testing.assert_allclose(ours(fkeras.Variable(X)), theirs(jnp.asarray(X)), rtol=1e-5)
    np.testing.assert_allclose(
        jax.grad(ours)(jnp.asarray(X)), jax.grad(theirs)(jnp.asarray(X)), rtol=1e-4, atol=1e-6
    )
    config = regularizers.serialize(ours)
    assert {**config, "config": None} == {**keras.regularizers.serialize(theirs), "config": None}
    assert config["config"] == pytest.approx(theirs.get_config())
    for again in (regularizers.deserialize(config), regularizers.get(config)):
        assert type(again) is type(ours) and again.get_config() == ours.get_config()
    assert keras.regularizers.get(config).get_config() == pytest.approx(ours.get_config())


def test_every_name_of_keras_finds_the_class_of_keras(keras):
    from keras.src.regularizers import ALL_OBJECTS_DICT

    for name, cls in ALL_OBJECTS_DICT.items():
        assert type(regularizers.get(name)).__name__ == cls.__name__
    assert (
        isinstance(regularizers.get("l1_l2"), regularizers.L1L2) and regularizers.get(None) is None
    )
    assert (
        isinstance(regularizers.get(regularizers.L1), regularizers.L1)
        and regularizers.get(jnp.sum) is jnp.sum
    )


def test_integers_count_as_floats():
    assert float(regularizers.L1(0.5)(np.array([1, -2]))) == 1.5


def test_one_row_has_no_pairs_and_a_row_of_zeros_a_finite_gradient():
    assert float(regularizers.OrthogonalRegularizer(0.1)(np.ones((1, 3)))) == 0.0
    assert jnp.isfinite(jax.grad(regularizers.OrthogonalRegularizer(0.1))(jnp.zeros((2, 3)))).all()


def test_the_base_adds_nothing_and_asks_for_a_config():
    assert regularizers.Regularizer()(X) == 0.0
    with pytest.raises(NotImplementedError, match="get_config"):
        regularizers.Regularizer().get_config()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: regularizers.get("l3"), "Unknown regularizer 'l3'. Known: L1, L1L2"),
        (lambda: regularizers.get(3), "Could not interpret regularizer identifier: 3"),
        (lambda: regularizers.L1(-1.0), "l1: expected a non-negative float.*l1=-1.0"),
        (lambda: regularizers.L2(float("nan")), "l2: expected a non-negative float.*nan"),
        (lambda: regularizers.L1L2(l2="0.1"), "l2: expected a non-negative float.*0.1"),
        (lambda: regularizers.OrthogonalRegularizer(float("inf")), "factor: expected"),
        (lambda: regularizers.OrthogonalRegularizer(mode="x"), "argument `mode`.*mode=x"),
        (
            lambda: regularizers.OrthogonalRegularizer()(np.ones(3)),
            r"rank 2. Received: inputs.shape=\(3,\)",
        ),
    ],
)
def test_what_cannot_be_right_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
