"""Constraints at the edges: axes in every form, zeros, dtypes, gradients, inside training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import constraints

W = np.random.RandomState(1).normal(size=(2, 3, 4)).astype("float32") * 3
AXES = [0, -1, 1, (0, 1), [0, 2], [0, 1, 2], (-3, -1)]


def norms(w, axis):
    axis = tuple(axis) if isinstance(axis, list) else axis
    return np.sqrt(np.sum(np.square(np.asarray(w, "float64")), axis=axis, keepdims=True))


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_norms_over_every_form_of_axis_are_bounded(axis):
    before = norms(W, axis)
    unit = constraints.UnitNorm(axis=axis)(W)
    np.testing.assert_allclose(norms(unit, axis), np.ones_like(before), rtol=1e-5)
    capped = constraints.MaxNorm(2.0, axis=axis)(W)
    np.testing.assert_allclose(norms(capped, axis), np.minimum(before, 2.0), rtol=1e-5)
    between = constraints.MinMaxNorm(1.0, 2.0, rate=0.5, axis=axis)(W)
    middle = (np.clip(before, 1.0, 2.0) + before) / 2
    np.testing.assert_allclose(norms(between, axis), middle, rtol=1e-5)
    for x in (unit, capped, between):  # directions stay
        np.testing.assert_array_equal(np.sign(x), np.sign(W))


@pytest.mark.parametrize(
    "constraint",
    [constraints.MaxNorm(1.0), constraints.UnitNorm(), constraints.MinMaxNorm(0.5, 1.0)],
    ids=lambda c: type(c).__name__,
)
def test_weights_of_zero_stay_zero(constraint):
    w = jnp.zeros((3, 2))
    np.testing.assert_array_equal(constraint(w), w)
    assert constraint(jnp.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("name", ["MaxNorm", "UnitNorm", "MinMaxNorm", "NonNeg"])
def test_dtypes_are_kept_and_integers_count_as_floats(name):
    constraint = getattr(constraints, name)()
    for dtype in ("float32", "bfloat16", "float16"):
        assert constraint(jnp.asarray(W, dtype)).dtype == dtype
    ints = constraint(np.array([[3], [-4]]))
    assert ints.dtype == ("int32" if name == "NonNeg" else "float32")
    assert constraint([[3.0], [-4.0]]).shape == (2, 1)  # lists too


@pytest.mark.parametrize("name", ["MaxNorm", "UnitNorm", "MinMaxNorm"])
def test_a_projected_weight_is_projected_to_itself(name):
    constraint = getattr(constraints, name)()
    once = constraint(W)
    np.testing.assert_allclose(constraint(once), once, rtol=1e-5)


def test_nonneg_is_exact_also_for_extremes():
    x = np.array([-np.inf, -1e-30, -0.0, 0.0, 1e30, np.inf], "float32")
    np.testing.assert_array_equal(constraints.NonNeg()(x), np.maximum(x, 0))
    assert np.isnan(constraints.NonNeg()(np.float32(np.nan)))


def test_gradients_pass_where_the_bound_is_not_reached():
    constraint = constraints.MaxNorm(10.0)
    gradient = jax.grad(lambda w: constraint(w).sum())(jnp.array([[3.0], [4.0]]))
    np.testing.assert_allclose(gradient, [[1], [1]], rtol=1e-5)
    jitted = jax.jit(jax.vmap(constraints.UnitNorm(axis=0)))(jnp.asarray(W))
    np.testing.assert_allclose(jitted, constraints.UnitNorm(axis=1)(W), rtol=1e-6)


def test_training_applies_a_constraint_after_each_update():
    layer = fkeras.layers.Dense(1, kernel_constraint=constraints.NonNeg(), use_bias=False)
    model = fkeras.Sequential([fkeras.Input((2,)), layer])
    layer.kernel.assign([[1.0], [0.5]])
    model.compile(fkeras.optimizers.SGD(1.0), lambda y, p: fkeras.ops.sum(p))
    model.fit(np.ones((1, 2), "float32"), np.ones((1, 1), "float32"), verbose=0)
    assert layer.kernel.numpy().tolist() == [[0.0], [0.0]]


def test_configs_of_axes_as_lists_go_round():
    for axis in ([0, 1], 0, -1):
        entry = constraints.serialize(constraints.MaxNorm(3, axis=axis))
        again = constraints.get(entry)
        assert (again.max_value, again.axis) == (3, axis)
    assert constraints.get("unit_norm").get_config() == {"axis": 0}
    assert constraints.deserialize("NonNeg").get_config() == {}


def test_the_base_leaves_the_weight_as_it_is():
    base = constraints.Constraint()
    assert base(W) is W and constraints.Constraint.from_config({}).get_config() == {}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_norms_that_half_precision_cannot_hold_are_taken_in_float32(dtype):
    w = jnp.full((16, 1), 30000.0, dtype)
    for constraint, norm in (
        (constraints.MaxNorm(2.0), 2),
        (constraints.UnitNorm(), 1),
        (constraints.MinMaxNorm(0.5, 4.0), 4),
    ):
        got = constraint(w)
        assert got.dtype == dtype
        assert np.linalg.norm(got.astype("float32")) == pytest.approx(norm, rel=1e-2)
