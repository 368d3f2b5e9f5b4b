"""Nested data: which lists are several arrays and which are one, and how to visit each array under
its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fkeras.data.source import InMemory


def is_nested(value: InMemory) -> bool:
    """Whether a value is several arrays (a dict, a list or tuple of arrays) rather than one (an
    array, a list of numbers).
    """
    if isinstance(value, Mapping):
        return True
    return isinstance(value, (list, tuple)) and not holds_numbers(value)


def holds_numbers(value: list | tuple) -> bool:
    """Whether a list or tuple is one array: numbers or strings, or lists of those; or empty."""
    first = next((v for v in value if v is not None), None)
    if first is None:
        return not value
    if isinstance(first, (list, tuple)):
        return holds_numbers(first)
    # A scalar of NumPy, JAX or another framework.
    if isinstance(first, (bool, int, float, complex, str, bytes, np.generic)):
        return True
    is_scalar = getattr(first, "shape", None) == ()
    return is_scalar or type(first).__name__ in ("Decimal", "NAType")


def map_named(function: Callable[[Any, str], Any], value: InMemory, name: str) -> Any:
    """`function(array, name)` for each array of a structure, in the same structure.

    Names read `x`, `x['a']`, `x[0]`. None stays None.

    Examples:
        >>> map_named(lambda array, name: name, {"a": [[1.0], [2.0]], "b": None}, "x")
        {'a': "x['a']", 'b': None}
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {k: map_named(function, inner, f"{name}[{k!r}]") for k, inner in value.items()}
    if is_nested(value):
        parts = [map_named(function, inner, f"{name}[{i}]") for i, inner in enumerate(value)]
        if hasattr(value, "_fields"):  # a namedtuple
            return type(value)(*parts)
        return parts if isinstance(value, list) else tuple(parts)
    return function(value, name)


def iterate_named(value: InMemory, name: str) -> Iterator[tuple[str, Any]]:
    """Pairs of a name and an array, for all arrays of a structure."""
    pairs: list[tuple[str, Any]] = []
    map_named(lambda array, path: pairs.append((path, array)), value, name)
    return iter(pairs)


def rows_of(array: InMemory) -> int:
    """Length of the first axis of an array, frame, sparse matrix or list."""
    shape = getattr(array, "shape", None)
    return int(shape[0]) if shape is not None and len(shape) else len(array)
