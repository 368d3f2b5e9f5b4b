"""`trainable` flags that count on one thread in place of those on the objects.

A compiled model is trained with the flags that it had at `compile`. Its layers and Variables may be
shared with other models and with other threads, so that a trace must not write those flags onto
them: it opens a scope, and whoever asks for a flag on the same thread is given the scope's.

A *holder* is the object that carries the flag: the `LayerInfo` of a layer, the `VariableInfo` or
`AdoptedInfo` of a Variable.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from typing import Protocol


class FlagHolder(Protocol):
    """What carries a `trainable` flag."""

    trainable: bool


class _Scope(threading.local):
    """The flags of the innermost open scope of this thread by id of their holder; None: no scope."""

    flags: dict[int, bool] | None = None


_scope = _Scope()


def is_trainable(holder: FlagHolder) -> bool:
    """The flag as this thread is to see it: the open scope's, else the holder's own."""
    flags = _scope.flags
    if flags is None:
        return holder.trainable
    return flags.get(id(holder), holder.trainable)


def set_trainable(holder: FlagHolder, value: bool) -> None:
    """Sets the holder's own flag; inside a scope that covers it, the scope's too, so that a read
    gives what was written.
    """
    holder.trainable = value
    flags = _scope.flags
    if flags is not None and id(holder) in flags:
        flags[id(holder)] = value


@contextlib.contextmanager
def overridden(flags: Mapping[int, bool]) -> Iterator[None]:
    """Inside, on this thread, these flags count.

    Args:
        flags: by id of their holder. Whoever opens the scope keeps the holders alive, or an id
            could come to mean another object. What an outer scope says of others still counts.
    """
    outer = _scope.flags
    _scope.flags = {**(outer or {}), **flags}
    try:
        yield
    finally:
        _scope.flags = outer
