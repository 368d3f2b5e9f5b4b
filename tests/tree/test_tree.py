"""Every function on every structure against Keras, whose tree functions are optree's."""

import collections
import itertools

import numpy as np
import pytest

from fkeras import tree

Point = collections.namedtuple("Point", ["x", "y"])
OtherPoint = collections.namedtuple("OtherPoint", ["x", "y"])
Empty = collections.namedtuple("Empty", [])


class ListOfMine(list):
    pass


def default_dict(**items):
    made = collections.defaultdict(int)
    made.update(items)
    return made


ORDERED = collections.OrderedDict([("b", 2), ("a", 1)])
STRUCTURES = [
    1, None, "abc", b"abc", np.arange(3), {1}, frozenset(), ListOfMine([1, 2]),
    (), (1,), (1, 2), [], [1], [1, 2], [None], [1, None, "x"],
    collections.deque(), collections.deque([1, 2]), collections.deque([1, 2], maxlen=2), Empty(), Point(y=2, x=1), OtherPoint(1, 2),
    {}, {"b": 2, "a": 1}, {2: "x", 1: "y"}, {"a": None}, collections.OrderedDict(), ORDERED, default_dict(b=2, a=1),
    collections.OrderedDict([("a", 1), ("b", 2)]), {"a": 1, "b": 2}, {"a": 1, "c": 2}, {"a": [1, 2], "b": 2},
    ({"b": [2, 3], "a": (1,)}, [Point(y=(9, None), x=ORDERED)], collections.deque([default_dict(z=5)])),
    [(1, [2]), [3, (4, 5, 6)]], [[1, 2], [3, 4]], [None, [None, None]], [[1, 1], [2, [2]]],
    (None, 3), [(1, 2, None), {"a": [3, None], "b": ("x", 1), "c": ()}],
]


def same(a, b):
    """Equal with equal types, and dicts in equal order."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a) and getattr(a, "default_factory", 0) == getattr(b, "default_factory", 0)
    if isinstance(a, (list, tuple, collections.deque)):
        return len(a) == len(b) and all(map(same, a, b)) and getattr(a, "maxlen", 0) == getattr(b, "maxlen", 0)
    return bool(np.array_equal(a, b))


def outcome(call, *args):
    """What a call returns, or how it fails: with ValueError or TypeError."""
    try:
        return call(*args)
    except (ValueError, TypeError) as error:
        return ValueError if isinstance(error, ValueError) else type(error)


def recording(function):
    seen = []

    def wrapped(*args):
        seen.append(args)
        return function(*args)

    return wrapped, seen


ONE = [
    ("is_nested", lambda t, s, f: t.is_nested(s)),
    ("flatten", lambda t, s, f: t.flatten(s)),
    ("flatten_with_path", lambda t, s, f: t.flatten_with_path(s)),
    ("lists_to_tuples", lambda t, s, f: t.lists_to_tuples(s)),
    ("map_structure", lambda t, s, f: t.map_structure(f, s)),
    ("map_structure without None", lambda t, s, f: t.map_structure(f, s, none_is_leaf=False)),
    ("map_shape_structure", lambda t, s, f: t.map_shape_structure(f, s)),
    ("traverse down", lambda t, s, f: t.traverse(lambda x: f(x) if isinstance(x, (int, tuple)) else None, s)),
    ("traverse up", lambda t, s, f: t.traverse(lambda x: f(x) if isinstance(x, (int, tuple)) else None, s, top_down=False)),
    ("traverse to None", lambda t, s, f: t.traverse(lambda x: t.MAP_TO_NONE if isinstance(x, tuple) else None, s)),
    ("pack_sequence_as", lambda t, s, f: t.pack_sequence_as(s, [f(x) for x in t.flatten(s)])),
    ("pack too many", lambda t, s, f: t.pack_sequence_as(s, range(50))),
    ("pack too few", lambda t, s, f: t.pack_sequence_as([s, 1], iter(t.flatten(s)))),
]


@pytest.mark.parametrize("name, call", ONE, ids=[name for name, _ in ONE])
def test_functions_of_one_structure_are_kerass(name, call, keras):
    for structure in STRUCTURES:
        (ours, seen), (theirs, expected) = recording(repr), recording(repr)
        got, wanted = outcome(call, tree, structure, ours), outcome(call, keras.tree, structure, theirs)
        assert same(got, wanted), f"{name} of {structure!r} gave {got!r}, Keras {wanted!r}"
        assert same(seen, expected), f"{name} of {structure!r} visited {seen!r}, Keras {expected!r}"


TWO = [
    ("map_structure", lambda t, a, b, f: t.map_structure(f, a, b)),
    ("map_structure_up_to", lambda t, a, b, f: t.map_structure_up_to(a, f, b, b)),
    ("assert_same_structure", lambda t, a, b, f: t.assert_same_structure(a, b)),
    ("assert_same_paths", lambda t, a, b, f: t.assert_same_paths(a, b)),
]


@pytest.mark.parametrize("name, call", TWO, ids=[name for name, _ in TWO])
def test_functions_of_two_structures_are_kerass(name, call, keras):
    together = lambda x, y: (repr(x), repr(y))
    matched = 0
    for a, b in itertools.product(STRUCTURES, repeat=2):
        if name == "map_structure_up_to" and any(x is None for x in tree.flatten(a)):
            continue  # Keras documents None as a leaf of the shallow structure, and refuses it
        got, wanted = outcome(call, tree, a, b, together), outcome(call, keras.tree, a, b, together)
        assert same(got, wanted), f"{name} of {a!r} and {b!r} gave {got!r}, Keras {wanted!r}"
        matched += got is not ValueError
    assert matched > len(STRUCTURES)


def test_none_is_a_leaf_of_a_shallow_structure():
    assert tree.map_structure_up_to([None, [None, None]], str, [[1, 1], [2, 2]]) == ["[1, 1]", ["2", "2"]]


def test_none_beside_a_value_is_a_mismatch_where_none_is_no_leaf():
    with pytest.raises(ValueError, match="same nested structure"):
        tree.map_structure(lambda x, y: x, [1], [None], none_is_leaf=False)


@pytest.mark.parametrize("call, error, message", [
    (lambda: tree.map_structure("bad", [1]), TypeError, "must be callable"),
    (lambda: tree.map_structure(len), ValueError, "at least one structure"),
    (lambda: tree.map_structure_up_to([1], len), ValueError, "at least one structure"),
    (lambda: tree.traverse(3, [1]), TypeError, "must be callable"),
    (lambda: tree.pack_sequence_as([1, 2], 3), TypeError, "iterable"),
    (lambda: tree.pack_sequence_as([1, 2], [3]), ValueError, "Too few leaves.*expected: 2. Received: 1"),
    (lambda: tree.map_structure(max, (1, 2), [1, 2]), ValueError, r"tuple with 2 children\. Received: builtins.list with 2"),
    (lambda: tree.map_structure(max, Point(1, 2), OtherPoint(1, 2)), ValueError, "namedtuple .*Point with 2 children"),
    (lambda: tree.map_structure(max, [1, 2], [1]), ValueError, "arity"),
    (lambda: tree.map_structure(max, {"a": 1}, {"b": 1}), ValueError, r"key.*missing: \['a'\], extra: \['b'\]"),
    (lambda: tree.assert_same_structure(1, [1]), ValueError, r"Expected: a leaf \(1\). Received: \[1\]"),
    (lambda: tree.assert_same_paths([1], [1, 2]), ValueError, r"Paths in `b` missing in `a`:\n\{\(1,\)\}"),
])
def test_what_cannot_be_right_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_check_types_is_deprecated():
    for value in (True, False):
        with pytest.warns(DeprecationWarning, match="check_types"):
            tree.assert_same_structure([1], [2], check_types=value)
