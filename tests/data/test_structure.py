"""Which lists are arrays, and the names of arrays in structures."""

import collections
import decimal
import types

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.data.structure import holds_numbers, is_nested, iterate_named, map_named, rows_of

Pair = collections.namedtuple("Pair", "a b")
ONE_ARRAY = [
    np.ones(3),
    [],
    [1, 2],
    (1.5, None),
    [None, 2],
    [[1, 2], [3, 4]],
    ["a", b"b"],
    [np.float32(1), True],
    [jnp.ones(())],
    [decimal.Decimal(1)],
    "text",
    3,
]
SEVERAL = [{}, {"a": [1]}, [np.ones(3)], (np.ones(3), None), [[np.ones(3)]], [None], [{"a": 1}]]


@pytest.mark.parametrize("value", ONE_ARRAY, ids=repr)
def test_lists_of_numbers_are_one_array(value):
    assert not is_nested(value)
    assert list(iterate_named(value, "x")) == [("x", value)]


@pytest.mark.parametrize("value", SEVERAL, ids=repr)
def test_lists_of_arrays_are_several(value):
    assert is_nested(value)


def test_lists_of_lists_are_looked_into():
    assert holds_numbers([[[1], [2]]]) and not holds_numbers([[np.ones(1)]])


def test_each_array_has_the_name_of_its_place():
    value = {"a": [np.ones(1), None], 2: Pair(np.ones(1), (np.ones(1),))}
    names = [name for name, _ in iterate_named(value, "x")]
    assert names == ["x['a'][0]", "x[2][0]", "x[2][1][0]"]


def test_structures_keep_their_types():
    value = types.MappingProxyType({"a": [np.ones(1), None], "b": Pair(np.ones(1), (np.ones(1),))})
    names = map_named(lambda array, name: name, value, "y")
    assert names == {"a": ["y['a'][0]", None], "b": Pair("y['b'][0]", ("y['b'][1][0]",))}
    assert isinstance(names["b"], Pair)
    assert map_named(lambda array, name: name, None, "y") is None


@pytest.mark.parametrize(
    "array, rows",
    [(np.ones((3, 2)), 3), (jnp.ones(4), 4), ([1, 2], 2), ([], 0), (range(5), 5)],
)
def test_rows_are_counted(array, rows):
    assert rows_of(array) == rows
