"""Shapes, tensors and arguments in nested structures."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.layers.base import masking, nested, signature


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((None, 3), True),
        ([2, np.int64(3)], True),
        ((), True),
        (((1, 2), (3, 4)), False),
        ({"a": (1,)}, False),
        (3, False),
    ],
)
def test_what_is_one_shape(value, expected):
    assert nested.is_shape(value) is expected


def test_shapes_from_files_become_tuples():
    assert nested.as_shape([None, 3]) == (None, 3)
    assert nested.as_shape({"a": [1, 2], "b": [[1], [2]]}) == {"a": (1, 2), "b": [(1,), (2,)]}
    assert nested.as_shape("x") == "x"


def test_a_function_of_each_shape():
    shapes = {"a": [(1, 2), (3,)], "b": ((4, 5), [6])}
    assert nested.map_shapes(len, shapes) == {"a": [2, 1], "b": (2, 1)}
    assert nested.replace_shapes(len, {"a": (1, 2), "b": "text", "c": [(3,), None]}) == {
        "a": 2,
        "b": "text",
        "c": [1, None],
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.ones(2), True),
        ([1, [np.ones(2)]], True),
        ({"a": {"b": fkeras.KerasTensor((2,))}}, True),
        ([1, 2.0], False),
        ({}, False),
        ("text", False),
    ],
)
def test_whether_a_tensor_is_in_a_value(value, expected):
    assert nested.holds_tensor(value) is expected


class Attention(layers.Layer):
    def call(self, query, value=None, mask=None, scale=1.0, *rest, training=False, **options):
        return query


@pytest.mark.parametrize(
    ("arguments", "positional", "keywords"),
    [
        ({"query": 1}, [1], {}),
        ({"query": 1, "value": 2}, [1, 2], {}),
        ({"query": 1, "value": 2, "mask": 3}, [1, 2], {"mask": 3}),
        ({"query": 1, "scale": 2.0}, [1], {"scale": 2.0}),  # by name behind a gap
        ({"query": 1, "training": True, "other": 5}, [1], {"training": True, "other": 5}),
    ],
)
def test_inputs_go_by_position_and_options_by_name(arguments, positional, keywords):
    call = signature.of(Attention())
    assert nested.split_arguments(call, arguments) == (positional, keywords)


@pytest.mark.parametrize(
    ("computed", "count", "expected"),
    [
        (None, 2, [None, None]),
        ("m", 2, ["m", "m"]),
        (["m", None], 3, ["m", None, None]),
        ([["m", "n"], "o"], 3, ["m", "n", "o"]),
        ({"b": "m", "a": "n"}, 2, ["n", "m"]),
    ],
)
def test_one_mask_for_each_output(computed, count, expected):
    assert masking.mask_leaves(computed, count) == expected
