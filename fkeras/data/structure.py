"""Nested data: which lists are several arrays and which are one, and how to visit each array under
its name.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np


def is_nested(value) -> bool:
    """Whether a value is several arrays (a dict, a list or tuple of arrays) rather than one (an
    array, a list of numbers).
    """
    if isinstance(value, Mapping):
        return True
    return isinstance(value, (list, tuple)) and not holds_numbers(value)


def holds_numbers(value) -> bool:
    """Whether a list or tuple is one array: numbers or strings, or lists of those. An empty one
    is.
    """
    filled = [v for v in value if v is not None]
    if not filled:
        return not value
    first = filled[0]
    if isinstance(first, (list, tuple)):
        return holds_numbers(first)
    if (
        isinstance(first, (bool, int, float, complex, str, bytes, np.generic))
        or getattr(first, "shape", None) == ()
    ):
        return True
    return type(first).__name__ in ("Decimal", "NAType")


def walk(function: Callable[[Any, str], Any], value, name: str):
    """`function(array, name)` for each array of a structure, in the same structure. Names read `x`,
    `x['a']`, `x[0]`. None stays None.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: walk(function, inner, f"{name}[{key!r}]") for key, inner in value.items()}
    if is_nested(value):
        made = [walk(function, inner, f"{name}[{i}]") for i, inner in enumerate(value)]
        if hasattr(value, "_fields"):
            return type(value)(*made)
        return made if isinstance(value, list) else tuple(made)
    return function(value, name)


def named(value, name: str) -> Iterator[tuple[str, Any]]:
    """Pairs of a name and an array, for all arrays of a structure."""
    found: list[tuple[str, Any]] = []
    walk(lambda array, path: found.append((path, array)), value, name)
    return iter(found)


def rows_of(array) -> int:
    """Length of the first axis of an array, frame, sparse matrix or list."""
    shape = getattr(array, "shape", None)
    return int(shape[0]) if shape is not None and len(shape) else len(array)
