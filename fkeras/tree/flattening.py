"""Structures to lists of leaves, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fkeras.errors import UserInputError, UserTypeError
from fkeras.tree.nodes import children_of, is_nested, keys_of, rebuild
from fkeras.types import PyTree


def flatten(structure: PyTree) -> list[Any]:
    """All leaves, depth first; those of dicts sorted by key, of an OrderedDict in its own order.

    Examples:
        >>> import fkeras
        >>> fkeras.tree.flatten([{"b": 2, "a": 1}, (3, None)])
        [1, 2, 3, None]
    """
    leaves: list = []
    _flatten(structure, leaves)
    return leaves


def _flatten(structure: PyTree, leaves: list[Any]) -> None:
    """Appends the leaves of the structure to `leaves`."""
    if is_nested(structure):
        for child in children_of(structure):
            _flatten(child, leaves)
    else:
        leaves.append(structure)


def flatten_with_path(structure: PyTree) -> list[tuple[tuple[Any, ...], Any]]:
    """As `flatten`, but pairs of path (a tuple of indices and keys) and leaf.

    Examples:
        >>> import fkeras
        >>> fkeras.tree.flatten_with_path([{"a": 42}])
        [((0, 'a'), 42)]
    """
    if not is_nested(structure):
        return [((), structure)]  # a leaf by itself has the empty path
    return [
        ((key, *path), leaf)
        for key, child in zip(keys_of(structure), children_of(structure), strict=True)
        for path, leaf in flatten_with_path(child)
    ]


def pack_sequence_as(structure: PyTree, flat_sequence: Iterable[Any]) -> PyTree:
    """A structure like the given one with the leaves of `flat_sequence`, in the order of `flatten`.

    Args:
        structure: any nested structure.
        flat_sequence: as many leaves as it has.

    Raises:
        UserInputError: too few or too many leaves.
        UserTypeError: `flat_sequence` is not iterable.

    Examples:
        >>> import fkeras
        >>> fkeras.tree.pack_sequence_as({"b": 0, "a": (0, 0)}, [1, 2, 3])
        {'b': 3, 'a': (1, 2)}
    """
    try:
        leaves = list(flat_sequence)
    except TypeError as error:
        raise UserTypeError(
            f"`flat_sequence` must be an iterable of leaves. Received: {flat_sequence!r}"
        ) from error
    count = len(flatten(structure))
    if len(leaves) != count:
        raise UserInputError(
            f"Too {'few' if len(leaves) < count else 'many'} leaves in `flat_sequence` for "
            f"`structure`. Number of leaves expected: {count}. Received: {len(leaves)}."
        )
    return _pack(structure, iter(leaves))


def _pack(structure: PyTree, leaves: Iterator[Any]) -> PyTree:
    """The structure with the next of `leaves` at each leaf."""
    if is_nested(structure):
        return rebuild(structure, [_pack(child, leaves) for child in children_of(structure)])
    return next(leaves)
