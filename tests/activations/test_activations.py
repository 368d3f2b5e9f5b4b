"""Activations against Keras: values, gradients, dtypes, symbolic shapes, and how they are found and
saved.
"""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import activations
from fkeras.errors import UnknownNameError, UserTypeError

X = np.array([[-7.5, -3.0, -1.2, -0.6], [-0.3, 0.3, 0.6, 1.2], [2.0, 3.5, 6.5, 25.0]], "float32")

# name -> keyword arguments to try; everything else is tried with none
ARGUMENTS = {
    "relu": [
        {},
        {"negative_slope": 0.3},
        {"max_value": 6},
        {"max_value": 2.0},
        {"threshold": 1.0},
        {"threshold": -1.0, "max_value": 2.5},
        {"negative_slope": 0.3, "max_value": 6, "threshold": 0.5},
        {"negative_slope": 0.3, "max_value": 6},
    ],
    "leaky_relu": [{}, {"negative_slope": 0.5}],
    "softmax": [{}, {"axis": 0}, {"axis": (0, 1)}, {"axis": None}],
    "log_softmax": [{}, {"axis": 0}],
    "elu": [{}, {"alpha": 0.5}],
    "celu": [{}, {"alpha": 0.5}],
    "gelu": [{}, {"approximate": True}],
    "glu": [{}, {"axis": 1}],
    "soft_shrink": [{}, {"threshold": 1.0}],
    "hard_shrink": [{}, {"threshold": 1.0}],
    "threshold": [{"threshold": 0.5, "default_value": -2.0}],
    "squareplus": [{}, {"b": 1}],
    # Rows with one positive entry: Keras's result is another one where there are more (see
    # `fkeras.ops.sparsemax`).
    "sparsemax": [],
}
NAMES = sorted(
    n
    for n, f in vars(activations).items()
    if inspect.isfunction(f)
    and not n.startswith("_")
    and n not in ("get", "serialize", "deserialize")
)
CASES = [(name, kwargs) for name in NAMES for kwargs in ARGUMENTS.get(name, [{}])]


def test_there_are_all_of_keras(keras):
    theirs = {
        n for n in dir(keras.activations) if inspect.isfunction(getattr(keras.activations, n))
    }
    assert theirs == {*NAMES, "get", "serialize", "deserialize"}


@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_values_gradients_and_dtypes_are_those_of_keras(keras, name, kwargs):
    ours, theirs = (
        functools.partial(getattr(m.activations, name), **kwargs) for m in (fkeras, keras)
    )
    for dtype, tolerance in (("float32", 2e-6), ("bfloat16", 2e-2)):
        x = jnp.asarray(X).astype(dtype)
        got, wanted = ours(x), theirs(x)
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(
            np.asarray(got, "float32"), np.asarray(wanted, "float32"), rtol=tolerance, atol=1e-6
        )
    weights = jnp.cos(jnp.arange(float(ours(X).size))).reshape(ours(X).shape)
    got, wanted = (
        jax.grad(lambda x, f=f: (f(x) * weights).sum())(jnp.asarray(X)) for f in (ours, theirs)
    )
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "kwargs"), CASES)
def test_symbolic_shapes_and_dtypes(name, kwargs):
    computed = getattr(activations, name)(jnp.asarray(X), **kwargs)
    out = getattr(activations, name)(fkeras.KerasTensor((None, 4)), **kwargs)
    assert out.shape == (None, *computed.shape[1:]) and out.dtype == computed.dtype


@pytest.mark.parametrize("kwargs", ARGUMENTS["relu"])
def test_relu_hides_no_nan(kwargs):
    assert jnp.isnan(activations.relu(jnp.nan, **kwargs))


def test_sparsemax_is_a_distribution_with_zeros():
    out = activations.sparsemax(X)
    np.testing.assert_allclose(out.sum(-1), 1.0, rtol=1e-6)
    assert (out == 0).any()


def test_each_name_is_found_and_saved_as_in_keras(keras):
    for name in NAMES:
        fn = activations.get(name)
        assert fn is getattr(activations, name) is activations.deserialize(name)
        assert activations.serialize(fn) == keras.activations.serialize(keras.activations.get(name))
        # What a model file of Keras holds where a layer keeps a function.
        assert (
            activations.get(keras.saving.serialize_keras_object(keras.activations.get(name))) is fn
        )


def doubled(x):
    return 2 * x


def test_callables_pass_and_none_is_linear():
    assert activations.get(None) is activations.linear
    assert activations.get(doubled) is doubled
    layer = fkeras.layers.ReLU()
    assert activations.get(layer) is layer


def test_a_custom_function_is_saved_by_name_and_found_where_it_is_given(keras):
    config = activations.serialize(doubled)
    assert config["config"] == keras.activations.serialize(doubled)["config"] == "doubled"
    assert activations.deserialize(config, custom_objects={"doubled": doubled}) is doubled
    with fkeras.saving.custom_object_scope({"doubled": doubled}):
        assert activations.get("doubled") is activations.get(config) is doubled


def test_a_function_that_only_shares_a_name_is_not_saved_as_the_builtin():
    def relu(x):
        return x + 1

    assert activations.serialize(relu) != "relu"


def test_a_layer_as_activation_is_saved_with_its_config():
    config = activations.serialize(fkeras.layers.LeakyReLU(negative_slope=0.4))
    assert activations.get(config).negative_slope == pytest.approx(0.4)


def test_what_is_no_activation_is_refused():
    with pytest.raises(UnknownNameError, match="Unknown activation 'rellu'. Did you mean 'relu'"):
        activations.get("rellu")
    with pytest.raises(UserTypeError, match="Could not interpret activation function identifier"):
        activations.get(3)
    with pytest.raises(UserTypeError, match="Received: None"):
        activations.serialize(None)
