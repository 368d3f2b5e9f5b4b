"""What holds for every structure: flattening and packing undo each other, in JAX's order."""

from collections import OrderedDict, deque, namedtuple

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fkeras import tree
from fkeras.errors import UserInputError

Pair = namedtuple("Pair", ["left", "right"])

names = st.sampled_from("abcd")
structures = st.recursive(
    st.integers(-9, 9) | st.none() | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.lists(inner, max_size=3).map(deque)
        | st.dictionaries(names, inner, max_size=3)
        | st.dictionaries(names, inner, max_size=3).map(OrderedDict)
        | st.builds(Pair, inner, inner)
    ),
    max_leaves=12,
)
examples = settings(max_examples=60, deadline=None, database=None)


@examples
@given(structures)
def test_packing_the_leaves_gives_the_structure_again(structure):
    leaves = tree.flatten(structure)
    packed = tree.pack_sequence_as(structure, leaves)
    assert packed == structure and type(packed) is type(structure)
    tree.assert_same_structure(structure, packed)
    tree.assert_same_paths(structure, packed)


@examples
@given(structures)
def test_leaves_come_in_the_order_of_jax(structure):
    as_lists = tree.traverse(lambda x: list(x) if isinstance(x, deque) else None, structure, False)
    expected = jax.tree.leaves(as_lists, is_leaf=lambda x: x is None)
    assert tree.flatten(structure) == expected
    pairs = tree.flatten_with_path(structure)
    assert [leaf for _, leaf in pairs] == expected
    for path, leaf in pairs:
        node = structure
        for key in path:
            node = node[key]
        assert node is leaf


@examples
@given(structures)
def test_mapping_sees_each_leaf_once_and_keeps_the_structure(structure):
    seen: list = []
    mapped = tree.map_structure(lambda leaf: seen.append(leaf) or len(seen), structure)
    assert seen == tree.flatten(structure)
    tree.assert_same_structure(structure, mapped)
    assert tree.flatten(mapped) == list(range(1, len(seen) + 1))
    both = tree.map_structure(lambda a, b: (a, b) == (a, a), structure, structure)
    assert all(tree.flatten(both))


@examples
@given(structures)
def test_a_traversal_that_returns_none_changes_nothing(structure):
    for top_down in (True, False):
        assert tree.traverse(lambda node: None, structure, top_down=top_down) == structure


@examples
@given(structures)
def test_tuples_in_place_of_lists_have_the_same_paths(structure):
    without = tree.lists_to_tuples(structure)
    tree.assert_same_paths(structure, without)
    no_lists: list = []
    tree.traverse(lambda node: no_lists.append(not isinstance(node, list)), without)
    assert all(no_lists)


def test_arrays_are_leaves():
    x = np.arange(3)
    assert not tree.is_nested(x)
    doubled = tree.map_structure(lambda v: v * 2, {"a": x, "b": [jax.numpy.ones(2)]})
    assert doubled["a"].tolist() == [0, 2, 4] and doubled["b"][0].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("structure", "other"),
    [([1, 2], [1, [2]]), ({"a": 1}, {"a": {"b": 1}}), ([[1]], [1]), (Pair(1, 2), (1, 2))],
)
def test_structures_that_differ_are_refused_with_both_named(structure, other):
    with pytest.raises(UserInputError, match="(?s)Expected: .*Received: "):
        tree.assert_same_structure(structure, other)


def test_a_shallow_structure_may_stop_early_but_not_go_deeper():
    deep = {"a": [1, 2], "b": (3, {"c": 4})}
    counted = tree.map_structure_up_to({"a": 0, "b": 0}, lambda x: len(tree.flatten(x)), deep)
    assert counted == {"a": 2, "b": 2}
    with pytest.raises(UserInputError, match="Expected: "):
        tree.map_structure_up_to({"a": [0, [0]], "b": 0}, str, deep)
