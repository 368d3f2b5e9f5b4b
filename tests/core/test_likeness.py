import functools
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core import likeness


def key(*roots):
    return likeness.likeness(*roots, known={}, renamed={})


class Foreign:
    pass


SHARED = [1]

PAIRS = {
    "ints": (1, 2),
    "kinds of numbers": (1, True),
    "int and float": (1, 1.0),
    "signs of zero": (0.0, -0.0),
    "strings": ("a", "b"),
    "list and tuple": ([1], (1,)),
    "keys": ({"a": 1}, {"b": 1}),
    "orders of a dict": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "arrays": (np.ones(2), np.zeros(2)),
    "dtypes": (np.ones(2), np.ones(2, "float32")),
    "shapes": (np.ones((2, 1)), np.ones((1, 2))),
    "array and list": (np.ones(1), [1.0]),
    "kinds of arrays": (np.ones(2, "float32"), jnp.ones(2)),
    "functions": (fkeras.activations.relu, fkeras.activations.gelu),
    "classes": (layers.Dense, layers.Conv2D),
    "arguments of a partial": (
        functools.partial(fkeras.ops.add, 1),
        functools.partial(fkeras.ops.add, 2),
    ),
    "methods": (layers.Dense.call, layers.Dense.build),
    "one object twice": ([SHARED, SHARED], [[1], [1]]),
    "attributes": (layers.LeakyReLU(0.1), layers.LeakyReLU(0.2)),
    "initializers": (fkeras.initializers.Constant(1), fkeras.initializers.Constant(2)),
    "regularizers": (fkeras.regularizers.L1(0.1), fkeras.regularizers.L1(0.2)),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_what_differs_has_another_key(pair):
    first, second = map(key, pair)
    assert first is not None and second is not None and first != second
    assert first == key(pair[0])


def test_a_cycle_ends():
    first, second = [1], [1]
    first.append(first)
    second.append(second)
    assert key(first) == key(second) != key([1, [1]])


FOREIGN = {
    "function": lambda x: x,
    "class": Foreign,
    "object": Foreign(),
    "closure": functools.partial(lambda x: x),
    "inside": [{"a": (Foreign(),)}],
    "large array": np.zeros(1 << 17, "uint8"),
    "objects in an array": np.array([None, "a"], object),
    "set of objects": {Foreign},
}


@pytest.mark.parametrize("value", FOREIGN.values(), ids=FOREIGN)
def test_what_is_the_users_has_no_key(value):
    assert key(value) is None


def test_a_tracer_has_no_key():
    seen = []
    jax.make_jaxpr(lambda x: seen.append(key([x])) or x)(1.0)
    assert seen == [None]


def test_an_array_that_was_consumed_has_no_key():
    array = jnp.ones(2)
    assert key([array]) is not None
    array.delete()
    assert key([array]) is None


def test_a_graph_that_is_too_deep_has_no_key():
    deep = []
    for _ in range(5000):
        deep = [deep]
    assert key(deep) is None


def test_what_goes_by_names_has_no_key():
    assert key(fkeras.optimizers.Muon(exclude_layers=["dense_1"])) is None


def test_a_method_on_one_object_has_no_key():
    layer = layers.LeakyReLU(0.5)
    assert key(layer) is not None
    layer.call = lambda x: x
    assert key(layer) is None


def test_a_patched_class_has_no_key(monkeypatch):
    layer = layers.LeakyReLU(0.5)
    before = key(layer)
    monkeypatch.setattr(layers.LeakyReLU, "call", lambda self, x: x)
    assert key(layer) is None
    monkeypatch.undo()
    assert key(layer) == before


def test_a_plain_value_of_a_class_counts(monkeypatch):
    layer = layers.LeakyReLU(0.5)
    before = key(layer)
    monkeypatch.setattr(layers.LeakyReLU, "a_number", 3, raising=False)
    assert key(layer) != before


def test_names_are_replaced_by_what_stands_for_them():
    first, second = layers.LeakyReLU(0.5, name="a"), layers.LeakyReLU(0.5, name="b")
    assert key(first) != key(second)
    assert likeness.likeness(first, known={}, renamed={"a": "0"}) == likeness.likeness(
        second, known={}, renamed={"b": "0"}
    )


def test_what_is_known_is_not_looked_into():
    foreign = Foreign()
    assert likeness.likeness([foreign], known={id(foreign): 7}, renamed={}) is not None


def test_classes_of_installed_packages_belong_to_modules_of_ours():
    pytest.importorskip("sklearn")
    importlib.import_module("fkeras.wrappers.scikit_learn")
    assert likeness.library() is not None


def test_the_library_is_the_same_until_somebody_changes_it(monkeypatch):
    before = likeness.library()
    assert before is not None and likeness.library() == before
    monkeypatch.setattr(fkeras.core.dtypes, "a_number", 3, raising=False)
    assert likeness.library() not in (None, before)
    monkeypatch.setattr(fkeras.core.dtypes, "a_number", 4, raising=False)
    assert likeness.library() != before
    monkeypatch.setattr(fkeras.core.dtypes, "a_number", lambda: 4, raising=False)
    assert likeness.library() is None
    monkeypatch.undo()
    monkeypatch.setattr(jax.nn, "relu", lambda x: x)
    assert likeness.library() is None
    monkeypatch.undo()
    assert likeness.library() == before
