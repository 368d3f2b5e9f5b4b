"""Regularizers at the edges: zeros, half precision, pairs of rows, inside a layer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import regularizers


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: regularizers.L1(0.5), 0.5 * 6),
        (lambda: regularizers.L2(0.5), 0.5 * 14),
        (lambda: regularizers.L1L2(0.5, 0.25), 0.5 * 6 + 0.25 * 14),
        (lambda: regularizers.L1L2(), 0.0),
        (lambda: regularizers.L1(0), 0.0),
    ],
)
def test_penalties_by_hand(make, expected):
    penalty = make()([[1.0, -2.0, 3.0]])
    assert penalty.shape == () and float(penalty) == pytest.approx(expected)
    assert float(make()(jnp.zeros((0, 3)))) == 0.0
    assert float(make()(2.0)) == pytest.approx(float(make()([2.0])))


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2"])
def test_gradients_at_zero_are_those_of_keras(keras, name):
    x = jnp.zeros((2, 3))
    ours, theirs = (
        jax.grad(getattr(room, name)())(x) for room in (regularizers, keras.regularizers)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-7)
    assert np.isfinite(ours).all()


@pytest.mark.parametrize("name", ["L1", "L2"])
def test_sums_of_many_half_precision_weights_are_no_sums_in_half_precision(name):
    """Added up one by one in bfloat16, 4096 ones stop at 256."""
    x = jnp.ones(4096, "bfloat16")
    penalty = getattr(regularizers, name)(1.0)(x)
    assert penalty.dtype == "bfloat16" and float(penalty) == 4096


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_cosines_of_pairs_are_counted_once(mode):
    x = np.random.RandomState(0).normal(size=(4, 3)).astype("float32")
    vectors = x if mode == "rows" else x.T
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = [abs(unit[i] @ unit[j]) for i in range(len(unit)) for j in range(i)]
    got = regularizers.OrthogonalRegularizer(0.5, mode)(x)
    np.testing.assert_allclose(float(got), 0.5 * np.mean(cosines), rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 4), (3, 3)])
def test_orthogonal_rows_cost_nothing(shape):
    assert float(regularizers.OrthogonalRegularizer(1.0)(np.eye(*shape))) == pytest.approx(0)
    x = np.array([[1.0, 1.0], [-2.0, -2.0]])
    assert float(regularizers.OrthogonalRegularizer(1.0)(x)) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf"), "1", 1j])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (regularizers.L1, "l1"),
        (regularizers.L2, "l2"),
        (lambda v: regularizers.L1L2(l1=v), "l1"),
        (lambda v: regularizers.L1L2(l2=v), "l2"),
        (regularizers.OrthogonalRegularizer, "factor"),
    ],
)
def test_factors_are_finite_and_not_negative(make, name, value):
    with pytest.raises(ValueError, match=f"{name}: expected a non-negative float"):
        make(value)


def test_factors_of_numpy_become_python_floats_in_configs():
    config = regularizers.L1L2(np.float32(0.5), np.int64(2)).get_config()
    assert config == {"l1": 0.5, "l2": 2.0} and type(config["l1"]) is type(config["l2"]) is float
    assert regularizers.L1.from_config({"l1": 0.25}).l1 == 0.25


def test_a_layer_lists_the_penalties_of_its_weights():
    layer = fkeras.layers.Dense(
        2, kernel_regularizer=regularizers.L2(0.5), bias_regularizer="l1", kernel_initializer="ones"
    )
    layer.build((1, 3))
    assert [float(loss) for loss in layer.losses] == [3.0, 0.0]


def test_an_activity_penalty_is_divided_by_the_batch():
    layer = fkeras.layers.ActivityRegularization(l1=0.5)
    layer(jnp.ones((4, 3)))
    assert float(sum(layer.losses)) == pytest.approx(0.5 * 12 / 4)


def test_penalties_work_under_jit_and_vmap():
    regularizer = regularizers.L1L2(0.1, 0.2)
    x = jnp.arange(6.0).reshape(2, 3)
    rows = jax.jit(jax.vmap(regularizer))(x)
    np.testing.assert_allclose(rows, [float(regularizer(row)) for row in x], rtol=1e-6)


def test_a_function_is_a_regularizer():
    halved_sum = regularizers.get(lambda x: 0.5 * jnp.sum(x))
    layer = fkeras.layers.Dense(1, kernel_regularizer=halved_sum, kernel_initializer="ones")
    layer.build((1, 4))
    assert float(layer.losses[0]) == 2.0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_sum_that_half_precision_cannot_hold_is_taken_in_float32(dtype):
    x = jnp.full((64,), 30000.0, dtype)
    for regularizer, expected in (
        (regularizers.L1(1e-4), 192),
        (regularizers.L2(1e-7), 5760),
        (regularizers.L1L2(1e-4, 1e-7), 5952),
    ):
        assert float(regularizer(x)) == pytest.approx(expected, rel=1e-2)
    layer = fkeras.layers.Activation("linear", dtype=dtype, activity_regularizer="l2")
    layer(x[None])
    (loss,) = layer.losses  # 5.8e8, which float16 has no number for
    assert loss.dtype == "float32" and float(loss) == pytest.approx(0.01 * 64 * 9e8, rel=1e-2)
