"""What a node is: its children in order, and how to make it again with others."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Sequence
from typing import Any

from fkeras.core.nested import sorted_keys
from fkeras.errors import UserInputError
from fkeras.types import PyTree

# Exactly these types: a subclass may keep more than its children, so that it is a leaf.
_SEQUENCES = (list, tuple, deque)
_DICTS = (dict, OrderedDict, defaultdict)


def _is_namedtuple(cls: type) -> bool:
    return issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


def is_nested(structure: PyTree) -> bool:
    """Whether it is a list, tuple, namedtuple, deque, dict, OrderedDict or defaultdict.

    An empty one too.

    Examples:
        >>> import fkeras
        >>> fkeras.tree.is_nested({"a": 1}), fkeras.tree.is_nested("abc")
        (True, False)
    """
    cls = type(structure)
    return cls in _SEQUENCES or cls in _DICTS or _is_namedtuple(cls)


def keys_of(node: PyTree) -> list[Any]:
    """Where the children of a node are: indices, or keys (sorted, but for an OrderedDict)."""
    if type(node) is OrderedDict:  # its order is part of what it is
        return list(node)
    if type(node) not in _DICTS:
        return list(range(len(node)))
    return sorted_keys(node)


def children_of(node: PyTree) -> list[Any]:
    """The children in the order of `keys_of`."""
    return [node[k] for k in keys_of(node)] if type(node) in _DICTS else list(node)


def rebuild(node: PyTree, children: Sequence[Any]) -> PyTree:
    """A node like this one with other children, in the order of `keys_of`.

    Dicts keep the order their keys were put in.
    """
    cls = type(node)
    if cls in _DICTS:
        by_key = dict(zip(keys_of(node), children, strict=True))
        items = ((k, by_key[k]) for k in node)
        return defaultdict(node.default_factory, items) if cls is defaultdict else cls(items)
    if cls is deque:
        return deque(children, maxlen=node.maxlen)
    return cls(*children) if _is_namedtuple(cls) else cls(children)


def _described(structure: PyTree) -> str:
    """A node or leaf in an error."""
    cls = type(structure)
    if not is_nested(structure):
        return f"a leaf ({structure!r})"
    kind = "namedtuple " if _is_namedtuple(cls) else ""
    return f"{kind}{cls.__module__}.{cls.__qualname__} with {len(structure)} children"


def children_like(node: PyTree, other: PyTree) -> list[Any]:
    """The children of `other` in the order of those of `node`.

    An error where the two do not match.
    """
    # All kinds of dict match each other, by their keys.
    both_dicts = type(node) in _DICTS and type(other) in _DICTS
    if not both_dicts and type(node) is not type(other):
        raise UserInputError(
            "Structures don't have the same nested structure. "
            f"Expected: {_described(node)}. Received: {_described(other)}."
        )
    if both_dicts and node.keys() != other.keys():
        missing = [k for k in node if k not in other]
        extra = [k for k in other if k not in node]
        raise UserInputError(
            "Structures don't have the same nested structure: dictionary key mismatch. Expected: "
            f"keys {list(node)}. Received: keys {list(other)} (missing: {missing}, extra: {extra})."
        )
    if len(node) != len(other):
        raise UserInputError(
            "Structures don't have the same nested structure: arity mismatch. Expected: "
            f"{_described(node)}. Received: {_described(other)}."
        )
    return [other[k] for k in keys_of(node)] if both_dicts else list(other)
