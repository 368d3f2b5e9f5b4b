"""Shapes, tensors and arguments in nested structures, as `call`, `build` and their kin are given
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core.nested import any_leaf
from fkeras.layers.base import signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from fkeras.layers.base.signature import CallSignature
    from fkeras.types import Nested, Shape, T


def is_shape(value: Any) -> bool:
    """Whether a value is one shape: a list or tuple of ints and None."""
    return isinstance(value, (list, tuple)) and all(
        size is None or isinstance(size, (int, np.integer)) for size in value
    )


def as_shape(value: Any) -> Any:
    """Shapes as tuples, in lists and dicts of them; files hold them as lists."""
    if is_shape(value):
        return tuple(value)
    if isinstance(value, dict):
        return {key: as_shape(inner) for key, inner in value.items()}
    return [as_shape(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def map_shapes(function: Callable[[Shape], T], shapes: Nested[Shape]) -> Nested[T]:
    """`function` of each shape in nested lists, tuples and dicts of shapes."""
    if is_shape(shapes):
        return function(tuple(shapes))
    if isinstance(shapes, dict):
        return {key: map_shapes(function, inner) for key, inner in shapes.items()}
    mapped = [map_shapes(function, inner) for inner in shapes]
    return tuple(mapped) if isinstance(shapes, tuple) else mapped


def replace_shapes(function: Callable[[Shape], T], value: Any) -> Any:
    """`function` of each shape in a nested structure; what is not a shape stays as it is."""
    if is_shape(value):
        return function(value)
    if isinstance(value, dict):
        return {key: replace_shapes(function, inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(replace_shapes(function, inner) for inner in value)
    return value


def holds_tensor(value: Any) -> bool:
    """Whether a tensor is in a value, however deep."""
    return any_leaf(signature.is_tensor, value)


def split_arguments(
    call_signature: CallSignature, arguments: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments for `call` from arguments by name.

    Inputs go by position, as overridden `call`s may name them otherwise; `training`, masks and
    whatever comes after a gap go by name.
    """
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    after_gap = False
    for name in call_signature.positional:
        if name not in arguments:
            after_gap = True
        elif after_gap or name == "training" or name.endswith("mask"):
            keywords[name] = arguments[name]
            after_gap = True
        else:
            positional.append(arguments[name])
    surplus = call_signature.var_positional
    if surplus in arguments:
        positional.extend(arguments[surplus])
    for name, value in arguments.items():
        if name not in call_signature.positional and name != surplus:
            keywords[name] = value
    return positional, keywords
