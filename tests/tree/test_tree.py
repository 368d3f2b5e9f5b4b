"""Nested structures against Keras's own functions (over optree): values, types, orders and
refusals.
"""

import re
from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from fkeras import tree
from fkeras.errors import UserInputError, UserTypeError

Point = namedtuple("Point", ["x", "y"])
OtherPoint = namedtuple("OtherPoint", ["x", "y"])


class SubDict(dict):
    pass


STRUCTURES = [
    1,
    None,
    "abc",
    (),
    [],
    {},
    deque(),
    [None],
    (1, [2, (3,)]),
    {"b": 2, "a": [1, None]},
    OrderedDict([("b", 2), ("a", 1)]),
    defaultdict(int, {"b": 2, "a": 1}),
    deque([1, 2], maxlen=3),
    Point([1], {"k": 2}),
    {2: "two", 1: "one"},
    {"a": 1, 2: 3},
    SubDict(a=1),
    {1, 2},
    [[[]], [()]],
    [{"x": (None, 3)}, Point(1, None)],
]


def exactly(value):
    """Values, types, orders of keys and all, as text."""
    if isinstance(value, dict):
        return (
            type(value),
            [(k, exactly(v)) for k, v in value.items()],
            getattr(value, "default_factory", None),
        )
    if isinstance(value, (list, tuple, deque)):
        return type(value), [exactly(v) for v in value], getattr(value, "maxlen", None)
    return value


UNARY = {
    "is_nested": lambda t, s: t.is_nested(s),
    "flatten": lambda t, s: t.flatten(s),
    "flatten_with_path": lambda t, s: t.flatten_with_path(s),
    "map_structure": lambda t, s: t.map_structure(lambda x: (x, 0), s),
    "map_structure_without_none": lambda t, s: t.map_structure(
        lambda x: (x, 0), s, none_is_leaf=False
    ),
    "map_shape_structure": lambda t, s: t.map_shape_structure(lambda x: [x], s),
    "lists_to_tuples": lambda t, s: t.lists_to_tuples(s),
    "pack_sequence_as": lambda t, s: t.pack_sequence_as(s, range(len(t.flatten(s)))),
    "assert_same_structure": lambda t, s: t.assert_same_structure(s, s),
}


@pytest.mark.parametrize("name", UNARY)
def test_one_structure_as_in_keras(keras, name):
    for structure in STRUCTURES:
        assert exactly(UNARY[name](tree, structure)) == exactly(
            UNARY[name](keras.tree, structure)
        ), structure


@pytest.mark.parametrize("top_down", [True, False])
def test_traverse_visits_and_replaces_as_in_keras(keras, top_down):
    for structure in STRUCTURES:
        results = []
        for t in (tree, keras.tree):
            seen: list = []

            def visit(x, t=t, seen=seen):
                seen.append(x)
                return (
                    t.MAP_TO_NONE
                    if x == 2
                    else "pair"
                    if isinstance(x, tuple) and len(x) == 2
                    else None
                )

            results.append(
                (exactly(t.traverse(visit, structure, top_down=top_down)), exactly(seen))
            )
        assert results[0] == results[1], structure


def outcome(fn, *args, **kwargs):
    try:
        return exactly(fn(*args, **kwargs))
    except ValueError:
        return "refused"


PAIRS = [
    (1, 2),
    (1, ()),
    ((), 1),
    ((), []),
    ((1, 2), (1,)),
    ([1, 2], [3, 4]),
    ({"a": 1, "b": 2}, OrderedDict(b=3, a=4)),
    ({"a": 1}, {"b": 1}),
    (Point(1, 2), OtherPoint(1, 2)),
    (Point(1, 2), (1, 2)),
    ([1, [2]], [1, 2]),
    ([1, 2], [1, [2]]),
    (deque([1]), [1]),
    ([None], [1]),
    ([1], [None]),
    ([None], [None]),
    (defaultdict(int, a=1), {"a": 5}),
    ({"a": [1]}, {"a": [2], "b": 3}),
    (None, [1]),
]


@pytest.mark.parametrize("name", ["assert_same_structure", "assert_same_paths"])
def test_two_structures_match_where_they_do_in_keras(keras, name):
    for a, b in PAIRS:
        assert outcome(getattr(tree, name), a, b) == outcome(getattr(keras.tree, name), a, b), (
            a,
            b,
        )


@pytest.mark.parametrize("none_is_leaf", [True, False])
def test_map_structure_of_two_structures_as_in_keras(keras, none_is_leaf):
    for a, b in PAIRS:
        ours, theirs = (
            outcome(t.map_structure, lambda *x: x, a, b, none_is_leaf=none_is_leaf)
            for t in (tree, keras.tree)
        )
        assert ours == theirs, (a, b)


def test_map_structure_up_to_hands_over_what_stands_at_the_shallow_leaves(keras):
    for shallow, deep in [
        ([1, 2], [[1, 1], {"k": 2}]),
        (1, [1, 2]),
        ({"b": 1, "a": (1, 1)}, {"a": ([1], 2), "b": 3}),
        ([1, [2]], [1, 2]),
        ([1], []),
    ]:
        ours, theirs = (
            outcome(t.map_structure_up_to, shallow, lambda *x: list(x), deep, deep)
            for t in (tree, keras.tree)
        )
        assert ours == theirs, (shallow, deep)
    assert tree.map_structure_up_to([None, [None]], str, [[1, 1], [2]]) == ["[1, 1]", ["2"]]


REFUSED = [
    (lambda: tree.map_structure("bad", [1]), UserTypeError, "callable"),
    (lambda: tree.traverse(None, [1]), UserTypeError, "callable"),
    (lambda: tree.map_structure(len), UserInputError, "at least one structure"),
    (lambda: tree.pack_sequence_as([1, 2], 1), UserTypeError, "iterable"),
    (
        lambda: tree.pack_sequence_as([1, 2], [1]),
        UserInputError,
        "Too few leaves.*expected: 2. Received: 1",
    ),
    (
        lambda: tree.pack_sequence_as(1, [1, 2]),
        UserInputError,
        "Too many leaves.*expected: 1. Received: 2",
    ),
    (
        lambda: tree.assert_same_structure((), []),
        UserInputError,
        "Expected: builtins.tuple.*Received: builtins.list",
    ),
    (lambda: tree.assert_same_structure((1,), (1, 2)), UserInputError, "arity mismatch"),
    (
        lambda: tree.assert_same_structure({"a": 1}, {"b": 1}),
        UserInputError,
        re.escape("missing: ['a'], extra: ['b']"),
    ),
    (
        lambda: tree.assert_same_paths([1], [1, 2]),
        UserInputError,
        r"Paths in `b` missing in `a`:\n\{\(1,\)\}",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_what_cannot_be_right_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_check_types_is_deprecated():
    with pytest.warns(DeprecationWarning, match="assert_same_paths"):
        tree.assert_same_structure([1], [2], check_types=False)
