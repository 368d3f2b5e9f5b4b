"""Arithmetic that update rules share, against NumPy and Optax."""

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fkeras.optimizers.arithmetic import (
    at_least_float32,
    clip_by_global_norm,
    clip_by_norm,
    either,
    sqrt,
)

vectors = st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=3)


def test_the_root_has_a_finite_derivative_at_zero():
    x = jnp.array([0.0, 4.0])
    np.testing.assert_array_equal(sqrt(x), [0, 2])
    np.testing.assert_array_equal(jax.grad(lambda x: sqrt(x).sum())(x), [0, 0.25])
    second = jax.grad(lambda x: jax.grad(lambda x: sqrt(x).sum())(x).sum())(x)
    np.testing.assert_allclose(second, [0, -1 / 32], rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("bfloat16", "float32"), ("float16", "float32"), ("float32", "float32")],
)
def test_half_precision_is_widened(dtype, expected):
    x = jnp.ones(2, dtype)
    assert at_least_float32(x).dtype == expected
    assert (at_least_float32(x) is x) == (dtype == expected)


@hypothesis.given(vectors, st.floats(0.125, 100, width=32))
@hypothesis.settings(max_examples=25, deadline=None)
def test_clipping_keeps_the_direction_and_bounds_the_norm(values, limit):
    x = np.array(values, "float32")
    clipped = np.asarray(clip_by_norm(jnp.asarray(x), limit))
    norm = np.linalg.norm(x)
    expected = x if norm <= limit else x * (limit / norm)
    np.testing.assert_allclose(clipped, expected, rtol=1e-4, atol=1e-6)


@hypothesis.given(vectors, vectors)
@hypothesis.settings(max_examples=15, deadline=None)
def test_clipping_by_the_global_norm_is_optaxs(first, second):
    grads = [jnp.array(first, jnp.float32), jnp.array(second, jnp.float32)]
    theirs, _ = optax.clip_by_global_norm(2.5).update(grads, optax.EmptyState())
    for a, b in zip(clip_by_global_norm(grads, 2.5), theirs):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_gradient_of_zeros_is_clipped_to_zeros():
    zeros = jnp.zeros(3)
    np.testing.assert_array_equal(clip_by_norm(zeros, 0.5), zeros)
    np.testing.assert_array_equal(clip_by_global_norm([zeros], 0.5)[0], zeros)
    assert clip_by_norm(jnp.zeros(3, "bfloat16"), 0.5).dtype == jnp.float32


def test_either_runs_one_branch_now_and_records_both_in_a_trace():
    calls = []

    def branch(value):
        def run():
            calls.append(value)
            return jnp.float32(value)

        return run

    assert float(either(jnp.array(True), branch(1), branch(2))) == 1 and calls == [1]
    chosen = jax.jit(lambda flag: either(flag, branch(3), branch(4)))
    assert float(chosen(False)) == 4 and float(chosen(True)) == 3
    assert {3, 4} <= set(calls)
