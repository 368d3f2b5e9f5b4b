"""Keys and `training` in inner transformations: they count as if the code stood outside."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import layers
from fkeras.errors import PureCallError

from .forms import ONCE, OPS_REPEATED, OURS_REPEATED, RAW_REPEATED, Block, keys, plain

DRAWING_ANEW = OURS_REPEATED | OPS_REPEATED

X = jnp.ones((2, 8))
EMPTY = {"params": {}, "state": {}}
KEPT = pytest.mark.parametrize("kept", [False, True], ids=["inline", "kept"])


def dropout(form, kept=False, times=1, seed=None):
    return Block(layers.Dropout(0.5, seed=seed), form, kept, times)


@functools.cache
def references(times=1):
    layer = dropout(plain, times=times)
    return [layer.apply(EMPTY, X, training=True, rngs=key)[0] for key in keys()]


@KEPT
@pytest.mark.parametrize("form", ONCE.values(), ids=ONCE)
def test_each_call_draws_with_its_own_key(form, kept):
    layer = dropout(form, kept)
    for key, expected in zip(keys(), references()):
        y, _ = layer.apply(EMPTY, X, training=True, rngs=key)
        np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(layer.apply(EMPTY, X, training=False)[0], X)
    y, _ = layer.apply(EMPTY, X, training=True, rngs=keys()[0])
    np.testing.assert_array_equal(y, references()[0])


@KEPT
@pytest.mark.parametrize("form", ONCE.values(), ids=ONCE)
def test_keys_may_be_arguments_of_jit_and_vmap(form, kept):
    layer = dropout(form, kept)
    expected = references()

    def run(key):
        return layer.apply(EMPTY, X, training=True, rngs=key)[0]

    np.testing.assert_array_equal(jax.vmap(run)(keys()), expected)
    np.testing.assert_array_equal([jax.jit(run)(key) for key in keys()], expected)
    np.testing.assert_array_equal(run(keys()[0]), expected[0])


@KEPT
@pytest.mark.parametrize("form", ONCE.values(), ids=ONCE)
def test_each_draw_in_one_call_is_its_own(form, kept):
    layer = dropout(form, kept, times=3)
    for run in (layer.apply, jax.jit(layer.apply, static_argnames="training")):
        y, _ = run(EMPTY, X, training=True, rngs=keys()[0])
        np.testing.assert_array_equal(y, references(3)[0])
    assert len({row.tobytes() for row in np.asarray(y)}) == 3


@KEPT
@pytest.mark.parametrize("form", ONCE.values(), ids=ONCE)
def test_the_facade_draws_anew_at_each_call(form, kept):
    layer, expected = dropout(form, kept, 2, seed=3), dropout(plain, times=2, seed=3)
    for training in (None, True, True, False):
        y = layer(X, training=training)
        np.testing.assert_array_equal(y, expected(X, training=training))


@KEPT
@pytest.mark.parametrize("form", RAW_REPEATED.values(), ids=RAW_REPEATED)
def test_a_draw_in_a_loop_of_jax_is_an_error(form, kept):
    layer = dropout(form, kept)
    match = "scan, while, map or vmap.*`fkeras.lift.scan` and `vmap`"
    with pytest.raises(PureCallError, match=match):
        layer.apply(EMPTY, X, training=True, rngs=keys()[0])
    with pytest.raises(PureCallError, match=match):
        jax.jit(lambda key: layer.apply(EMPTY, X, training=True, rngs=key)[0])(keys()[0])
    with pytest.raises(PureCallError, match=match):
        layer(X, training=True)
    np.testing.assert_array_equal(layer.apply(EMPTY, X)[0], X)
    np.testing.assert_array_equal(layer(X), X)


@KEPT
@pytest.mark.parametrize("form", DRAWING_ANEW.values(), ids=DRAWING_ANEW)
def test_loops_of_ours_draw_anew_in_each_run(form, kept):
    layer = dropout(form, kept, times=2)

    def run(key):
        return layer.apply(EMPTY, X, training=True, rngs=key)[0]

    first, second = (run(key) for key in keys())
    rows = {row.tobytes() for row in np.asarray([first, second]).reshape(-1, 8)}
    assert len(rows) == 2 * 2 * 2
    np.testing.assert_array_equal(jax.jit(run)(keys()[0]), first)
    np.testing.assert_array_equal(jax.vmap(run)(keys()), [first, second])
    np.testing.assert_array_equal(layer.apply(EMPTY, X, training=False)[0][0], X)
    drawn = np.concatenate([layer(X, training=True), layer(X, training=True)]).reshape(-1, 8)
    assert len({row.tobytes() for row in drawn}) == 2 * 2 * 2
    np.testing.assert_array_equal(layer(X)[1], X)


def test_a_loop_in_a_rule_is_a_loop():
    layer = dropout(lambda f: ONCE["custom_vjp"](RAW_REPEATED["scan"](f)))
    with pytest.raises(PureCallError, match="scan, while, map or vmap"):
        jax.jit(lambda key: layer.apply(EMPTY, X, training=True, rngs=key)[0])(keys()[0])
