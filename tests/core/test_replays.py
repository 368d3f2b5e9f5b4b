"""Records that are run again, and compiled once that pays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core import replays
from fkeras.core.recording import Recording


@pytest.fixture
def known(monkeypatch):
    """The programs that are known, none at first; each is compiled at once."""
    monkeypatch.setattr(replays, "_known", type(replays._known)())
    monkeypatch.setattr(replays, "_COMPILING", -1.0)
    monkeypatch.setattr(replays, "_COMPILING_STEP", 0.0)
    return replays._known


def slope(f, x, *others):
    recording = Recording()
    with recording.opened():
        y = f(x, *others)
    return recording.gradient([y], [[x]], [jnp.ones_like(y)])[0]


def weighted(x, w):
    return jnp.sum(jnp.tanh(x @ w) ** 2, axis=-1) * 3


def right_slope(x, w):
    return jax.grad(lambda x: jnp.sum(weighted(x, w)))(x)


def test_steps_of_a_loop_are_one_program_whatever_their_values(known):
    for seed in range(3):
        x, w = np.random.default_rng(seed).normal(size=(2, 4, 4)).astype("float32")
        x, w = jnp.asarray(x), jnp.asarray(w)
        np.testing.assert_allclose(slope(weighted, x, w), right_slope(x, w), rtol=1e-5, atol=1e-6)
    (one,) = known.values()
    assert one.compiled._cache_size() == 1
    x, w = jnp.ones((2, 4)), jnp.ones((4, 4))  # a last batch that is smaller
    np.testing.assert_allclose(slope(weighted, x, w), right_slope(x, w), rtol=1e-5, atol=1e-6)


def test_programs_that_differ_in_a_parameter_or_in_who_reads_what_are_told_apart(known):
    x, y = jnp.asarray([[1.0, 2.0], [3.0, 4.0]]), jnp.asarray([[5.0, 6.0], [7.0, 8.0]])
    functions = [
        lambda x, y: jnp.sum(jnp.sum(x, axis=0) ** 2),
        lambda x, y: jnp.sum(jnp.sum(x, axis=1) ** 2),
        lambda x, y: jnp.sum(x - y * x),
        lambda x, y: jnp.sum(y * x - x),
        lambda x, y: jnp.sum(x * 2 * y),
        lambda x, y: jnp.sum(x * 3 * y),
        lambda x, y: jnp.sum(x**2 * y),
        lambda x, y: jnp.sum(x**3 * y),
    ]
    for f in functions * 2:
        np.testing.assert_allclose(slope(f, x, y), jax.grad(f)(x, y), rtol=1e-6)


def test_a_source_in_between_counts_with_what_lies_before_it(known):
    for value in (2.0, 3.0):
        x, recording = jnp.asarray(value), Recording()
        with recording.opened():
            y = x * x
            z = y * x
        slopes = recording.gradient([z, y], [[x], [y]], [jnp.asarray(1.0), jnp.asarray(10.0)])
        assert [float(s) for s in slopes] == [3 * value**2 + 20 * value, value + 10]
    assert len(known) == 1


def test_a_tape_around_hears_of_each_operation(known):
    x, w, outer, inner = jnp.asarray([1.0, 2.0]), jnp.asarray(3.0), Recording(), Recording()
    b = jnp.asarray(5.0)
    with outer.opened():
        with inner.opened():
            y = jnp.sum(w * x**3 + b)
        z = jnp.sum(inner.gradient([y], [[x]], [jnp.ones(())])[0])
    slopes = outer.gradient([z], [[w], [b]], [jnp.ones(())])
    assert float(slopes[0]) == 15 and slopes[1] is None
    assert len(known) == 1  # of the outer one


def test_nothing_is_compiled_before_it_pays(known, monkeypatch):
    monkeypatch.setattr(replays, "_COMPILING", 1e9)
    x = jnp.asarray([1.0, 2.0])
    assert slope(lambda x: x * x, x).tolist() == [2, 4]
    (one,) = known.values()
    assert one.compiled is None and one.spent > 0


def test_rules_of_ones_own_and_traced_values_are_not_kept(known):
    @jax.custom_vjp
    def double(x):
        return 2 * x

    double.defvjp(lambda x: (2 * x, None), lambda _, g: (g * 7,))
    x = jnp.asarray(1.0)
    assert float(slope(double, x)) == 7
    assert float(jax.jit(lambda x: slope(jnp.sin, x))(0.0)) == 1
    assert not known


def test_only_so_many_are_kept(known, monkeypatch):
    monkeypatch.setattr(replays, "_MOST", 2)
    for power in (2, 3, 4):
        assert float(slope(lambda x, n=power: x**n, jnp.asarray(1.0))) == power
    assert len(known) == 2
