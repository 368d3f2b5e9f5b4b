"""`init`, `apply` and `stateless_call`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import NotBuiltError, PureCallError, UserInputError
from fkeras.layers.base import pure

X = np.ones((2, 3), "float32")
KEY = jax.random.key(0)


def small():
    return fkeras.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)])


@pytest.mark.parametrize(
    "inputs",
    [
        X,
        jnp.asarray(X),
        (2, 3),
        jax.ShapeDtypeStruct((2, 3), "float32"),
        fkeras.KerasTensor((None, 3)),
    ],
)
def test_init_takes_arrays_structs_and_shapes(inputs):
    variables = layers.Dense(4).init(KEY, inputs)
    assert jax.tree.map(jnp.shape, variables["params"]) == {"bias": (4,), "kernel": (3, 4)}


def test_init_is_a_function_of_the_key_alone():
    model = small()
    a, b, c = (model.init(key, X) for key in (KEY, KEY, jax.random.key(1)))
    jax.tree.map(np.testing.assert_array_equal, a, b)
    assert not np.array_equal(a["params"]["dense"]["kernel"], c["params"]["dense"]["kernel"])
    compiled = jax.jit(lambda key: model.init(key, X))(KEY)
    jax.tree.map(np.testing.assert_array_equal, a, compiled)
    many = jax.vmap(lambda key: model.init(key, X))(jax.random.split(KEY, 3))
    kernels = many["params"]["dense"]["kernel"]
    assert kernels.shape == (3, 3, 4) and not np.array_equal(kernels[0], kernels[1])


def test_init_needs_a_key_and_shapes():
    with pytest.raises(UserInputError, match="`init` takes a JAX key first"):
        layers.Dense(4).init(0, X)
    with pytest.raises(NotBuiltError, match=r"is not built: `init` needs inputs or their shapes"):
        layers.Dense(4, name="dense").init(KEY)
    dense = layers.Dense(4)
    dense.build((None, 3))
    assert set(dense.init(KEY)["params"]) == {"kernel", "bias"}


def test_apply_changes_nothing_on_the_object_and_returns_the_state():
    model = small()
    model(X)
    before = model.get_weights()
    variables = model.init(jax.random.key(5), X)
    outputs, state = model.apply(variables, X, training=True)
    assert outputs.shape == (2, 1)
    name = "batch_normalization"
    assert not np.array_equal(state[name]["moving_mean"], variables["state"][name]["moving_mean"])
    for value, expected in zip(model.get_weights(), before):
        np.testing.assert_array_equal(value, expected)


def test_losses_come_out_where_they_are_asked_for():
    layer = layers.Dense(1, kernel_initializer="ones", kernel_regularizer=lambda w: w.sum())
    variables = layer.init(KEY, X)
    outputs, state, losses = layer.apply(variables, X, return_losses=True)
    assert [float(loss) for loss in losses] == [3.0] and state == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda v: v.pop("params"),
            r"must be a dict with 'params' and 'state'.*Received: \['state'\]",
        ),
        (lambda v: v["params"].pop("kernel"), r"missing params/kernel of shape \(3, 4\)"),
        (
            lambda v: v["params"].update(extra=jnp.ones(2)),
            r"unexpected params/extra of shape \(2,\)",
        ),
        (
            lambda v: v["params"].update(bias=jnp.ones(9)),
            r"params/bias: expected shape \(4,\), received",
        ),
    ],
)
def test_variables_that_do_not_fit_are_told_apart(change, message):
    layer = layers.Dense(4)
    variables = layer.init(KEY, X)
    change(variables)
    with pytest.raises(UserInputError, match=message):
        layer.apply(variables, X)


def test_only_the_first_of_many_problems_are_shown():
    model = fkeras.Sequential([layers.Dense(2) for _ in range(10)])
    model.build((None, 2))
    with pytest.raises(UserInputError, match="... and 8 more"):
        model.apply({"params": {}}, np.ones((1, 2), "float32"))


def test_keys_by_name_and_draws_without_one():
    layer = layers.Dropout(0.5)
    key = jax.random.key(3)
    first = layer.apply({"params": {}}, X, training=True, rngs=key)[0]
    for rngs in ({"dropout": key}, {"default": key}, {"dropout": key, "other": key}):
        again = layer.apply({"params": {}}, X, training=True, rngs=rngs)[0]
        np.testing.assert_array_equal(first, again)
    assert pure.keys_of({}) is None
    with pytest.raises(PureCallError, match="draws random numbers, but the call was given no key"):
        layer.apply({"params": {}}, X, training=True)


def test_stateless_call_is_keras_form():
    model = small()
    model(X)
    trainable = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]
    outputs, after = model.stateless_call(trainable, others, X, training=True)
    assert outputs.shape == (2, 1) and len(after) == len(others)
    outputs, after, losses = model.stateless_call(trainable, others, X, return_losses=True)
    assert losses == []
    with pytest.raises(UserInputError, match="`trainable_variables` must be a list.*length 1, but"):
        model.stateless_call(trainable[:1], others, X)
    with pytest.raises(NotBuiltError, match="To call stateless_call, Dense 'late' must be built"):
        layers.Dense(1, name="late").stateless_call([], [], X)


def test_the_build_key_gives_the_weights_of_the_object():
    layer = layers.Dense(4)
    layer(X)
    variables = layer.init(layer.build_key, X)
    np.testing.assert_array_equal(variables["params"]["kernel"], layer.kernel.numpy())
