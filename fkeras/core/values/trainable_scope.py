"""`trainable` flags that count on one thread in place of those on the objects.

A compiled model is trained with the flags that it had at `compile`. Its layers and Variables may be
shared with other models and with other threads, so that a trace must not write those flags onto
them: it opens a scope, and whoever asks for a flag on the same thread is given the scope's.

A *holder* is the object that carries the flag: the `LayerInfo` of a layer, the `VariableInfo` or
`AdoptedInfo` of a Variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from fkeras.core.scoped import Scoped


class FlagHolder(Protocol):
    """What carries a `trainable` flag."""

    trainable: bool
    is_held_fixed: bool  # not trained, whatever the flag says


class FlagWrites:
    """Attributes:
    count: how often any flag was set in this process. Where it has not grown, all are as before.
    """

    count = 0


# The flags of the innermost open scope by id of their holder; None: no scope.
_flags: Scoped[dict[int, bool] | None] = Scoped(None)


def is_trainable(holder: FlagHolder) -> bool:
    """Whether training changes what carries the flag."""
    return flag_of(holder) and not holder.is_held_fixed


def flag_of(holder: FlagHolder) -> bool:
    """The flag as this thread is to see it: the open scope's, else the holder's own."""
    flags = _flags.value
    if flags is None:
        return holder.trainable
    return flags.get(id(holder), holder.trainable)


def set_trainable(holder: FlagHolder, value: bool) -> None:
    """Sets the holder's own flag; inside a scope that covers it, the scope's too, so that a read
    gives what was written.
    """
    FlagWrites.count += 1
    holder.trainable = value
    flags = _flags.value
    if flags is not None and id(holder) in flags:
        flags[id(holder)] = value


def overridden(flags: Mapping[int, bool]) -> AbstractContextManager:
    """Context manager: these flags count inside, on this thread.

    Args:
        flags: by id of their holder. Whoever opens the scope keeps the holders alive, or an id
            could come to mean another object. What an outer scope says of others still counts.
    """
    return _flags.inside({**(_flags.value or {}), **flags})
