"""How a layer gets its weights: `add_weight`, `build` and what it is called with."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.layers.base import building

X = np.ones((2, 3), "float32")


class Recording(layers.Layer):
    """Keeps what `build` was called with."""

    def build(self, input_shape):
        self.received = input_shape

    def call(self, inputs, other=None):
        return inputs


class Named(layers.Layer):
    def build(self, query_shape, value_shape):
        self.received = query_shape, value_shape

    def call(self, query, value, scale=1.0):
        return query


class Shape(layers.Layer):
    def build(self, input_shape):
        self.received = input_shape

    def call(self, inputs):
        return inputs["a"]


@pytest.mark.parametrize(
    ("layer", "arguments", "received"),
    [
        (Recording, (X,), (2, 3)),
        (Recording, (X, X[:1]), (2, 3)),
        (Named, (X, X[:1]), ((2, 3), (1, 3))),
        (Shape, ({"a": X, "b": X[0]},), {"a": (2, 3), "b": (3,)}),
    ],
)
def test_build_is_called_with_the_shapes_that_its_signature_asks_for(layer, arguments, received):
    layer = layer()
    layer(*arguments)
    assert layer.received == received
    assert layer.built


def test_a_layer_builds_again_from_its_build_config():
    named = Named()
    assert named.get_build_config() is None
    named(X, X[:1])
    config = named.get_build_config()
    assert config == {"shapes_dict": {"query_shape": (2, 3), "value_shape": (1, 3)}}
    again = Named()
    again.build_from_config({"shapes_dict": {"query_shape": [2, 3], "value_shape": [1, 3]}})
    assert again.received == ((2, 3), (1, 3)) and again.built

    dense = layers.Dense(4)
    dense.build((None, 3))
    assert dense.get_build_config() == {"input_shape": (None, 3)}
    other = layers.Dense(4)
    other.build_from_config({"input_shape": [None, 3]})
    assert other.kernel.shape == (3, 4)
    untouched = layers.Dense(4)
    untouched.build_from_config(None)
    assert not untouched.built


def test_defaults_of_a_weight():
    layer = layers.Layer(name="owner")
    scalar = layer.add_weight()
    assert scalar.shape == () and scalar.dtype == "float32" and scalar.trainable
    count = layer.add_weight(shape=(3,), dtype="int32", trainable=False, name="count")
    assert count.path == "owner/count" and not count.trainable
    np.testing.assert_array_equal(count.numpy(), np.zeros(3, "int32"))
    kernel = layer.add_variable((2, 2), "ones", name="kernel")
    np.testing.assert_array_equal(kernel.numpy(), np.ones((2, 2)))
    vector = layer.add_weight(shape=4)
    assert vector.shape == (4,)


def test_a_weight_carries_what_it_was_given():
    layer = layers.Layer()
    weight = layer.add_weight(
        (2,),
        "zeros",
        regularizer="l2",
        constraint="non_neg",
        aggregation="mean",
        overwrite_with_gradient=True,
    )
    assert type(weight.regularizer).__name__ == "L2"
    assert type(weight.constraint).__name__ == "NonNeg"
    assert weight.aggregation == "mean" and weight.overwrite_with_gradient


def test_weights_of_a_frozen_layer_are_made_frozen():
    layer = layers.Layer(trainable=False)
    assert not layer.add_weight((2,)).trainable
    assert layer.trainable_weights == []


def test_weights_that_no_attribute_holds_belong_to_the_layer():
    class Bare(layers.Layer):
        def build(self, input_shape):
            self.add_weight((input_shape[-1],), name="hidden")

        def call(self, x):
            return x

    layer = Bare()
    layer(X)
    assert [w.name for w in layer.weights] == ["hidden"]


@pytest.mark.parametrize("kind", ["weight", "layer"])
def test_a_call_may_not_make_state(kind):
    class Late(layers.Layer):
        def build(self, input_shape):
            self.first = self.add_weight((1,))

        def call(self, x):
            if kind == "weight":
                self.second = self.add_weight((1,), name="second")
            else:
                self.second = layers.Dense(1, name="second")
            return x

    layer = Late(name="late")
    with pytest.raises(UserInputError, match=f"'late'.*`call` makes the {kind} second.*`build"):
        layer(X)


def test_weights_given_to_the_constructor_are_set_when_the_layer_is_built():
    kernel, bias = np.full((3, 2), 2.0, "float32"), np.ones(2, "float32")
    layer = layers.Dense(2, weights=[kernel, bias])
    np.testing.assert_array_equal(layer(X), X @ kernel + bias)


def test_build_runs_in_the_name_scope_of_the_layers_around():
    class Outer(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.Dense(2, name="inner")

        def build(self, input_shape):
            self.inner.build(input_shape)

        def call(self, x):
            return self.inner(x)

    outer = Outer(name="outer")
    outer(X)
    assert [w.path for w in outer.weights] == ["outer/inner/kernel", "outer/inner/bias"]


def test_a_failed_build_leaves_the_name_scope_as_it_was():
    class Failing(layers.Layer):
        def build(self, input_shape):
            raise ZeroDivisionError

        def call(self, x):
            return x

    layer = Failing()
    with pytest.raises(ZeroDivisionError):
        layer(X)
    assert not layer._info.name_scope_is_open and not layer._info.building and not layer.built
    with building.open_name_scope(layer):
        assert layer._info.name_scope_is_open
    assert layers.Dense(2, name="after").add_weight((1,), name="w").path == "after/w"


def test_roots_draw_their_weights_by_structural_path_whatever_was_built_before():
    fkeras.utils.set_random_seed(3)
    first = fkeras.Sequential([layers.Dense(2), layers.Dense(2)])
    first.build((None, 3))
    fkeras.utils.set_random_seed(3)
    second = fkeras.Sequential([layers.Dense(2), layers.Dense(2)])
    second.build((None, 3))
    for a, b in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first.get_weights()[0][:2], first.get_weights()[2])
