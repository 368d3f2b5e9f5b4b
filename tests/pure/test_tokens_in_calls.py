"""Kept inner functions inside calls that change what travels beside the arguments."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, lift
from fkeras.errors import PureCallError

from .forms import Block, keys, plain

X = jnp.ones((2, 4))
EMPTY = {"params": {}, "state": {}}


class Doubling(layers.Layer):
    """Twice the inputs in training."""

    def call(self, x, training=False):
        return 2 * x if training else x


class Keeping(layers.Layer):
    """A layer that keeps a compiled part."""

    def __init__(self, part, form=jax.jit):
        super().__init__()
        self.part = part
        self.run = form(lambda x: part(x))

    def build(self, shape):
        self.part.build(shape)

    def call(self, x, training=None):
        return self.run(x)


class Turning(layers.Layer):
    """A layer that calls its part with one `training` after the other."""

    def __init__(self, form):
        super().__init__()
        self.part = Keeping(Doubling(), form)

    def call(self, x, training=None):
        turns = [self.part(x, training=t)[0, 0] for t in (False, True, False)]
        return jnp.stack([*turns, self.part(x)[0, 0]])


@pytest.mark.parametrize("form", [jax.jit, jax.checkpoint, lambda f: jax.jit(fkeras.remat(f))])
@pytest.mark.parametrize("how", ["apply", "jit", "facade"])
def test_training_may_change_within_a_call(form, how):
    layer = Turning(form)
    runs = {
        "apply": lambda training: layer.apply(EMPTY, X, training=training)[0],
        "jit": lambda training: jax.jit(lambda: layer.apply(EMPTY, X, training=training)[0])(),
        "facade": lambda training: layer(X, training=training),
    }
    for training in (None, True, False):
        assert runs[how](training).tolist() == [1, 2, 1, 2 if training else 1]


def test_the_compute_dtype_may_change_within_a_call():
    shared = layers.Dense(2, kernel_initializer="ones", use_bias=False)
    shared.build((None, 2))
    read = jax.jit(lambda: shared.kernel.value.astype("float32"))

    class Reading(layers.Layer):
        def __init__(self, dtype):
            super().__init__(dtype=dtype)
            self.shared = shared

        def call(self, x):
            return read()

    class Both(layers.Layer):
        def __init__(self):
            super().__init__()
            self.half, self.full = Reading("mixed_bfloat16"), Reading("float32")

        def call(self, x):
            return jnp.stack([self.half(x), self.full(x)])

    layer = Both()
    fine = 1.001  # not a bfloat16
    variables = jax.tree.map(lambda a: a * fine, layer.init(keys()[0], X))
    shared.kernel.assign(jnp.full((2, 2), fine))
    for run in (lambda: layer.apply(variables, X)[0], lambda: layer(X)):
        for _ in range(2):
            np.testing.assert_array_equal(run()[:, 0, 0], np.float32([1, fine]))


class Difference(layers.Layer):
    """What its part gives with other variables, less what it gives with its own."""

    def __init__(self, part):
        super().__init__()
        self.part = part

    def build(self, shape):
        self.part.build(shape)

    def call(self, x):
        return self.part.apply(self.others, x)[0] - self.part(x)


def test_a_kept_function_tells_calls_in_one_trace_apart():
    layer = Keeping(layers.Dense(3, use_bias=False))
    first = layer.init(keys()[0], X)
    second = jax.tree.map(lambda a: 3 * a, first)
    expected = 2 * X @ first["params"]["part"]["kernel"]

    def difference(p, q):
        return layer.apply(q, X)[0] - layer.apply(p, X)[0]

    for run in (difference, difference, jax.jit(difference)):
        np.testing.assert_allclose(run(first, second), expected, rtol=1e-5)
    np.testing.assert_allclose(jax.jit(lambda: difference(first, second))(), expected, rtol=1e-5)
    np.testing.assert_allclose(
        jax.jvp(lambda q: difference(first, q), (second,), (first,))[1], expected / 2, rtol=1e-5
    )
    scales = jnp.array([3.0, 1.0])
    members = jax.vmap(lambda s: difference(first, jax.tree.map(lambda a: s * a, first)))(scales)
    np.testing.assert_allclose(members, [expected, 0 * expected], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("transform", [lambda f: f, jax.jit])
def test_a_pure_call_inside_a_call_leaves_no_trace_behind(transform):
    part = Keeping(layers.Dense(3, use_bias=False))
    drawn = part.init(keys()[0], X)
    outer = Difference(part)
    outer.others = jax.tree.map(lambda a: 3 * a, drawn)
    own = {"params": {"part": drawn["params"]}, "state": {}}
    expected = 2 * X @ drawn["params"]["part"]["kernel"]
    for _ in range(2):
        np.testing.assert_allclose(transform(outer.apply)(own, X)[0], expected, rtol=1e-5)


def test_eager_calls_compile_nothing_at_their_second_call(compilations):
    model = fkeras.Sequential([layers.Dense(3), layers.Dropout(0.5), layers.BatchNormalization()])
    variables = model.init(keys()[0], X)
    for training in (False, True):
        model.apply(variables, X, training=training, rngs=keys()[0])
        model(X, training=training)
        with compilations() as compiled:
            model.apply(variables, X, training=training, rngs=keys()[1])
            model(X, training=training)
        assert compiled == []


def test_a_kept_function_without_draws_is_compiled_once(compilations):
    layer = Keeping(layers.Dense(3))
    variables = layer.init(keys()[0], X)
    for _ in range(2):
        layer.apply(variables, X, training=False)
    with compilations() as compiled:
        layer.apply(variables, X, training=False)
    assert compiled == []


@pytest.mark.parametrize("form", [plain, jax.jit, jax.checkpoint, fkeras.remat])
def test_stateless_calls_take_training_and_states_of_generators(form):
    layer, by_hand = (Block(layers.Dropout(0.5, seed=3), f) for f in (form, plain))
    layer(X), by_hand(X)
    state = expected_state = [v.value for v in layer.non_trainable_variables]
    for training in (True, True, False, True):
        y, state = layer.stateless_call([], state, X, training=training)
        expected, expected_state = by_hand.stateless_call([], expected_state, X, training=training)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(state, expected_state)


def test_threads_draw_with_their_own_keys():
    layer = Keeping(layers.Dropout(0.5))
    outputs, start = {}, threading.Barrier(3)

    def work(i):
        start.wait()
        for turn in range(2):
            outputs[i, turn] = layer.apply(EMPTY, X, training=True, rngs=keys(3)[i])[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (i, _), y in outputs.items():
        expected = layer.apply(EMPTY, X, training=True, rngs=keys(3)[i])[0]
        np.testing.assert_array_equal(y, expected)
    assert len(outputs) == 6


@pytest.mark.parametrize(
    "loop",
    [
        lambda f, x: jax.lax.scan(lambda c, r: (c, fkeras.remat(f)(r)), 0.0, x)[1],
        lambda f, x: jax.vmap(fkeras.remat(f))(x),
        lambda f, x: jax.lax.map(lambda r: lift.cond(True, f, f, r), x),
    ],
)
def test_a_loop_of_jax_around_ours_refuses_draws(loop):
    layer = Block(layers.Dropout(0.5), lambda f: lambda x: loop(f, x))
    for run in (
        lambda: layer.apply(EMPTY, X, training=True, rngs=keys()[0]),
        lambda: layer(X, training=True),
    ):
        with pytest.raises(PureCallError, match="inside a scan, while, map or vmap"):
            run()


def test_loops_of_ours_in_each_other_draw_anew():
    def twice(f):
        return lambda x: lift.scan(
            lambda c, r: (c, lift.vmap(lambda _: fkeras.remat(f)(r))(jnp.arange(3))), 0.0, x
        )[1]

    layer = Block(layers.Dropout(0.5), twice)
    x = jnp.ones((2, 16))
    for y in (
        layer.apply(EMPTY, x, training=True, rngs=keys()[0])[0],
        layer(x, training=True),
    ):
        assert len({row.tobytes() for row in np.asarray(y).reshape(6, 16)}) == 6


@pytest.mark.parametrize("form", [lambda f: jax.jit(fkeras.remat(f)), fkeras.remat])
@pytest.mark.parametrize("kept", [False, True])
def test_ours_inside_those_of_jax_take_keys_and_training(form, kept):
    layer = Block(layers.Dropout(0.5, seed=3), form, kept, 2)
    by_hand = Block(layers.Dropout(0.5, seed=3), plain, times=2)
    for key in keys():
        y, _ = layer.apply(EMPTY, X, training=True, rngs=key)
        expected, _ = by_hand.apply(EMPTY, X, training=True, rngs=key)
        np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(layer.apply(EMPTY, X)[0][0], X)
    for training in (None, True, True, False):
        np.testing.assert_array_equal(layer(X, training=training), by_hand(X, training=training))


def test_a_loop_of_ours_in_a_kept_jit_draws_anew_in_the_facade():
    class Kept(layers.Layer):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.5)
            self.loop = jax.jit(lambda x: fkeras.ops.map(self.drop, x))

        def call(self, x):
            return jnp.stack([self.loop(x), self.loop(x)])

    layer = Kept()
    first, second = layer(jnp.ones((2, 64)), training=True)
    again, _ = layer(jnp.ones((2, 64)), training=True)
    masks = {tuple((row == 0).tolist()) for rows in (first, second, again) for row in rows}
    assert len(masks) == 6


def test_a_loop_inside_of_what_refuses_draws_refuses_them_too():
    class Inner(layers.Layer):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.5)

        def call(self, x):
            def combine(a, b):
                return a + fkeras.ops.map(self.drop, b)

            return fkeras.ops.associative_scan(combine, x)

    with pytest.raises(PureCallError, match="`associative_scan`.*Draw outside"):
        Inner().apply({"params": {}}, jnp.ones((4, 3)), training=True, rngs=jax.random.key(0))
