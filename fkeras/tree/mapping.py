"""Functions applied at the leaves, or at every node, of structures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fkeras.errors import UserInputError, UserTypeError
from fkeras.tree.nodes import children_like, children_of, is_nested, rebuild
from fkeras.types import PyTree


class MAP_TO_NONE:  # noqa: N801 - Keras's name
    """What the function of `traverse` returns to put None in place of a node."""


def _check_callable(func: object) -> None:
    if not callable(func):
        raise UserTypeError(f"`func` must be callable. Received: {func!r}")


def _check_some(structures: Sequence[PyTree]) -> None:
    if not structures:
        raise UserInputError("Must provide at least one structure.")


def _map(
    func: Callable[..., Any],
    first: PyTree,
    *others: PyTree,
    is_leaf: Callable[[PyTree], bool],
) -> PyTree:
    """`func` at the leaves of the first structure, with what the others have there."""
    if is_leaf(first):
        return func(first, *others)
    # One list of children for each structure; rows of them belong together.
    columns = [children_of(first), *(children_like(first, other) for other in others)]
    return rebuild(first, [_map(func, *row, is_leaf=is_leaf) for row in zip(*columns, strict=True)])


def map_structure(
    func: Callable[..., Any], *structures: PyTree, none_is_leaf: bool = True
) -> PyTree:
    """`func` of the leaves that stand at the same place in each structure.

    In a new structure like the first.

    Args:
        func: called with as many leaves as there are structures.
        *structures: nested structures that match as for `assert_same_structure`.
        none_is_leaf: False: None stays None, and `func` does not see it.

    Examples:
        >>> import fkeras
        >>> fkeras.tree.map_structure(lambda x, y: x + y, {"a": [1, 2]}, {"a": [10, 20]})
        {'a': [11, 22]}
    """
    _check_callable(func)
    _check_some(structures)

    def at_leaf(first, *others):
        for other in others:
            if is_nested(other) or (not none_is_leaf and (other is None) is not (first is None)):
                raise UserInputError(
                    "Structures don't have the same nested structure. "
                    f"Expected: a leaf like {first!r}. Received: {other!r}."
                )
        return None if first is None and not none_is_leaf else func(first, *others)

    return _map(at_leaf, *structures, is_leaf=lambda x: not is_nested(x))


def map_structure_up_to(
    shallow_structure: PyTree, func: Callable[..., Any], *structures: PyTree
) -> PyTree:
    """As `map_structure`, but only down to the leaves of `shallow_structure`.

    `func` gets whatever stands there, nested or not.

    Examples:
        >>> import fkeras
        >>> fkeras.tree.map_structure_up_to([0, 0], len, [[1, 1], [2, 2, 2]])
        [2, 3]
    """
    _check_callable(func)
    _check_some(structures)
    return _map(
        lambda shallow, *deep: func(*deep),
        shallow_structure,
        *structures,
        is_leaf=lambda x: not is_nested(x),
    )


def map_shape_structure(func: Callable[..., Any], structure: PyTree) -> PyTree:
    """As `map_structure`, with shapes (lists and tuples of ints and None only) as the leaves.

    Examples:
        >>> import fkeras
        >>> fkeras.tree.map_shape_structure(len, {"a": (None, 3), "b": [(1, 2, 3)]})
        {'a': 2, 'b': [3]}
    """
    _check_callable(func)

    def is_leaf(x):
        return (
            not is_nested(x)
            or isinstance(x, (list, tuple))
            and all(isinstance(d, (int, type(None))) for d in x)
        )

    return _map(func, structure, is_leaf=is_leaf)


def traverse(func: Callable[..., Any], structure: PyTree, top_down: bool = True) -> PyTree:
    """`func` at every node and leaf, depth first.

    Args:
        func: what it returns stands in place of the node; None: the node stays; `MAP_TO_NONE`: None
            stands there.
        structure: any nested structure.
        top_down: a node before its children, which are visited only where `func` returns None;
            False: after them.

    Examples:
        >>> import fkeras
        >>> add_pairs = lambda x: sum(x) if isinstance(x, tuple) else None
        >>> fkeras.tree.traverse(add_pairs, [(1, 2), {"a": (3, 4)}])
        [3, {'a': 7}]
    """
    _check_callable(func)
    return _traverse(func, structure, top_down)


def _traverse(func: Callable[..., Any], structure: PyTree, top_down: bool) -> PyTree:
    """`traverse` without its check."""
    # On the way down a replacement ends the walk; on the way up `func` sees changed children.
    replacement = func(structure) if top_down else None
    if replacement is None:
        if is_nested(structure):
            children = [_traverse(func, child, top_down) for child in children_of(structure)]
            structure = rebuild(structure, children)
        replacement = None if top_down else func(structure)
    if replacement is MAP_TO_NONE:
        return None
    return structure if replacement is None else replacement


def lists_to_tuples(structure: PyTree) -> PyTree:
    """The same structure with tuples in place of lists."""
    return traverse(
        lambda node: tuple(node) if isinstance(node, list) else None, structure, top_down=False
    )
