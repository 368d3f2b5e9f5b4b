"""`ops.custom_gradient` in pure calls: keys and `training` are those of the call, in the backward
pass too.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import layers, lift, ops

from .forms import keys

X = jnp.ones((2, 8))
EMPTY = {"params": {}, "state": {}}


class Masked(layers.Layer):
    """x times a mask; the rule says its gradient is that mask, times 3."""

    def __init__(self, times=1, ruled=True):
        super().__init__()
        self.dropout = layers.Dropout(0.5)
        self.times, self.ruled = times, ruled

    def _with_rule(self, x):
        mask = self.dropout(jnp.ones_like(x))
        return x * mask, lambda upstream: 3 * upstream * mask

    def call(self, x, training=None):
        function = lambda x: self._with_rule(x)[0]
        if self.ruled:
            function = ops.custom_gradient(self._with_rule)
        return jnp.stack([function(x) for _ in range(self.times)])


def _run(layer, x, key, training=True):
    return layer.apply(EMPTY, x, training=training, rngs=key)[0]


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
@pytest.mark.parametrize("order", ["grad", "grad of jit", "jit of grad"])
def test_the_backward_pass_draws_what_the_forward_pass_drew(order, wrap):
    layer = Masked(times=2)
    run = lambda x, key: _run(layer, x, key)
    inner = jax.jit(run) if order == "grad of jit" else run
    gradient = jax.grad(lambda x, key: inner(x, key)[1].sum())
    gradient = jax.jit(gradient) if order == "jit of grad" else gradient
    for key in keys():
        y = wrap(run)(X, key)
        np.testing.assert_allclose(gradient(X, key), 3 * y[1])  # x is 1: y is the mask
        assert not np.array_equal(y[0], y[1])
    first, second = (_run(layer, X, key) for key in keys())
    assert not np.array_equal(first, second)


def test_draws_are_those_of_the_function_without_a_rule():
    ruled, plain = Masked(times=2), Masked(times=2, ruled=False)
    for key in keys():
        np.testing.assert_array_equal(_run(ruled, X, key), _run(plain, X, key))


def test_training_is_that_of_the_call():
    layer = Masked()
    gradient = jax.grad(lambda x: _run(layer, x, None, training=False).sum())(X)
    np.testing.assert_array_equal(gradient, 3 * X)
    for training in (True, False, True):
        run = lambda x, training=training: _run(layer, x, keys()[0], training).sum()
        y, gradient = jax.value_and_grad(run)(X)
        np.testing.assert_allclose(gradient.sum(), 3 * y, rtol=1e-5)


def test_keys_may_be_mapped_and_streams_named():
    layer = Masked()
    gradient = lambda rngs: jax.grad(lambda x: _run(layer, x, rngs).sum())(X)
    mapped = jax.vmap(gradient)(keys())
    for row, key in zip(mapped, keys()):
        np.testing.assert_array_equal(row, gradient(key))
        np.testing.assert_array_equal(row, gradient({"dropout": key}))


def test_runs_of_our_loops_draw_each_their_own():
    class Rows(layers.Layer):
        def __init__(self):
            super().__init__()
            self.part = Masked()

        def call(self, x):
            return lift.scan(lambda c, row: (c, self.part(row[None])[0, 0]), 0.0, x)[1]

    layer, x = Rows(), jnp.ones((3, 16))
    y = _run(layer, x, keys()[0])
    gradient = jax.grad(lambda x: _run(layer, x, keys()[0]).sum())(x)
    np.testing.assert_allclose(gradient, 3 * y)
    assert len({row.tobytes() for row in np.asarray(y)}) == 3
