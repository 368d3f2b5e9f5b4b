"""From the values of an object to `variables` and back."""

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import fkeras
from fkeras import layers
from fkeras.errors import NotBuiltError, UserInputError

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


class Subclass(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(4), layers.BatchNormalization()]
        self.seed_generator = fkeras.random.SeedGenerator(1)

    def call(self, x, training=None):
        for block in self.blocks:
            x = block(x)
        return x


def _functional():
    x = fkeras.Input((4,))
    shared = layers.Dense(4, name="shared")
    return fkeras.Model(x, shared(shared(x)))


MAKERS = {
    "layer": lambda: layers.Dense(2),
    "no weights": lambda: layers.Dropout(0.5),
    "bfloat16": lambda: layers.Dense(2, dtype="bfloat16"),
    "mixed": lambda: layers.Dense(2, dtype="mixed_float16"),
    "sequential": lambda: fkeras.Sequential([layers.Dense(3), layers.BatchNormalization()]),
    "functional": _functional,
    "subclass": Subclass,
    "nested": lambda: fkeras.Sequential([fkeras.Sequential([layers.Dense(2)]), layers.Dense(2)]),
    "linen": lambda: layers.FlaxLayer(linen.Dense(2)),
    "nnx": lambda: layers.FlaxLayer(nnx.BatchNorm(4, rngs=nnx.Rngs(0))),
    "nnx with keys": lambda: layers.FlaxLayer(lambda rngs: nnx.Dropout(0.5, rngs=rngs)),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_an_object_gives_is_what_apply_computes_with(make):
    ours = make()
    outputs = ours(X)
    variables = ours.get_variables()
    expected = ours.init(ours.build_key, X)
    assert jax.tree.structure(variables) == jax.tree.structure(expected)
    for value, other in zip(jax.tree.leaves(variables), jax.tree.leaves(expected)):
        assert value.dtype == other.dtype and bool(jnp.all(value == other))
    np.testing.assert_array_equal(ours.apply(variables, X)[0], outputs)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_an_object_takes_is_what_it_computes_with(make):
    ours = make()
    ours(X)
    other = jax.tree.map(
        lambda a: a + 1 if jnp.issubdtype(a.dtype, jnp.floating) else a, ours.get_variables()
    )
    ours.set_variables(other)
    np.testing.assert_array_equal(ours(X), ours.apply(other, X)[0])
    for value, given in zip(jax.tree.leaves(ours.get_variables()), jax.tree.leaves(other)):
        assert bool(jnp.all(value == given))


def test_a_loop_of_ones_own_goes_back_to_the_facade_without_compile():
    model = fkeras.Sequential([layers.Dense(1)])
    variables = model.init(jax.random.key(0), X)
    gradient = jax.grad(lambda v: jnp.sum(model.apply(v, X)[0] ** 2))
    step = jax.jit(
        lambda v: jax.tree.map(lambda a, g: a - 0.1 * g, v, gradient(v)), donate_argnums=0
    )
    for _ in range(2):
        model.set_variables(variables)
        variables = step(variables)  # donates what was set: the model has copies
    model.set_variables(variables)
    np.testing.assert_allclose(model.predict(X, verbose=0), model.apply(variables, X)[0], rtol=1e-6)
    given = model.get_variables()
    step(given)
    assert np.isfinite(model(X)).all()  # the model's own were not donated


def test_trained_weights_come_out():
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=2, verbose=0)
    kernel, bias = model.get_weights()
    variables = model.get_variables()["params"]["dense"]
    np.testing.assert_array_equal(variables["kernel"], kernel)
    np.testing.assert_array_equal(variables["bias"], bias)


def test_frozen_dicts_and_states_of_nnx_are_taken():
    layer = layers.Dense(2)
    variables = layer.init(jax.random.key(0), X)
    for form in (flax.core.freeze(variables), {"params": nnx.State(variables["params"])}):
        layer.set_weights([np.zeros((4, 2)), np.zeros(2)])
        layer.set_variables(form)
        np.testing.assert_array_equal(layer.get_weights()[0], variables["params"]["kernel"])


GOOD = {"kernel": np.ones((4, 2), "float32"), "bias": np.ones(2, "float32")}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kernel": GOOD["kernel"]}, r"missing params/bias of shape \(2,\)"),
        ({**GOOD, "scale": np.ones(2)}, r"unexpected params/scale of shape \(2,\)"),
        ({**GOOD, "bias": np.ones(3)}, r"params/bias: expected shape \(2,\), received \(3,\)"),
        ({**GOOD, "bias": np.ones(2)}, "bias: expected float32, received float64"),
        ({**GOOD, "bias": np.ones(2, int)}, "bias: expected float32, received int64"),
        ({**GOOD, "bias": [0.0, 0.0]}, r"bias: no array, but \[0.0, 0.0\]"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_set(params, message):
    layer = layers.Dense(2)
    before = layer(X)
    with pytest.raises(UserInputError, match=message):
        layer.set_variables({"params": params})
    np.testing.assert_array_equal(layer(X), before)


@pytest.mark.parametrize("wrong", [3, {"kernel": GOOD["kernel"]}, {"params": 3}])
def test_what_is_no_variables_is_named(wrong):
    layer = layers.Dense(2)
    layer(X)
    with pytest.raises(UserInputError, match="Received"):
        layer.set_variables(wrong)


def test_an_object_without_variables_says_how_it_gets_them():
    for call in (lambda m: m.get_variables(), lambda m: m.set_variables({"params": {}})):
        with pytest.raises(NotBuiltError, match=r"build\(shape\)"):
            call(fkeras.Sequential([layers.Dense(2)]))


def test_a_trace_cannot_leave_its_values_on_the_object():
    layer = layers.Dense(2)
    layer(X)

    @jax.jit
    def wrong(variables):
        layer.set_variables(variables)
        return 0

    with pytest.raises(UserInputError, match="inside a JAX transformation"):
        wrong(layer.get_variables())
    assert np.isfinite(layer(X)).all()
