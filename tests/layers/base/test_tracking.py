"""What belongs to a layer is remembered; whatever changes must be seen all the same."""

import copy
import pickle

import jax
import numpy as np
import pytest
from flax import nnx

import fkeras
from fkeras import layers
from fkeras.layers.base import tracking


class Holder(layers.Layer):
    def __init__(self):
        super().__init__()
        self.one = layers.Dense(2)
        self.blocks = [layers.Dense(3), [layers.Dense(4)]]
        self.named = {"a": layers.Dense(5)}
        self.plain = 7
        self.nothing = None

    def call(self, x):
        return self.one(x)


def append(layer):
    layer.blocks.append(layers.Dense(6))


def nested(layer):
    layer.blocks[1].append(layers.Dense(6))


def key(layer):
    layer.named["b"] = layers.Dense(6)


def value(layer):
    layer.named["a"] = layers.Dense(6)


def attribute(layer):
    layer.two = layers.Dense(6)


def instead_of_none(layer):
    layer.nothing = layers.Dense(6)


def instead_of_a_number(layer):
    layer.plain = layers.Dense(6)


def replaced(layer):
    layer.one = layers.Dense(6)


def past_setattr(layer):
    vars(layer)["two"] = layers.Dense(6)


def variable(layer):
    layer.scale = fkeras.Variable(np.ones(2))


def deep(layer):
    layer.blocks[0].inner = layers.Dense(6)


def deleted(layer):
    del layer.one


def popped(layer):
    layer.blocks.pop()


def swapped(layer):
    layer.blocks.reverse()


CHANGES = [
    append,
    nested,
    key,
    value,
    attribute,
    instead_of_none,
    instead_of_a_number,
    replaced,
    past_setattr,
    variable,
    deep,
    deleted,
    popped,
    swapped,
]


def seen(structure):
    return (
        [(path, id(x)) for path, x in structure.layers],
        [(path, id(v)) for path, v in structure.variables],
        [id(v) for v in structure.ordered],
    )


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
def test_a_change_is_seen(change):
    layer = Holder()
    before = layer._structure()
    assert layer._structure() is before
    change(layer)
    after = layer._structure()
    assert after is not before and seen(after) != seen(before)
    assert seen(after) == seen(tracking.Structure(layer))


def test_what_changes_nothing_costs_no_walk():
    layer = Holder()
    before = layer._structure()
    layer.plain = 8
    assert layer._structure() is before


def test_a_new_name_is_seen_where_names_are_paths():
    model = fkeras.Sequential([fkeras.Input((2,)), layers.Dense(3)])
    assert set(model.init(jax.random.key(0))["params"]) == {"dense"}
    model.layers[0].name = "head"
    assert set(model.init(jax.random.key(0))["params"]) == {"head"}


def test_a_foreign_module_that_changes_is_seen():
    class Foreign(nnx.Module):
        def __init__(self):
            self.w = nnx.Param(np.ones(2))

    layer = Holder()
    layer.foreign = Foreign()
    count = len(layer.variables)
    layer.foreign.b = nnx.Param(np.ones(3))
    assert len(layer.variables) == count + 1


def test_lists_that_were_handed_out_are_the_callers():
    model = fkeras.Sequential([fkeras.Input((2,)), layers.Dense(3)])
    for name in (
        "variables",
        "weights",
        "trainable_variables",
        "non_trainable_variables",
        "metrics",
        "layers",
    ):
        before = len(getattr(model, name))
        getattr(model, name).append(None)
        assert len(getattr(model, name)) == before, name


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"]
)
def test_a_copy_has_a_structure_of_its_own(copied):
    model = fkeras.Sequential([fkeras.Input((2,)), layers.Dense(3)])
    model.predict(np.ones((1, 2), "float32"), verbose=0)
    other = copied(model)
    assert {id(v) for v in other.variables}.isdisjoint({id(v) for v in model.variables})
    other.set_weights([w + 1 for w in other.get_weights()])
    x = np.ones((1, 2), "float32")
    assert not np.allclose(model.predict(x, verbose=0), other.predict(x, verbose=0))


def test_a_layer_added_after_predict_is_predicted_with():
    model = fkeras.Sequential([fkeras.Input((2,)), layers.Dense(3)])
    x = np.ones((1, 2), "float32")
    assert model.predict(x, verbose=0).shape == (1, 3)
    model.add(layers.Dense(5))
    assert model.predict(x, verbose=0).shape == (1, 5)
    model.pop()
    assert model.predict(x, verbose=0).shape == (1, 3)


def test_names_that_keras_does_not_have_may_be_attributes_of_ones_own():
    class Own(fkeras.layers.Layer):
        def __init__(self, input_shape, output_shape, **kwargs):
            super().__init__(**kwargs)
            self.input_shape, self.output_shape = input_shape, output_shape

        def call(self, x):
            return fkeras.ops.reshape(x, (-1, *self.output_shape))

    x = fkeras.Input((6,))
    layer = Own([2, 3], (3, 2))
    model = fkeras.Model(x, layer(x))
    assert (layer.input_shape, layer.output_shape) == ([2, 3], (3, 2))
    assert model.output_shape == (None, 3, 2) and Own([1], (1,)).input_shape == [1]
    lines = []
    model.summary(print_fn=lines.append)
    assert "(None, 3, 2)" in "".join(lines)
