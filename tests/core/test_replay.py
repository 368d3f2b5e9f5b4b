"""Recorded operations, differentiated at once or by a program for their structure."""

import gc
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core import replay as replaying
from fkeras.core.recording import Recording
from fkeras.core.replay import Operation, Replay

MATRIX = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3)), "float32")


@pytest.fixture(autouse=True)
def programs(monkeypatch):
    """An empty memory of structures, and the kinds of what it holds."""
    fresh = replaying._Programs()
    monkeypatch.setattr(replaying, "_programs", fresh)
    return lambda: [not isinstance(found, int) for found in fresh._found.values()]


def gradients_of(f, *sources):
    recording = Recording()
    with recording.opened():
        y = f(*sources)
    return recording.gradient([y], [[x] for x in sources], [jnp.ones_like(y)])


@pytest.mark.parametrize(
    "f",
    [
        lambda x, w: jnp.sum(jnp.tanh(x @ w) ** 2),
        lambda x, w: jnp.sum(jax.nn.relu(x @ w) * x),
        lambda x, w: jnp.sum(jax.nn.log_softmax(w @ x)[1:]) * x[0],
        lambda x, w: jnp.sum(w[jnp.argsort(x)[0]] * jnp.where(x > 0.4, x, 2.0)),
        lambda x, w: jnp.sum(x.at[1].set(w[0, 0]) * x),
        lambda x, w: jnp.sum(jax.random.normal(jax.random.key(3), (3,)) * x) + w[1, 1],
        lambda x, w: jax.lax.fori_loop(0, 3, lambda i, a: a * x[i], w[2, 2]),
    ],
)
def test_each_time_the_derivatives_are_those_of_the_values_of_that_time(f):
    for step in range(5):
        x = jnp.asarray([0.3, 0.5, 0.8]) * (step + 1)
        w = MATRIX - 0.3 * step
        for found, right in zip(gradients_of(f, x, w), jax.grad(f, (0, 1))(x, w)):
            np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)


def test_what_came_up_a_few_times_is_compiled_by_structure_and_shapes(programs):
    f = lambda x: jnp.sum(jnp.sin(x) * MATRIX)
    for step in range(1, 3):
        gradients_of(f, MATRIX + step)
    assert programs() == [False]
    gradients_of(f, MATRIX + 3)
    assert programs() == [True]
    gradients_of(f, MATRIX[0])  # another shape
    gradients_of(lambda x: jnp.sum(jnp.cos(x) * MATRIX), MATRIX + 1)  # another function
    gradients_of(f, MATRIX)  # the same array twice
    assert programs() == [True, False, False, False]


def test_a_branch_of_the_loop_is_a_structure_of_its_own():
    def f(x):
        return x * x if x > 0 else -3 * x

    for value in (2.0, -1.0, 4.0, -1.0, 5.0, -1.0, 6.0, -2.0):
        expected = 2 * value if value > 0 else -3
        assert float(gradients_of(f, jnp.asarray(value))[0]) == expected


def test_numbers_that_python_computed_are_those_of_each_step():
    for step in range(5):
        (found,) = gradients_of(lambda x, step=step: x * x * step, jnp.asarray(2.0))
        assert float(found) == 4 * step


def test_derivatives_of_compiled_derivatives(programs):
    def slope(x):
        return gradients_of(lambda x: jnp.sum(jnp.sin(x) ** 2), x)[0]

    x = jnp.asarray([0.3, 0.5])
    for _ in range(5):
        np.testing.assert_allclose(
            gradients_of(lambda x: jnp.sum(slope(x)), x)[0], 2 * jnp.cos(2 * x), rtol=1e-5
        )
    assert any(programs())


def test_a_value_that_was_made_moves_what_follows_and_what_lies_before():
    for _ in range(4):
        x, recording = jnp.asarray(3.0), Recording()
        with recording.opened():
            y = x * x
            z = y * x
        found = recording.gradient([z, z], [[x], [y]], [jnp.ones(()), jnp.ones(())])
        assert [float(g) for g in found] == [27.0, 3.0]


def test_functions_with_a_derivative_of_their_own_are_not_compiled(programs):
    for step in range(4):
        double = jax.custom_jvp(lambda x: x * x)
        double.defjvp(lambda primals, tangents: (primals[0] ** 2, 7.0 * tangents[0]))
        assert float(gradients_of(double, jnp.asarray(2.0 + step))[0]) == 7.0
    assert programs() == []


def test_structures_are_few_and_hold_no_values(programs, monkeypatch):
    monkeypatch.setattr(replaying, "_KEPT", 3)
    x = jnp.ones(1000)
    freed = weakref.ref(x)
    for count in range(1, 8):
        for _ in range(3):
            gradients_of(lambda x, count=count: sum(x * k for k in range(count)), x)
    assert programs() == [True] * 3
    del x
    gc.collect()
    assert freed() is None


def test_a_replay_by_hand():
    w = jnp.asarray(4.0)
    y = -w
    z = y + y
    negate = Operation(jax.lax.neg_p, [w], {}, [y], [])
    double = Operation(jax.lax.add_p, [y, y], {}, [z], [])
    found = Replay([negate, double], [w], [z]).pull({id(z): jnp.asarray(3.0)})
    assert float(found[id(w)]) == -6
