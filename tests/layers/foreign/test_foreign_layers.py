"""Flax modules and pairs of functions as layers: their values, state, training, mistakes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3)).astype("float32")
NEAR = {"rtol": 1e-5, "atol": 1e-6}


class Net(linen.Module):
    """A linen module with state, dropout and its own name for `training`."""

    rate: float = 0.0

    @linen.compact
    def __call__(self, x, train=False):
        x = linen.Dense(4)(x)
        x = linen.BatchNorm(use_running_average=not train, momentum=0.5)(x)
        return linen.Dropout(self.rate, deterministic=not train)(x)

    def twice(self, x):
        return 2 * x


# -- linen ---------------------------------------------------------------------


def test_a_linen_module_gets_its_variables_at_the_first_call():
    layer = layers.FlaxLayer(Net())
    outputs = layer(X)
    assert [w.shape for w in layer.trainable_weights] == [(4,), (4,), (4,), (3, 4)]
    assert [w.shape for w in layer.non_trainable_weights] == [(4,), (4,)]
    values = jax.tree.map(
        lambda v: v.value, layer.linen_variables, is_leaf=lambda v: hasattr(v, "value")
    )
    np.testing.assert_allclose(outputs, Net().apply(values, X), **NEAR)


def test_training_is_passed_on_and_writes_state():
    layer = layers.FlaxLayer(Net())
    layer(X)
    before = layer.linen_variables["batch_stats"]["BatchNorm_0"]["mean"].value
    outputs = layer(X, training=True)
    np.testing.assert_allclose(outputs.mean(axis=0), np.zeros(4), atol=1e-5)
    after = layer.linen_variables["batch_stats"]["BatchNorm_0"]["mean"].value
    assert not before.any() and after.any()
    variables = layer.init(layer.build_key, X)
    _, state = layer.apply(variables, X, training=True, rngs=jax.random.key(0))
    assert any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, (state, variables["state"]))))


def test_first_values_are_linens_own_whatever_way_they_are_asked_for():
    layer = layers.FlaxLayer(linen.Dense(4))
    layer(X)
    variables = layer.init(layer.build_key, X)
    kernel = layer.linen_variables["params"]["kernel"].value
    np.testing.assert_array_equal(jax.tree.leaves(variables["params"])[1], kernel)
    assert 0.1 < float(jnp.std(kernel)) < 2


def test_given_variables_are_used_and_a_method_may_be_named():
    params = {"params": {"kernel": np.ones((3, 2), "float32"), "bias": np.ones(2, "float32")}}
    layer = layers.FlaxLayer(linen.Dense(2), variables=params)
    assert layer.built
    np.testing.assert_allclose(layer(X), X.sum(axis=1, keepdims=True) + np.ones(2), **NEAR)
    for method in ("twice", Net.twice):
        np.testing.assert_allclose(layers.FlaxLayer(Net(), method=method)(X), 2 * X, **NEAR)


def test_dropout_of_linen_draws_from_the_models_keys():
    layer = layers.FlaxLayer(Net(rate=0.5))
    variables = layer.init(jax.random.key(0), X)
    draw = lambda seed: layer.apply(variables, X, training=True, rngs=jax.random.key(seed))[0]
    np.testing.assert_array_equal(draw(1), draw(1))
    assert float(jnp.abs(draw(1) - draw(2)).max()) > 1e-3


def test_a_linen_module_in_a_model_has_symbolic_shapes_and_learns():
    inputs = fkeras.Input((3,))
    outputs = fkeras.layers.Dense(1)(layers.FlaxLayer(Net())(inputs))
    assert outputs.shape == (None, 1)
    model = fkeras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, X[:, :1], epochs=1, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert sum(np.any(a != b) for a, b in zip(before, model.get_weights())) >= 4


# -- nnx -----------------------------------------------------------------------


class Deterministic(nnx.Module):
    def __init__(self):
        self.scale = nnx.Param(jnp.ones(()))

    def __call__(self, x, deterministic=True):
        return self.scale * x if deterministic else -self.scale * x


def test_an_nnx_module_is_used_as_it_is():
    module = Deterministic()
    layer = layers.FlaxLayer(module)
    assert layer.built and layer.module is module
    np.testing.assert_allclose(layer(X), X)
    np.testing.assert_allclose(layer(X, training=True), -X)
    variables = layer.init(layer.build_key, X)
    gradient = jax.grad(lambda v: jnp.sum(layer.apply(v, X)[0]))(variables)
    np.testing.assert_allclose(jax.tree.leaves(gradient["params"]), [X.sum()], rtol=1e-5)


def test_other_objects_are_no_modules():
    with pytest.raises(UserInputError, match="takes a flax.nnx or flax.linen module. Received: 3"):
        layers.FlaxLayer(3)


# -- functions -------------------------------------------------------------------


def init_with_state(rng, inputs, training):
    assert training is True
    params = {"layer": {"w": jax.random.normal(rng, (inputs.shape[-1], 2))}, "b": jnp.zeros(2)}
    return params, {"calls": jnp.zeros(())}


def call_with_state(state, inputs, params, training):
    outputs = inputs @ params["layer"]["w"] + params["b"]
    return (outputs if training else outputs / 2), {"calls": state["calls"] + 1}


def test_functions_get_what_they_take_by_name_and_return_their_state():
    layer = layers.JaxLayer(call_with_state, init_with_state, seed=1)
    half, full = layer(X), layer(X, training=True)
    np.testing.assert_allclose(full, 2 * half, **NEAR)
    w = layer.params["layer"]["w"].value
    np.testing.assert_allclose(full, X @ w, rtol=1e-4, atol=1e-5)
    assert float(layer.state["calls"].value) == 2
    assert sorted(v.name for v in layer.trainable_weights) == ["b", "layer_w"]
    assert [v.name for v in layer.non_trainable_weights] == ["calls"]
    again = layers.JaxLayer(call_with_state, init_with_state, seed=1)
    again(X)
    np.testing.assert_array_equal(again.params["layer"]["w"].value, w)


def test_the_pure_form_of_functions_returns_the_state():
    layer = layers.JaxLayer(call_with_state, init_with_state, seed=1)
    layer(X)
    variables = layer.init(layer.build_key, X)
    outputs, state = jax.jit(lambda v: layer.apply(v, X, training=True))(variables)
    assert jax.tree.leaves(state) == [jax.tree.leaves(variables["state"])[0] + 1]
    gradient = jax.grad(lambda v: jnp.sum(layer.apply(v, X, training=True)[0]))(variables)
    by_bias = next(g for g in jax.tree.leaves(gradient["params"]) if g.shape == (2,))
    np.testing.assert_allclose(by_bias, [5, 5])


def test_functions_may_start_from_values_or_without_any():
    layer = layers.JaxLayer(lambda params, inputs: inputs * params, params=np.float32(3))
    assert layer.built and [v.name for v in layer.weights] == ["params"]
    np.testing.assert_allclose(layer(X), 3 * X, rtol=1e-6)
    counter = layers.JaxLayer(
        lambda state, inputs: (inputs + state, state + 1), state=np.float32(0)
    )
    np.testing.assert_allclose(counter(X), X)
    np.testing.assert_allclose(counter(X), X + 1, rtol=1e-6)


def test_random_numbers_of_functions_follow_from_the_key():
    noisy = lambda rng, inputs: inputs + jax.random.normal(rng, inputs.shape)
    layer = layers.JaxLayer(noisy, init_fn=lambda inputs: {})
    draw = lambda seed: layer.apply({"params": {}}, X, rngs=jax.random.key(seed))[0]
    np.testing.assert_array_equal(draw(1), draw(1))
    assert float(jnp.abs(draw(1) - draw(2)).max()) > 1e-2


def test_functions_have_symbolic_shapes():
    layer = layers.JaxLayer(call_with_state, init_with_state)
    assert layer(fkeras.Input((3,))).shape == (None, 2)
    assert layer.params["layer"]["w"].shape == (3, 2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((None,), "`call_fn` must be a function. Received: None"),
        ((lambda inputs: inputs,), "cannot all be `None`"),
        (
            (lambda x: x, lambda inputs: {}),
            r"`call_fn` \(<lambda>\) has `x`, .* must take \['inputs'\]",
        ),
        ((lambda inputs: inputs, lambda rng: {}), r"takes \['rng'\]"),
        ((lambda inputs, mask: inputs, lambda inputs: {}), r"takes \['inputs', 'mask'\]"),
    ],
)
def test_functions_of_other_parameters_are_named(arguments, message):
    with pytest.raises(UserInputError, match=message):
        layers.JaxLayer(*arguments)


def test_a_linen_module_counts_in_inference_too():
    class Counting(linen.Module):
        @linen.compact
        def __call__(self, x):
            count = self.variable("cache", "count", lambda: jnp.zeros((), jnp.int32))
            count.value = count.value + 1
            return x * count.value

    layer = layers.FlaxLayer(Counting(), variables={"cache": {"count": np.int32(0)}})
    model = fkeras.Sequential([fkeras.Input((2,)), layer])
    assert not layer.params
    np.testing.assert_array_equal(layer(np.ones((1, 2))), [[1, 1]])
    np.testing.assert_array_equal(model.predict(np.ones((1, 2)), verbose=0), [[2, 2]])
    assert layer.state["cache"]["count"].value == 2
    variables = layer.get_variables()
    y, _ = layer.apply(variables, jnp.ones((1, 2)))
    np.testing.assert_array_equal(y, [[3, 3]])
    assert layer.state["cache"]["count"].value == 2
