"""Layers around foreign modules draw from the key of `init` and from the key of a call, each from
its own place.
"""

import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import fkeras
from fkeras import layers, lift
from fkeras.errors import PureCallError, UserInputError

X = np.ones((2, 4), "float32")


class Deep(linen.Module):
    traces = 0

    @linen.compact
    def __call__(self, x):
        Deep.traces += 1
        for _ in range(4):
            x = linen.Dense(4)(x)
        return x


def _jax_layer(**options):
    return layers.JaxLayer(
        lambda params, inputs: inputs @ params["a/b"]["w"],
        lambda rng, inputs: {"a/b": {"w": jax.random.normal(rng, (inputs.shape[-1], 4))}},
        **options,
    )


class Holder(layers.Layer):
    """A layer around one of these, two levels deep."""

    def __init__(self, make):
        super().__init__()
        self.parts = [make()]

    def call(self, x):
        return self.parts[0](x)


# Layers whose first values other libraries draw.
MAKERS = {
    "linen": lambda: layers.FlaxLayer(linen.Dense(4)),
    "deep linen": lambda: layers.FlaxLayer(Deep()),
    "nnx": lambda: layers.FlaxLayer(lambda rngs: nnx.Linear(4, 4, rngs=rngs)),
    "nnx partial": lambda: layers.FlaxLayer(functools.partial(nnx.Linear, 4, 4)),
    "nnx by another name": lambda: layers.FlaxLayer(lambda r: nnx.Linear(4, 4, rngs=r)),
    "functions": _jax_layer,
    "in a layer": lambda: Holder(_jax_layer),
    "nnx in a layer": lambda: Holder(MAKERS["nnx"]),
}


def _matrices(variables):
    return [x for x in jax.tree.leaves(variables["params"]) if jnp.ndim(x) >= 2]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_first_values_follow_from_the_key_and_the_place(make):
    model = fkeras.Sequential([make(), make()])
    one, other = (_matrices(model.init(jax.random.key(k), X)) for k in (0, 1))
    kernels = [*one, *other]
    assert all(float(jnp.std(k)) > 0.1 for k in kernels)
    for i, kernel in enumerate(kernels):
        for second in kernels[:i]:
            assert not np.allclose(kernel, second)
    for ours, again in zip(one, _matrices(model.init(jax.random.key(0), X))):
        np.testing.assert_array_equal(ours, again)
    traced = jax.jit(lambda key: model.init(key, X))(jax.random.key(0))
    for ours, again in zip(one, _matrices(traced)):
        np.testing.assert_allclose(ours, again, rtol=1e-6)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_facade_draws_what_init_draws_from_its_key(make):
    model = fkeras.Sequential([fkeras.Input((4,)), make(), make()])
    outputs = model(X)
    variables = model.init(model.build_key, X)
    for ours, theirs in zip(jax.tree.leaves(variables["params"]), model.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(model.apply(variables, X)[0], outputs, rtol=1e-5)
    assert not np.allclose(*[w for w in model.get_weights() if w.ndim == 2][:2])


def test_a_linen_module_alone_draws_as_linen_does():
    module = linen.Dense(4)
    ours = layers.FlaxLayer(module).init(jax.random.key(3), X)
    theirs = module.init(jax.random.key(3), X)
    for one, other in zip(jax.tree.leaves(ours["params"]), jax.tree.leaves(theirs["params"])):
        np.testing.assert_array_equal(one, other)


def test_a_module_is_initialised_once_however_many_leaves_it_has():
    layer = layers.FlaxLayer(Deep())
    layer.init(jax.random.key(0), X)
    before = Deep.traces
    layer.init(jax.random.key(1))
    assert Deep.traces - before == 1
    facade = layers.FlaxLayer(Deep())
    facade.build((None, 4))
    assert len(facade.weights) == 8
    before = Deep.traces
    facade(X)
    assert Deep.traces - before == 2  # the first values, and the call


def test_a_seed_of_its_own_decides():
    draws = [_matrices(_jax_layer(seed=1).init(jax.random.key(k), X))[0] for k in (0, 1)]
    np.testing.assert_array_equal(*draws)
    rng = jax.random.wrap_key_data(jnp.array([1, 0], jnp.uint32))
    np.testing.assert_array_equal(draws[0], jax.random.normal(rng, (4, 4)))


def test_an_nnx_module_keeps_its_values_and_init_says_so():
    module = nnx.Linear(4, 2, rngs=nnx.Rngs(0))
    layer = layers.FlaxLayer(module)
    with pytest.warns(UserWarning, match="module/bias, module/kernel belong to a flax.nnx module"):
        variables = layer.init(jax.random.key(0), X)
    np.testing.assert_array_equal(variables["params"]["module"]["kernel"], module.kernel[...])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer.init(layer.build_key, X)  # asks for these very values


def test_keys_and_statistics_of_a_made_module_are_state():
    layer = layers.FlaxLayer(
        lambda rngs: nnx.Sequential(nnx.BatchNorm(4, rngs=rngs), nnx.Dropout(0.5, rngs=rngs))
    )
    keys = jax.random.split(jax.random.key(0), 3)
    variables = jax.vmap(lambda key: layer.init(key, X))(keys)
    names = ["/".join(str(p.key) for p in path) for path, _ in jax.tree.leaves_with_path(variables)]
    assert "state/module/layers/1/rngs/key" in names and "state/module/layers/0/mean" in names
    assert layer(X, training=False).shape == X.shape  # in the facade too


@pytest.mark.parametrize("wrong", [lambda rngs: 3, layers.Dense])
def test_a_function_must_return_a_module(wrong):
    with pytest.raises((UserInputError, TypeError)):
        layers.FlaxLayer(wrong)
    with pytest.raises(UserInputError, match="It returned 3 of type int"):
        layers.FlaxLayer(lambda rngs: 3)


# -- random streams in calls -------------------------------------------------------


class Drop(nnx.Module):
    def __init__(self, rngs):
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.noise = nnx.Rngs(noise=3)

    def __call__(self, x, deterministic=False):
        if deterministic:
            return x
        return self.drop(x) + jax.random.normal(self.noise.noise(), x.shape)


class LinenDrop(linen.Module):
    @linen.compact
    def __call__(self, x, train=False):
        return linen.Dropout(0.5, deterministic=not train)(x)


DROPS = {
    "nnx": lambda: layers.FlaxLayer(nnx.Dropout(0.5, rngs=nnx.Rngs(0))),
    "nnx module": lambda: layers.FlaxLayer(Drop(nnx.Rngs(0))),
    "made": lambda: layers.FlaxLayer(lambda rngs: nnx.Dropout(0.5, rngs=rngs)),
    "rbg": lambda: layers.FlaxLayer(nnx.Dropout(0.5, rngs=nnx.Rngs(jax.random.key(0, impl="rbg")))),
    "linen": lambda: layers.FlaxLayer(LinenDrop()),
}
WIDE = np.ones((8, 8), "float32")


def _mask(outputs):
    return np.asarray(outputs)


@pytest.mark.parametrize("make", DROPS.values(), ids=DROPS)
@pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_masks_follow_from_the_key_of_the_call(make, transform):
    layer = make()
    variables = layer.init(jax.random.key(0), WIDE)
    run = transform(lambda key: layer.apply(variables, WIDE, training=True, rngs=key))
    (one, state), (again, _), (other, _) = (run(jax.random.key(k)) for k in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert jax.tree.structure(state) == jax.tree.structure(variables["state"])
    for before, after in zip(*map(jax.tree.leaves, (variables["state"], state))):
        assert before.dtype == after.dtype and bool(jnp.all(before == after))
    resting, _ = layer.apply(variables, WIDE, training=False)
    np.testing.assert_array_equal(resting, WIDE)


@pytest.mark.parametrize("make", DROPS.values(), ids=DROPS)
def test_two_layers_and_two_calls_draw_each_their_own(make):
    model = fkeras.Sequential([make(), make()])
    variables = model.init(jax.random.key(0), WIDE)

    def both(model, x):
        first, second = model.layers
        return first(x), second(x), first(x)

    masks, _ = model.apply(variables, WIDE, training=True, rngs=jax.random.key(0), method=both)
    for i in range(3):
        assert not np.array_equal(masks[i], masks[i - 1])


def test_without_a_key_an_nnx_module_counts_its_own_state_on():
    layer = DROPS["nnx"]()
    variables = layer.init(jax.random.key(0), WIDE)
    one, state = layer.apply(variables, WIDE, training=True)
    other, _ = layer.apply({**variables, "state": state}, WIDE, training=True)
    assert not np.array_equal(one, other)
    assert not np.array_equal(layer(WIDE, training=True), layer(WIDE, training=True))


def test_linen_needs_a_key_only_where_it_draws():
    dense = layers.FlaxLayer(linen.Dense(4))
    variables = dense.init(jax.random.key(0), X)
    dense.apply(variables, X, training=True)
    drop = DROPS["linen"]()
    with pytest.raises(PureCallError, match="no key. Pass one: `apply"):
        drop.apply(drop.init(jax.random.key(0), X), X, training=True)


class Rows(layers.Layer):
    def __init__(self, part, loop):
        super().__init__()
        self.part, self.loop = part, loop

    def call(self, x):
        return self.loop(lambda carry, row: (carry, self.part(row[None])[0]), 0.0, x)[1]


@pytest.mark.parametrize("make", DROPS.values(), ids=DROPS)
def test_each_run_of_our_loops_draws_anew_and_raw_ones_refuse(make):
    x = np.ones((3, 16), "float32")
    rows = Rows(make(), lift.scan)
    variables = rows.init(jax.random.key(0), x)
    masks, _ = rows.apply(variables, x, training=True, rngs=jax.random.key(1))
    assert not np.array_equal(masks[0], masks[1]) and not np.array_equal(masks[1], masks[2])
    raw = Rows(make(), jax.lax.scan)
    variables = raw.init(jax.random.key(0), x)
    with pytest.raises(PureCallError, match="all runs would share one set"):
        raw.apply(variables, x, training=True, rngs=jax.random.key(1))


@pytest.mark.parametrize("make", DROPS.values(), ids=DROPS)
def test_kept_inner_programs_see_each_key(make):
    part = make()

    class Kept(layers.Layer):
        def __init__(self):
            super().__init__()
            self.part = part
            self.inner = jax.jit(lambda x: part(x))

        def call(self, x):
            return self.inner(x)

    layer = Kept()
    variables = layer.init(jax.random.key(0), WIDE)
    one, again, other = (
        layer.apply(variables, WIDE, training=True, rngs=jax.random.key(k))[0] for k in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("make", DROPS.values(), ids=DROPS)
def test_a_model_with_random_modules_trains(make):
    model = fkeras.Sequential([fkeras.Input((8,)), layers.Dense(8), make(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(WIDE, WIDE[:, :1], epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
