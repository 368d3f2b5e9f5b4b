"""Masks in inner transformations: carried by ours, an error under those of JAX, never lost."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, lift, ops
from fkeras.core.values.masks import get_mask, set_mask
from fkeras.errors import PureCallError

from .forms import OURS_ONCE, RAW_ONCE, keys

TOKENS = jnp.array([[1, 2, 0, 0], [3, 0, 0, 0]])
X = jax.random.normal(jax.random.key(0), (2, 4, 4))
MASK = TOKENS != 0
KEPT = pytest.mark.parametrize("kept", [False, True], ids=["inline", "kept"])
# Outside of programs a rule is not traced, and a mask on an array comes in.
NOT_CUT_OFF = ("cond", "switch", "custom_vjp")
CUT_OFF = {name: form for name, form in RAW_ONCE.items() if name not in NOT_CUT_OFF}
# The forms of these are functions of one tensor; `remat of remat` carries a mask through two.
CARRYING = OURS_ONCE | {
    "cond of one layer": lambda f: lambda x: lift.cond(jnp.isfinite(x[0, 0, 0]), f, f, x),
    "ops.cond": lambda f: (
        lambda x: ops.cond(jnp.isfinite(x[0, 0, 0]), lambda: f(x), lambda: 2.0 * f(x))
    ),
    "ops.switch": lambda f: lambda x: ops.switch(0, [f, f], x),
    "ops.cond of remat": lambda f: (
        lambda x: ops.cond(True, lambda: fkeras.remat(f)(x), lambda: f(x))
    ),
}
del CARRYING["lift.cond"]


class Recurrent(layers.Layer):
    """A layer that uses masks, behind one that makes them or alone."""

    def __init__(self, form, kept=False, embeds=True):
        super().__init__()
        self.supports_masking = True
        self.embedding = layers.Embedding(5, 4, mask_zero=True) if embeds else layers.Identity()
        self.rnn = layers.SimpleRNN(3)
        self.form = form
        self.kept = form(self.inner) if kept else None

    def inner(self, x):
        return self.rnn(x)

    def call(self, x):
        return (self.kept or self.form(self.inner))(self.embedding(x))


def plain(embeds=True):
    return Recurrent(lambda f: f, embeds=embeds)


@pytest.fixture(scope="module")
def reference():
    layer = plain()
    variables = layer.init(keys()[0], TOKENS)
    return variables, layer.apply(variables, TOKENS)[0]


@KEPT
@pytest.mark.parametrize("form", CARRYING.values(), ids=CARRYING)
def test_ours_carry_masks(form, kept, reference):
    variables, expected = reference
    layer = Recurrent(form, kept)
    layer.init(keys()[0], TOKENS)
    for run in (layer.apply, jax.jit(layer.apply), layer.apply):
        np.testing.assert_allclose(run(variables, TOKENS)[0], expected, atol=1e-6)
    facade = plain()
    layer(TOKENS), facade(TOKENS)
    layer.set_weights(facade.get_weights())
    np.testing.assert_allclose(layer(TOKENS), facade(TOKENS), atol=1e-6)


@KEPT
@pytest.mark.parametrize("form", CUT_OFF.values(), ids=CUT_OFF)
def test_those_of_jax_raise_where_a_mask_cannot_come_in(form, kept, reference):
    layer = Recurrent(form, kept)
    layer.init(keys()[0], TOKENS)
    for run in (layer.apply, jax.jit(layer.apply)):
        with pytest.raises(PureCallError, match="uses masks .*`mask=`; None says .*fkeras.remat"):
            run(reference[0], TOKENS)
    with pytest.raises(PureCallError, match="uses masks"):
        layer(TOKENS)


def test_a_rule_of_jax_loses_no_mask(reference):
    layer = Recurrent(RAW_ONCE["custom_vjp"])
    layer.init(keys()[0], TOKENS)
    np.testing.assert_allclose(layer.apply(reference[0], TOKENS)[0], reference[1], atol=1e-6)
    for run in (jax.jit(layer.apply), jax.grad(lambda v, t: layer.apply(v, t)[0].sum())):
        with pytest.raises(PureCallError, match="uses masks"):
            run(reference[0], TOKENS)


@pytest.mark.parametrize(
    "form",
    [
        lambda f: fkeras.remat(jax.jit(f)),
        lambda f: jax.jit(fkeras.remat(f)),
        lambda f: lambda x: lift.scan(lambda c, _: (c, jax.jit(f)(x)), 0.0, length=1)[1][0],
        jax.vmap,
    ],
)
def test_a_mask_is_not_lost_between_ours_and_those_of_jax(form, reference):
    layer = Recurrent(form)
    if form is jax.vmap:
        layer.inner = lambda row: layer.rnn(row[None])[0]
    layer.init(keys()[0], TOKENS)
    with pytest.raises(PureCallError, match="uses masks"):
        layer.apply(reference[0], TOKENS)


@pytest.mark.parametrize("form", CUT_OFF.values(), ids=CUT_OFF)
def test_the_mask_of_an_entrys_input_is_not_lost(form):
    layer = Recurrent(form, embeds=False)
    variables = layer.init(keys()[0], X)
    np.testing.assert_allclose(
        layer.apply(variables, X)[0], plain(False).apply(variables, X)[0], atol=1e-6
    )
    with pytest.raises(PureCallError, match="uses masks"):
        layer.apply(variables, X, mask=MASK)
    masked = jnp.copy(X)
    masked._keras_mask = MASK
    with pytest.raises(PureCallError, match="uses masks"):
        layer(masked)
    weights = (layer.trainable_variables, layer.non_trainable_variables)
    with pytest.raises(PureCallError, match="uses masks"):
        layer.stateless_call(*weights, masked)


@pytest.mark.parametrize("transform", [jax.jit, jax.checkpoint])
@pytest.mark.parametrize("passed", [True, False])
def test_a_mask_may_be_passed_and_none_said(transform, passed, reference):
    class Passing(Recurrent):
        def inner(self, x, mask=None):
            return self.rnn(x, mask=mask)

        def call(self, x):
            x = self.embedding(x)
            return transform(self.inner)(x, get_mask(x) if passed else None)

    layer = Passing(None)
    layer.init(keys()[0], TOKENS)
    y, _ = layer.apply(reference[0], TOKENS)
    assert np.allclose(y, reference[1], atol=1e-6) is passed


def test_masks_of_outputs_come_out_and_stack():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(5, 4, mask_zero=True)

        def call(self, tokens):
            masks = [get_mask(fkeras.remat(self.embedding)(tokens))]
            masks += [get_mask(lift.cond(True, self.embedding, self.embedding, tokens))]
            masks += [get_mask(lift.vmap(self.embedding)(tokens))]
            masks += [get_mask(lift.scan(lambda c, row: (c, self.embedding(row)), 0.0, tokens)[1])]
            masks += [get_mask(ops.scan(lambda c, row: (c, self.embedding(row)), 0.0, tokens)[1])]
            masks += [get_mask(ops.map(self.embedding, tokens))]
            masks += [get_mask(ops.vectorized_map(self.embedding, tokens))]
            masks += [get_mask(ops.cond(True, *[lambda: self.embedding(tokens)] * 2))]
            masks += [get_mask(ops.switch(1, [self.embedding] * 2, tokens))]
            return jnp.stack(masks)

    layer = Outer()
    variables = layer.init(keys()[0], TOKENS)
    for run in (layer.apply, jax.jit(layer.apply)):
        np.testing.assert_array_equal(run(variables, TOKENS)[0], [MASK] * 9)


@pytest.mark.parametrize(
    "over_rows",
    [
        lambda f, xs: lift.scan(lambda c, row: (c, f(row)), 0.0, xs)[1],
        lambda f, xs: ops.scan(lambda c, row: (c, f(row)), 0.0, xs)[1],
        ops.map,
        ops.vectorized_map,
    ],
    ids=["lift.scan", "ops.scan", "ops.map", "ops.vectorized_map"],
)
def test_rows_have_their_masks(over_rows):
    class Outer(Recurrent):
        def call(self, tokens):
            return over_rows(self.rnn, self.embedding(tokens))

    layer, by_hand = Outer(None), plain()
    stacked = jnp.stack([TOKENS, TOKENS[::-1]])
    variables = layer.init(keys()[0], stacked)
    expected = [by_hand.apply(variables, tokens)[0] for tokens in stacked]
    np.testing.assert_allclose(layer.apply(variables, stacked)[0], expected, atol=1e-6)


def test_apply_reads_and_attaches_no_hidden_mask():
    embedding, rnn = layers.Embedding(5, 4, mask_zero=True), layers.SimpleRNN(3)
    masked = embedding(TOKENS)
    variables = rnn.init(keys()[0], masked)
    y, _ = rnn.apply(variables, masked)
    np.testing.assert_allclose(y, jax.jit(rnn.apply)(variables, masked)[0], atol=1e-6)
    value, _ = jax.value_and_grad(lambda x: rnn.apply(variables, x)[0].sum())(masked)
    np.testing.assert_allclose(value, y.sum(), rtol=1e-5)
    assert get_mask(masked) is not None
    out, _, mask = embedding.apply(embedding.init(keys()[0], TOKENS), TOKENS, return_mask=True)
    assert get_mask(out) is None
    np.testing.assert_array_equal(mask, MASK)
    y, _ = rnn.apply(variables, out, mask=mask)
    assert not np.allclose(y, rnn.apply(variables, out)[0])


def test_remat_scope_around_an_encoder_carries_its_mask():
    def make():
        return fkeras.Sequential([layers.Embedding(5, 4, mask_zero=True), layers.Dense(4)])

    with fkeras.RematScope("full"):
        encoder = make()
    models = [fkeras.Sequential([e, layers.SimpleRNN(3)]) for e in (make(), encoder)]
    variables = models[0].init(keys()[0], TOKENS)
    models[1].init(keys()[0], TOKENS)
    a, b = (jax.jit(model.apply)(variables, TOKENS)[0] for model in models)
    np.testing.assert_allclose(a, b, atol=1e-6)


LOOPS = {
    "lift.scan": lambda f, x: lift.scan(lambda c, _: (f(c), None), x, length=2)[0],
    "ops.scan": lambda f, x: ops.scan(lambda c, _: (f(c), None), x, length=2)[0],
    "ops.fori_loop": lambda f, x: ops.fori_loop(0, 2, lambda i, c: f(c), x),
    "ops.while_loop": lambda f, x: ops.while_loop(
        lambda i, c: i < 2, lambda i, c: (i + 1, f(c)), (0, x)
    )[1],
}
EACH_LOOP = pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)


@EACH_LOOP
def test_a_mask_on_a_carry_goes_from_run_to_run(loop):
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.masking = layers.Masking(0.0)
            self.rnn = layers.SimpleRNN(4, return_sequences=True)

        def call(self, x):
            x = self.masking(x)
            if self.by_hand:
                y = self.rnn(self.rnn(x))
            else:
                y = loop(self.rnn, x)
            return y, get_mask(y)

    layer = Outer()
    layer.by_hand = True
    x = X * MASK[:, :, None]
    variables = layer.init(keys()[0], x)
    (expected, mask), _ = layer.apply(variables, x)
    layer.by_hand = False
    (y, carried), _ = layer.apply(variables, x)
    np.testing.assert_allclose(y, expected, atol=1e-6)
    np.testing.assert_array_equal(carried, mask)


@EACH_LOOP
def test_a_carry_that_gets_a_mask_is_an_error(loop):
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.masking = layers.Masking(0.0)

        def call(self, x):
            return loop(self.masking, x)

    with pytest.raises(PureCallError, match="first one has none.*mask of ones"):
        Outer()(X)


@pytest.mark.parametrize(
    ("in_axes", "out_axes"),
    [(0, 0), (({"x": 0, "scale": None},), 0), (({"x": 2, "scale": None},), 1), ((0,), -2)],
)
def test_a_vmap_takes_axes_of_parts_and_carries_masks_along_them(in_axes, out_axes):
    x = jax.random.normal(jax.random.key(0), (3, 2, 4))
    mask = jnp.arange(24).reshape(3, 2, 4) % 3 > 0
    is_last = isinstance(in_axes, tuple) and in_axes[0] != 0 and in_axes[0]["x"] == 2
    data = {
        "x": jnp.moveaxis(x, 0, -1) if is_last else x,
        "scale": jnp.ones(3) if in_axes in (0, (0,)) else jnp.float32(1),
    }
    set_mask(data["x"], jnp.moveaxis(mask, 0, -1) if is_last else mask)

    class Member(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, data):
            seen.append(get_mask(data["x"]) is not None)
            y = data["x"] * data["scale"]
            set_mask(y, get_mask(data["x"]))
            return y

    seen = []
    y = lift.vmap(Member(), in_axes=in_axes, out_axes=out_axes)(data)
    np.testing.assert_allclose(y, jnp.moveaxis(x, 0, out_axes))
    assert all(seen)
    np.testing.assert_array_equal(get_mask(y), jnp.moveaxis(mask, 0, out_axes))


def test_a_vmap_takes_keywords():
    x, shift = jnp.ones((3, 4)), jnp.arange(3.0)
    function = lambda x, shift=0.0, scale=1.0: x * scale + shift
    for run in (lift.vmap, jax.vmap):
        y = run(function)(x, shift=shift, scale=2 * shift)
        np.testing.assert_allclose(y, jnp.ones((3, 4)) * (2 * shift + shift)[:, None])


@pytest.mark.parametrize(
    ("in_axes", "message"),
    [((0, 0), "2 entries, but there are 1"), (({"y": 0},), "do not fit"), (None, "no argument")],
)
def test_axes_that_do_not_fit_are_errors(in_axes, message):
    with pytest.raises(PureCallError, match=message):
        lift.vmap(lambda data: data["x"], in_axes=in_axes)({"x": jnp.ones((2, 2))})


@EACH_LOOP
def test_a_mask_that_a_run_drops_is_one_of_ones(loop):
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.masking = layers.Masking(0.0)

        def call(self, x):
            return get_mask(loop(lambda c: c + 1.0, self.masking(x)))

    assert np.all(Outer()(X * MASK[:, :, None]))


@EACH_LOOP
def test_masks_that_arise_and_end_in_a_loop_are_none_outside(loop):
    class Outer(Recurrent):
        def call(self, tokens):
            sums = loop(lambda c: c + self.rnn(self.embedding(tokens)), jnp.zeros((2, 3)))
            return fkeras.remat(self.rnn)(jnp.stack([sums, sums], axis=1) @ jnp.ones((3, 4)))

    layer = Outer(None)
    variables = layer.init(keys()[0], TOKENS)
    y = plain().apply(variables, TOKENS)[0]
    twice = jnp.stack([2 * y, 2 * y], axis=1) @ jnp.ones((3, 4))
    expected, _ = layer.rnn.apply({"params": variables["params"]["rnn"]}, twice)
    for run in (layer.apply, jax.jit(layer.apply)):
        np.testing.assert_allclose(run(variables, TOKENS)[0], expected, atol=1e-6)


def test_masks_of_plain_functions_come_in_and_out_outside_of_calls():
    x = X + 0
    set_mask(x, MASK)
    for y in (ops.map(lambda row: row, x), ops.fori_loop(0, 2, lambda i, c: c, x)):
        np.testing.assert_array_equal(get_mask(y), MASK)


CHOICES = {
    "lift.cond": lambda p, f, g, x: lift.cond(p, f, g, x),
    "ops.cond": lambda p, f, g, x: ops.cond(p, lambda: f(x), lambda: g(x)),
    "ops.switch": lambda p, f, g, x: ops.switch(jnp.int32(p), [f, g], x),
}


@pytest.mark.parametrize("choose", CHOICES.values(), ids=CHOICES)
def test_a_choice_with_a_mask_on_one_side_alone_is_an_error(choose):
    class Chosen(layers.Layer):
        def __init__(self):
            super().__init__()
            self.masking = layers.Masking()

        def call(self, x):
            return choose(x[0, 0, 0] > 0, self.masking, lambda x: 2 * x, x)

    with pytest.raises(PureCallError, match="one branch returns a mask"):
        Chosen()(X)
