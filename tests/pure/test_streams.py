"""Several keys in one pure call: who draws from which."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import fkeras
from fkeras import layers, lift
from fkeras.errors import PureCallError, UserInputError

X = np.ones((4, 16), "float32")
SEQUENCE = np.ones((2, 3, 8), "float32")
A, B, C = jax.random.split(jax.random.key(0), 3)


class Noise(layers.Layer):
    """Draws from a stream of its own, or from none."""

    def __init__(self, stream=None, seed=None):
        super().__init__()
        self.generator = fkeras.random.SeedGenerator(seed, stream=stream)

    def call(self, x, training=None):
        return x + fkeras.random.normal(x.shape, seed=self.generator)


class Unseeded(layers.Layer):
    def call(self, x):
        return x + fkeras.random.normal(x.shape)


class LinenNoise(linen.Module):
    @linen.compact
    def __call__(self, x, train=False):
        return x + jax.random.normal(self.make_rng("noise"), x.shape) if train else x


class LinenDrop(linen.Module):
    @linen.compact
    def __call__(self, x, train=False):
        return linen.Dropout(0.5, deterministic=not train)(x)


class NnxNoise(nnx.Module):
    def __init__(self):
        self.rngs = nnx.Rngs(noise=0)

    def __call__(self, x):
        return x + jax.random.normal(self.rngs.noise(), x.shape)


def _in_scan(layer):
    class Rows(layers.Layer):
        def __init__(self):
            super().__init__()
            self.part = layer

        def call(self, x):
            return lift.scan(lambda c, row: (c, self.part(row[None])[0]), 0.0, x)[1]

    return Rows()


def _kept_jit(layer):
    class Kept(layers.Layer):
        def __init__(self):
            super().__init__()
            self.part = layer
            self.inner = jax.jit(lambda x: layer(x))

        def call(self, x):
            return self.inner(x)

    return Kept()


# How to make a layer, and the stream that it draws from.
ROWS = [
    (lambda: layers.Dropout(0.5), "dropout", X),
    (lambda: layers.GaussianNoise(1.0), "dropout", X),
    (lambda: layers.AlphaDropout(0.5), "dropout", X),
    (lambda: layers.LSTM(3, dropout=0.5), "dropout", SEQUENCE),
    (lambda: layers.TimeDistributed(layers.Dropout(0.5)), "dropout", SEQUENCE),
    (lambda: layers.TimeDistributed(Noise("noise")), "noise", SEQUENCE),
    (lambda: Noise("noise"), "noise", X),
    (lambda: _in_scan(Noise("noise")), "noise", X),
    (lambda: _kept_jit(Noise("noise")), "noise", X),
    (lambda: layers.FlaxLayer(LinenNoise()), "noise", X),
    (lambda: layers.FlaxLayer(LinenDrop()), "dropout", X),
    (lambda: layers.FlaxLayer(NnxNoise()), "noise", X),
    (lambda: layers.FlaxLayer(nnx.Dropout(0.5, rngs=nnx.Rngs(dropout=0))), "default", X),
    (lambda: Noise(), "default", X),
    (lambda: Unseeded(), "default", X),
]


@pytest.mark.parametrize(("make", "stream", "x"), ROWS, ids=range(len(ROWS)))
def test_a_stream_moves_those_who_draw_from_it(make, stream, x):
    layer = make()
    variables = layer.init(A, x)
    draw = lambda rngs: np.asarray(layer.apply(variables, x, training=True, rngs=rngs)[0])
    plain = draw({stream: A, "other": B})
    np.testing.assert_array_equal(plain, draw({stream: A, "other": C}))
    np.testing.assert_array_equal(plain, draw({"other": C, stream: A}))
    assert not np.array_equal(plain, draw({stream: B, "other": B}))
    if stream != "default":
        np.testing.assert_array_equal(plain, draw({stream: A, "default": C}))
        assert not np.array_equal(draw({"default": A}), draw({"default": B}))


@pytest.mark.parametrize(("make", "stream", "x"), ROWS, ids=range(len(ROWS)))
def test_one_key_serves_all(make, stream, x):
    layer = make()
    variables = layer.init(A, x)
    draw = lambda rngs: np.asarray(layer.apply(variables, x, training=True, rngs=rngs)[0])
    np.testing.assert_array_equal(draw(A), draw(A))
    assert not np.array_equal(draw(A), draw(B))


def test_what_names_no_stream_draws_from_the_layers_one_where_there_is_no_default():
    layer = Noise()
    draw = lambda rngs: np.asarray(layer.apply({"params": {}}, X, rngs=rngs)[0])
    np.testing.assert_array_equal(draw({"dropout": A}), draw({"default": A}))
    np.testing.assert_array_equal(draw({"dropout": B, "default": A}), draw({"default": A}))


def test_streams_are_independent_of_each_other():
    model = fkeras.Sequential([layers.Dropout(0.5), Noise("noise")])
    variables = model.init(A, X)
    run = lambda rngs: model.apply(variables, X, training=True, rngs=rngs, capture="dropout")
    one, other = (run({"dropout": A, "noise": key}) for key in (B, C))
    np.testing.assert_array_equal(one[2]["dropout"][0], other[2]["dropout"][0])
    assert not np.array_equal(one[0], other[0])


def test_keys_of_streams_may_be_traced_and_mapped():
    layer = Noise("noise")
    draw = lambda key: layer.apply({"params": {}}, X, rngs={"noise": key})[0]
    mapped = jax.jit(jax.vmap(draw))(jnp.stack([A, B]))
    np.testing.assert_allclose(mapped[0], draw(A), atol=1e-6)
    np.testing.assert_allclose(mapped[1], draw(B), atol=1e-6)


def test_a_seeded_generator_needs_no_key():
    layer = Noise("noise", seed=3)
    layer.apply({"params": {}}, X, rngs={"other": A})


@pytest.mark.parametrize("make", [lambda: Noise("noise"), lambda: layers.FlaxLayer(LinenNoise())])
def test_a_stream_without_a_key_is_named(make):
    layer = make()
    with pytest.raises(PureCallError, match=r"noise.*\['other'\]"):
        layer.apply(layer.init(A, X), X, training=True, rngs={"other": A})


@pytest.mark.parametrize(
    ("rngs", "message"),
    [
        ({"dropout": 3}, r"`rngs\['dropout'\]`: Expected a JAX key"),
        ({"dropout": jnp.stack([A, B])}, "Expected a single JAX key"),
    ],
)
def test_what_is_no_key_is_named(rngs, message):
    with pytest.raises(UserInputError, match=message):
        layers.Dropout(0.5).apply({"params": {}}, X, training=True, rngs=rngs)


def test_a_generators_stream_is_part_of_its_config():
    generator = fkeras.random.SeedGenerator(1, stream="noise")
    again = fkeras.random.SeedGenerator.from_config(generator.get_config())
    assert again.stream == "noise"
    assert "stream" not in fkeras.random.SeedGenerator(1).get_config()  # as Keras has it
