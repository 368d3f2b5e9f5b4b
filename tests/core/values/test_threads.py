"""Lending under threads: each has its own scopes, one object serves them all."""

import threading
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np

import fkeras
from fkeras import Variable
from fkeras.core.scoped import snapshot
from fkeras.core.values import lending


def test_two_threads_lend_different_values_to_one_layer_at_the_same_time():
    layer = fkeras.layers.Dense(2, use_bias=False)
    layer.build((None, 2))
    own = layer.kernel.numpy()
    both_inside = threading.Barrier(2, timeout=600)

    class Slow(fkeras.layers.Layer):
        def call(self, x):
            both_inside.wait()  # the values are lent on both threads now
            return layer(x)

    slow = Slow()
    slow.inner = layer
    x = jnp.ones((1, 2))

    def run(value):
        variables = {"params": {"inner": {"kernel": jnp.full((2, 2), value)}}, "state": {}}
        outputs, _ = slow.apply(variables, x)
        return outputs.tolist()

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, (1.0, 10.0)))
    assert results == [[[2, 2]], [[20, 20]]]
    np.testing.assert_array_equal(layer.kernel.numpy(), own)


def test_many_threads_lend_and_differentiate_at_once():
    v = Variable(jnp.ones(3), name="w")

    def loss(value):
        return (lending.call(lambda: v * v, [v], [value])[0]).sum()

    def run(i):
        value = jnp.full((3,), float(i))
        return np.asarray(jax.grad(loss)(value)).tolist()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(24))) == [[2.0 * i] * 3 for i in range(24)]


def test_a_writing_thread_does_not_reach_a_value_that_is_lent_elsewhere():
    v = Variable(jnp.zeros(()), name="count", trainable=False)
    written, read = threading.Event(), threading.Event()
    seen = []

    def lend():
        def body():
            seen.append(float(v))
            read.set()
            assert written.wait(600)
            seen.append(float(v))
            v.assign(v + 1)

        return float(lending.call(body, [v], [jnp.full((), 5.0)])[1][0])

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(lend)
        assert read.wait(600)
        v.assign(100.0)  # the object's own value
        written.set()
        assert result.result() == 6.0
    assert seen == [5.0, 5.0] and float(v) == 100.0


def test_a_thread_without_a_snapshot_sees_the_objects_own_value():
    v = Variable(jnp.zeros(()))
    look = lambda: float(v)

    def body():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(look).result(), pool.submit(snapshot().run, look).result()

    assert lending.call(body, [v], [jnp.ones(())])[0] == (0.0, 1.0)


def test_what_a_carried_thread_writes_comes_out_of_the_call():
    v = Variable(jnp.zeros(()), trainable=False)

    def body():
        with ThreadPoolExecutor(1) as pool:
            pool.submit(snapshot().run, v.assign, 7.0).result()

    assert float(lending.call(body, [v], [jnp.ones(())])[1][0]) == 7.0 and float(v) == 0.0


def test_autocast_of_one_thread_does_not_change_what_another_reads():
    v = Variable(jnp.ones(2))
    with lending.autocast("bfloat16"), ThreadPoolExecutor(1) as pool:
        assert v.value.dtype == jnp.bfloat16
        assert pool.submit(lambda: v.value.dtype).result() == jnp.float32
