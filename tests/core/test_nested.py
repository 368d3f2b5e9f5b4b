from collections import OrderedDict, defaultdict, namedtuple

import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fkeras.core import nested

Pair = namedtuple("Pair", "first second")

leaves = st.integers() | st.text(max_size=2) | st.floats(allow_nan=False)
structures = st.recursive(
    leaves | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.tuples(inner, inner).map(lambda pair: Pair(*pair))
    ),
    max_leaves=8,
)
quick = settings(max_examples=60, deadline=None)


@quick
@given(structures)
def test_leaves_come_in_the_order_of_jax(structure):
    assert nested.flatten(structure) == jax.tree.leaves(structure)


@quick
@given(structures)
def test_a_mapped_structure_is_the_one_of_jax(structure):
    mapped = nested.map_structure(lambda x: (str(x),), structure)
    assert mapped == jax.tree.map(lambda x: (str(x),), structure)
    assert jax.tree.structure(nested.map_structure(str, structure)) == jax.tree.structure(structure)


@quick
@given(structures)
def test_paths_lead_to_their_leaves(structure):
    pairs = nested.flatten_with_path(structure)
    for path, leaf in pairs:
        node = structure
        for key in path:
            node = node[key]
        assert node == leaf
    assert [leaf for _, leaf in pairs] == nested.flatten(structure)


@quick
@given(structures)
def test_leaves_put_back_are_the_structure(structure):
    assert nested.unflatten_like(structure, nested.flatten(structure)) == structure


@quick
@given(structures)
def test_mapping_with_paths_visits_the_same_leaves(structure):
    by_path = dict(nested.flatten_with_path(structure))
    seen = {}
    mapped = nested.map_with_path(lambda path, x: seen.setdefault(path, x), structure)
    assert seen == by_path and mapped == structure


@quick
@given(structures)
def test_structures_in_the_order_of_leaves_are_equal_and_sorted(structure):
    ordered = nested.in_order_of_leaves(structure)
    assert ordered == structure
    walked: list = []
    nested.map_structure(walked.append, ordered)
    assert walked == nested.flatten(structure)


@quick
@given(structures, st.integers())
def test_any_leaf_is_any_of_the_leaves(structure, value):
    predicate = lambda x: x == value
    assert nested.any_leaf(predicate, structure) == any(map(predicate, nested.flatten(structure)))


@pytest.mark.parametrize("empty", [[], (), {}, None, [[], {}], {"a": ()}])
def test_nothing_has_no_leaves(empty):
    assert nested.flatten(empty) == nested.flatten_with_path(empty) == []
    assert nested.map_structure(str, empty) == empty
    assert not nested.any_leaf(lambda x: True, empty)


def test_none_is_a_place_and_no_leaf():
    assert nested.map_structure(str, [1, None]) == ["1", None]
    assert nested.flatten_with_path([None, 1]) == [((1,), 1)]
    assert nested.flatten_with_path([None, 1], keep_none=True) == [((0,), None), ((1,), 1)]
    assert nested.unflatten_like({"b": None, "a": 0}, [5]) == {"b": None, "a": 5}


@pytest.mark.parametrize(
    "node", [OrderedDict(b=1, a=2), defaultdict(list, b=1, a=2), Pair(1, 2), {"b": 1, "a": 2}]
)
def test_nodes_keep_their_class_and_their_own_order(node):
    mapped = nested.map_structure(lambda x: x * 10, node)
    assert type(mapped) is type(node)
    assert list(mapped) == (list(node) if isinstance(node, dict) else [10, 20])
    assert type(nested.unflatten_like(node, [1, 2])) is type(node)
    assert type(nested.in_order_of_leaves(node)) is type(node)


def test_a_default_dict_goes_on_making_defaults():
    mapped = nested.map_structure(str, defaultdict(list, a=1))
    assert mapped["new"] == [] and mapped["a"] == "1"


def test_subclasses_of_lists_are_walked_and_come_back_plain():
    class Tracked(list):
        pass

    assert type(nested.map_structure(str, Tracked([1]))) is list
    assert nested.flatten(Tracked([1, Tracked([2])])) == [1, 2]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["b", "a"], ["a", "b"]),
        ([2, 10, 1], [1, 2, 10]),
        (["a", 1, "B", 0], [0, 1, "B", "a"]),  # ints before strings
        ([], []),
    ],
)
def test_keys_are_sorted_by_type_where_they_do_not_compare(keys, expected):
    assert nested.sorted_keys(dict.fromkeys(keys)) == expected


def test_keys_that_do_not_compare_at_all_keep_their_order():
    keys = [1j, 2j, 0j]
    assert nested.sorted_keys(dict.fromkeys(keys)) == keys


def test_a_node_may_count_as_one_leaf():
    is_shape = lambda node: isinstance(node, tuple)
    pairs = nested.flatten_with_path({"a": (1, 2), "b": [(3,)]}, is_leaf=is_shape)
    assert pairs == [(("a",), (1, 2)), (("b", 0), (3,))]


def test_any_leaf_stops_at_the_first():
    asked = []
    assert nested.any_leaf(lambda x: asked.append(x) or True, [1, [2], 3])
    assert asked == [1]
