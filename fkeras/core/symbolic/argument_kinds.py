"""What an op has to do for a value, by the value's type."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import jax

from fkeras.core.symbolic.keras_tensor import KerasTensor

# Bits: `kinds_in` ors them together.
PLAIN = 0
SYMBOLIC = 1
READ = 2  # a Variable: read before use
SPARSE = 4
CONTAINER = 8  # a list, tuple or dict: the kinds of what it holds count

# Asked for each argument of each op, hence a table by exact type rather than `isinstance`.
_kinds: dict[type, int] = {}


def kind_of(cls: type) -> int:
    """The kind of a type's values."""
    kind = _kinds.get(cls)
    if kind is None:
        kind = _kinds[cls] = _find_kind(cls)
    return kind


def _find_kind(cls: type) -> int:
    if issubclass(cls, KerasTensor):
        return SYMBOLIC
    if issubclass(cls, (list, tuple, dict)):
        return CONTAINER
    # Where it was never imported there are no sparse arrays.
    sparse = sys.modules.get("jax.experimental.sparse")
    if sparse is not None and issubclass(cls, sparse.JAXSparse):
        return SPARSE
    reads = hasattr(cls, "__jax_array__") and not issubclass(cls, jax.core.Tracer)
    return READ if reads else PLAIN


def kinds_in(values: Iterable[Any]) -> int:
    """The kinds of all values, or-ed together.

    Those of what lists, tuples and dicts among them hold count, too.
    """
    kinds = 0
    for value in values:
        kind = _kinds.get(type(value))
        if kind is None:
            kind = kind_of(type(value))
        if kind == CONTAINER:
            kinds |= kinds_in(value.values() if isinstance(value, dict) else value)
        else:
            kinds |= kind
    return kinds


def any_symbolic(*values: Any) -> bool:
    """Whether a KerasTensor is among the values, looking into lists, tuples and dicts."""
    return bool(kinds_in(values) & SYMBOLIC)


def read(x: Any) -> Any:
    """The array of a Variable (jax.lax takes none); everything else as it is."""
    return x.__jax_array__() if kind_of(type(x)) == READ else x


def densify(x: Any) -> Any:
    """The dense array of a sparse one; everything else as it is."""
    return x.todense() if kind_of(type(x)) == SPARSE else x
