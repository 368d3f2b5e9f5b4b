"""What comes in by the doors, `init` and `apply`: keys, dtypes, structures, methods."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from flax.core import freeze

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

from .forms import keys

X = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4)), "float32")


def draw(key):
    return layers.Dropout(0.5).apply({"params": {}}, jnp.ones((2, 8)), training=True, rngs=key)[0]


@pytest.mark.parametrize("impl", ["rbg", "unsafe_rbg"])
def test_keys_of_each_implementation_are_folded_to_two_words(impl):
    first, second = (jax.random.key(seed, impl=impl) for seed in (0, 1))
    assert not np.array_equal(draw(first), draw(second))
    np.testing.assert_array_equal(draw(first), draw(jax.random.key_data(first)))
    np.testing.assert_array_equal(draw(first), jax.jit(draw)(first))
    stacked = jnp.stack([first, second])
    np.testing.assert_array_equal(jax.vmap(draw)(stacked), [draw(first), draw(second)])
    a, b = (layers.Dense(2).init(key, X)["params"]["kernel"] for key in (first, second))
    assert not np.array_equal(a, b)
    plain = jax.random.key_data(first)
    np.testing.assert_array_equal(layers.Dense(2).init(plain, X)["params"]["kernel"], a)


def test_plain_and_typed_keys_are_one():
    np.testing.assert_array_equal(draw(jax.random.PRNGKey(3)), draw(jax.random.key(3)))


@pytest.mark.parametrize(
    ("rngs", "message"),
    [
        (0, "Expected a JAX key.*Received: 0"),
        ("a", "Expected a JAX key"),
        (jnp.ones(2), "Expected a JAX key"),
        ({"dropout": 3}, "Expected a JAX key.*Received: 3"),
        (jax.random.split(jax.random.key(0)), "single JAX key.*`jax.vmap`"),
        (jnp.zeros((2, 2), "uint32"), "single JAX key"),
    ],
)
def test_what_is_no_key_is_told(rngs, message):
    with pytest.raises(UserInputError, match=message):
        draw(rngs)


def test_a_seed_of_its_own_is_enough():
    layer = layers.Dropout(0.5, seed=1)
    y, _ = layer.apply({"params": {}}, jnp.ones((2, 8)), training=True)
    again, _ = layer.apply({"params": {}}, jnp.ones((2, 8)), training=True)
    np.testing.assert_array_equal(y, again)
    other, _ = layers.Dropout(0.5, seed=2).apply({"params": {}}, jnp.ones((2, 8)), training=True)
    assert not np.array_equal(y, other) and 0 < (y == 0).sum() < 16


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_state_comes_back_in_the_dtype_that_it_had(dtype):
    layer = layers.BatchNormalization()
    variables = jax.tree.map(lambda a: a.astype(dtype), layer.init(keys()[0], X))
    y, state = layer.apply(variables, X.astype(dtype), training=True)
    assert y.dtype == dtype
    assert {a.dtype.name for a in jax.tree.leaves(state)} == {dtype}
    mixed = layers.Dense(2, dtype="mixed_bfloat16")
    variables = mixed.init(keys()[0], X)
    assert mixed.apply(variables, X)[0].dtype == jnp.bfloat16


def test_float64_trees_compute_and_keep_state_in_float64():
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(0).normal(size=(5, 4)))
        dense, norm = layers.Dense(3), layers.BatchNormalization(momentum=0.9)
        doubled = lambda v: jax.tree.map(lambda a: a.astype("float64"), v)
        variables = doubled(dense.init(keys()[0], x))
        y, _ = dense.apply(variables, x)
        np.testing.assert_allclose(y, x @ variables["params"]["kernel"], rtol=1e-14)
        _, state = norm.apply(doubled(norm.init(keys()[0], x)), x, training=True)
        np.testing.assert_allclose(state["moving_mean"], 0.1 * x.mean(0), rtol=1e-13)


def test_other_mappings_come_back_as_they_came():
    layer = layers.BatchNormalization()
    variables = layer.init(keys()[0], X)
    expected, expected_state = layer.apply(variables, X, training=True)
    frozen, state = freeze(variables), nnx.State(variables["state"])
    for given in (frozen, {**variables, "state": state}):
        y, new = layer.apply(given, X, training=True)
        np.testing.assert_allclose(y, expected)
        assert type(new) is type(given["state"])
        assert jax.tree.structure(new) == jax.tree.structure(given["state"])
        for a, b in zip(jax.tree.leaves(new), jax.tree.leaves(expected_state)):
            np.testing.assert_array_equal(a, b)


class Coder(layers.Layer):
    """An encoder and a decoder."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = layers.Dense(2), layers.Dense(4)

    def encode(self, x, training=False):
        return 2 * self.encoder(x) if training else self.encoder(x)

    def call(self, x):
        return self.decoder(self.encode(x))


def test_a_method_is_called_in_the_place_of_the_layer():
    layer = Coder()
    variables = layer.init(keys()[0], X)
    codes = X @ variables["params"]["encoder"]["kernel"]
    for method in ("encode", "encoder", layer.encode, layer.encoder, Coder.encode):
        y, _ = layer.apply(variables, X, method=method)
        np.testing.assert_allclose(y, codes, rtol=1e-5, atol=1e-6)
    for method in ("encode", Coder.encode):
        y, _ = layer.apply(variables, X, method=method, training=True)
        np.testing.assert_allclose(y, 2 * codes, rtol=1e-5, atol=1e-6)
    y, _ = layer.apply(variables, X, method=lambda self, x: self.encoder(x) + 1)
    np.testing.assert_allclose(y, codes + 1, rtol=1e-5, atol=1e-6)
    gradient = jax.grad(lambda v: layer.apply(v, X, method="encode")[0].sum())(variables)
    assert not gradient["params"]["decoder"]["kernel"].any()
    with pytest.raises(UserInputError, match="no such method or sub-layer"):
        layer.apply(variables, X, method="encoded")


def test_outputs_are_captured_by_path():
    model = fkeras.Sequential([layers.Dense(4, name="a"), layers.Dense(4, name="b")])
    variables = model.init(keys()[0], X)
    y, _, captured = model.apply(variables, X, capture=["a", "nothing"])
    assert list(captured) == ["a"]
    kernel = variables["params"]["b"]["kernel"]
    np.testing.assert_allclose(captured["a"][0] @ kernel, y, rtol=1e-5, atol=1e-6)


def test_layers_without_weights_take_init_with_a_key_alone():
    assert layers.Dropout(0.5).init(keys()[0]) == {"params": {}, "state": {}}
    assert layers.Flatten().init(keys()[0], X) == {"params": {}, "state": {}}


def test_the_layer_may_go_by_any_name():
    class Odd(layers.Layer):
        def call(this, x, training=False):  # noqa: N805
            return x + training

    np.testing.assert_array_equal(Odd()(X), X)
    np.testing.assert_array_equal(Odd().apply({"params": {}}, X, training=True)[0], X + 1)


class Picky(layers.Layer):
    """A layer that builds half its weights before it finds the inputs wrong."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")
        if shape[-1] == 7:
            raise ValueError("refused in build")

    def call(self, x):
        if x.shape[-1] == 8:
            raise ValueError("refused in call")
        return x * self.scale


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("call", [lambda m, x: m.init(keys()[0], x), lambda m, x: m(x)])
@pytest.mark.parametrize("make", [Picky, lambda: fkeras.Sequential([layers.Dense(4), Picky()])])
def test_a_failed_build_leaves_the_object_as_it_was(make, call, size):
    layer = make()
    if isinstance(layer, fkeras.Sequential):
        layer.layers[0].units = size
    with pytest.raises(ValueError, match="refused in"):
        call(layer, jnp.ones((2, size)))
    assert not layer.built and layer.weights == []
    if isinstance(layer, fkeras.Sequential):
        assert not layer.layers[0].built
        layer.layers[0].units = 5
    variables = layer.init(keys()[0], jnp.ones((2, 5)))
    assert jax.tree.leaves(variables)[-1].shape == (5,)
    assert layer(jnp.ones((2, 5))).shape == (2, 5)
