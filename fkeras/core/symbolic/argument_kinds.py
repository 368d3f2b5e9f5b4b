"""What an op has to do for a value, by the value's type."""

import sys

import jax

from fkeras.core.symbolic.keras_tensor import KerasTensor

# What the op wrapper has to do for a value, by its type; looked up per argument at each call, hence
# the table.
PLAIN, SYMBOLIC, READ, SPARSE, CONTAINER = 0, 1, 2, 4, 8


_kinds: dict[type, int] = {}


def kind_of(cls) -> int:
    kind = _kinds.get(cls)
    if kind is None:
        sparse = sys.modules.get(
            "jax.experimental.sparse"
        )  # where it was never imported there are no sparse arrays
        if issubclass(cls, KerasTensor):
            kind = SYMBOLIC
        elif issubclass(cls, (list, tuple, dict)):
            kind = CONTAINER
        elif sparse is not None and issubclass(cls, sparse.JAXSparse):
            kind = SPARSE
        else:
            kind = (
                READ
                if hasattr(cls, "__jax_array__") and not issubclass(cls, jax.core.Tracer)
                else PLAIN
            )
        _kinds[cls] = kind
    return kind


def kinds_in(values) -> int:
    """The kinds of all values and of what lists, tuples and dicts among them hold, or-ed
    together.
    """
    found = 0
    for value in values:
        kind = _kinds.get(type(value))
        if kind is None:
            kind = kind_of(type(value))
        if kind:
            found |= (
                kinds_in(value.values() if isinstance(value, dict) else value)
                if kind == CONTAINER
                else kind
            )
    return found


def read(x):
    """The array of a Variable (jax.lax takes none); everything else as it is."""
    return x.__jax_array__() if kind_of(type(x)) == READ else x


def densify(x):
    return x.todense() if kind_of(type(x)) == SPARSE else x
