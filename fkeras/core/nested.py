"""Nested lists, tuples and dicts, and what is done at each leaf of them.

A node is a list, a tuple (a named one too), a dict, or a subclass of these; everything else is a
leaf. None is a place without a value: `map_structure` keeps it, `flatten` leaves it out. Dicts are
visited in the order of their sorted keys, whatever order they were filled in, so that two dicts of
the same entries are the same inputs; and they keep their own order when they are made again.

`jax.tree` does the same for what JAX knows. It is not used here, since its dicts come back sorted,
subclasses are leaves, and leaves such as KerasTensors must not be looked into.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Path: TypeAlias = tuple[Hashable, ...]  # indices and keys from the root to a leaf


def sorted_keys(mapping: Mapping[Any, Any]) -> list[Any]:
    """The keys in the order in which the entries are visited.

    Keys that do not compare with each other are sorted by the names of their types first; those
    that do not compare at all stay in the mapping's own order.
    """
    try:
        return sorted(mapping)
    except TypeError:
        pass
    try:
        return sorted(mapping, key=lambda key: (_type_name(key), key))
    except TypeError:
        return list(mapping)


def _type_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def is_named_tuple(value: object) -> bool:
    """Whether it is a tuple with names for its places, made from them one by one."""
    return isinstance(value, tuple) and hasattr(value, "_fields")


def make_dict_like(node: dict[Any, Any], items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """A dict of the node's own class with these entries."""
    cls = type(node)
    if cls is dict:
        return dict(items)
    if isinstance(node, defaultdict):
        copy = cls(node.default_factory)
        copy.update(items)
        return copy
    return cls(items)


def make_sequence_like(node: list[Any] | tuple[Any, ...], items: Iterable[Any]) -> Any:
    """A list, tuple or named tuple like the node.

    Of other subclasses of list and tuple, the plain kind.
    """
    if is_named_tuple(node):
        return type(node)(*items)
    return list(items) if isinstance(node, list) else tuple(items)


# -- the leaves ----------------------------------------------------------------


def map_structure(fn: Callable[[Any], Any], structure: Any) -> Any:
    """`fn` at each leaf, in a structure like the given one; None stays None.

    >>> map_structure(lambda x: x + 1, {"b": [1, None], "a": (2,)})
    {'b': [2, None], 'a': (3,)}
    """
    if isinstance(structure, dict):
        return make_dict_like(structure, [(k, map_structure(fn, v)) for k, v in structure.items()])
    if isinstance(structure, (list, tuple)):
        return make_sequence_like(structure, [map_structure(fn, v) for v in structure])
    return None if structure is None else fn(structure)


def map_with_path(fn: Callable[[Path, Any], Any], structure: Any, path: Path = ()) -> Any:
    """As `map_structure`, with the path as the function's first argument.

    >>> map_with_path(lambda path, x: path, {"a": [1, 2]})
    {'a': [('a', 0), ('a', 1)]}
    """
    if isinstance(structure, dict):
        items = [(k, map_with_path(fn, v, (*path, k))) for k, v in structure.items()]
        return make_dict_like(structure, items)
    if isinstance(structure, (list, tuple)):
        items = [map_with_path(fn, v, (*path, i)) for i, v in enumerate(structure)]
        return make_sequence_like(structure, items)
    return None if structure is None else fn(path, structure)


def flatten(structure: Any) -> list[Any]:
    """All leaves, without None.

    >>> flatten({"b": [1, None], "a": (2,)})
    [2, 1]
    """
    leaves: list[Any] = []
    _collect(structure, leaves)
    return leaves


def _collect(structure: Any, leaves: list[Any]) -> None:
    if isinstance(structure, dict):
        for key in sorted_keys(structure):
            _collect(structure[key], leaves)
    elif isinstance(structure, (list, tuple)):
        for item in structure:
            _collect(item, leaves)
    elif structure is not None:
        leaves.append(structure)


def flatten_with_path(
    structure: Any,
    is_leaf: Callable[[Any], bool] = lambda value: False,
    keep_none: bool = False,
) -> list[tuple[Path, Any]]:
    """All pairs of a path and a leaf, in the order of `flatten`.

    Args:
        structure: any nested structure.
        is_leaf: function (node) -> whether it counts as one leaf, and is not looked into.
        keep_none: whether None is a leaf.

    >>> flatten_with_path({"b": [1, None], "a": (2,)})
    [(('a', 0), 2), (('b', 0), 1)]
    """
    return list(_iterate_with_path(structure, (), is_leaf, keep_none))


def _iterate_with_path(
    structure: Any, path: Path, is_leaf: Callable[[Any], bool], keep_none: bool
) -> Iterator[tuple[Path, Any]]:
    if not isinstance(structure, (dict, list, tuple)) or is_leaf(structure):
        if structure is not None or keep_none:
            yield path, structure
        return
    keys = sorted_keys(structure) if isinstance(structure, dict) else range(len(structure))
    for key in keys:
        yield from _iterate_with_path(structure[key], (*path, key), is_leaf, keep_none)


def any_leaf(predicate: Callable[[Any], bool], structure: Any) -> bool:
    """Whether the predicate holds for a leaf; stops at the first. None is not asked about."""
    if isinstance(structure, dict):
        return any(any_leaf(predicate, v) for v in structure.values())
    if isinstance(structure, (list, tuple)):
        return any(any_leaf(predicate, v) for v in structure)
    return structure is not None and predicate(structure)


# -- structures from leaves ----------------------------------------------------


def unflatten_like(structure: Any, leaves: Iterable[Any]) -> Any:
    """A structure like the given one with other leaves, in the order of `flatten`.

    >>> unflatten_like({"b": [1, None], "a": (2,)}, ["x", "y"])
    {'b': ['y', None], 'a': ('x',)}
    """
    return _fill(structure, iter(leaves))


def _fill(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        filled = {key: _fill(structure[key], leaves) for key in sorted_keys(structure)}
        return make_dict_like(structure, [(key, filled[key]) for key in structure])
    if isinstance(structure, (list, tuple)):
        return make_sequence_like(structure, [_fill(v, leaves) for v in structure])
    return None if structure is None else next(leaves)


def in_order_of_leaves(structure: Any) -> Any:
    """The structure with the entries of dicts in the order in which `flatten` visits them."""
    if isinstance(structure, dict):
        items = [(key, in_order_of_leaves(structure[key])) for key in sorted_keys(structure)]
        return make_dict_like(structure, items)
    if isinstance(structure, (list, tuple)):
        return make_sequence_like(structure, [in_order_of_leaves(v) for v in structure])
    return structure
