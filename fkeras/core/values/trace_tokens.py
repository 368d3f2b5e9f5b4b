"""Tokens that keep JAX from reusing a trace in which other values are constants.

JAX remembers the traces of inner functions (`jax.jit(...)`, `jax.checkpoint(layer)`, the body of a
scan that is kept on an object) under keys of which the values that they closed over are no part:
neither lent values, nor what travels beside the arguments (the key, `training`). A user context of
JAX is: under another token a trace is made anew.
"""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from fkeras.core import jax_private
from fkeras.core.scoped import also_carry
from fkeras.core.values.variable_info import info_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from flax import nnx

# At import: making one later is not thread-safe.
_cache_key = jax.make_user_context(default_value=None)
also_carry(lambda: functools.partial(_cache_key, _cache_key.value))

_tokens = itertools.count(1)  # never used twice in a process, on whatever thread


class _Entered:
    """What `entered` returns.

    Where it was renewed inside, the one around is renewed too: what was traced inside may have been
    traced under the token around, before it was known to need another one.
    """

    __slots__ = ("token", "context")

    def __init__(self, token: int | None) -> None:
        self.token = token

    def __enter__(self) -> None:
        self.context = _cache_key(self.token)
        self.context.__enter__()
        _open_regions.count += 1

    def __exit__(self, *error: object) -> None:
        was_renewed = _cache_key.value != self.token
        self.context.__exit__(*error)
        _open_regions.count -= 1
        if was_renewed and _open_regions.count:
            renew()


def entered(token: int | None) -> _Entered:
    """Context manager: the token is part of JAX's cache keys inside."""
    return _Entered(token)


class _OpenRegions(threading.local):
    count = 0


_open_regions = _OpenRegions()


def fresh_token() -> int:
    """A token under which nothing was traced yet."""
    return next(_tokens)


def renew() -> None:
    """Another token from here on, until the outermost `kept` or `entered` closes.

    For a draw in an inner trace: JAX would answer a second call of the same inner function with the
    first one's trace, and with the numbers that were drawn there.
    """
    if _open_regions.count:
        _cache_key(fresh_token()).__enter__()


def kept() -> AbstractContextManager:
    """Context manager: the token is the present one again when it closes."""
    return entered(_cache_key.value)


_MOST_DERIVED = 256
_derived: dict[tuple[Any, ...], int] = {}


def derived(*parts: Any) -> AbstractContextManager:
    """Context manager: a token that follows from the present one and the parts, for a call inside a
    call that changes one of them.

    Args:
        *parts: hashable: `training`, a dtype's name.
    """
    if len(_derived) > _MOST_DERIVED:
        _derived.clear()
    return entered(_derived.setdefault((_cache_key.value, *parts), fresh_token()))


class _LastConcrete(threading.local):
    """What concrete calls lent last on this thread, weakly, with their tokens: newest last."""

    def __init__(self) -> None:
        self.entries: list[tuple[list[Callable[[], Any]], int]] = []


_MOST_ENTRIES = 4  # train and predict in turns, say
_last_concrete = _LastConcrete()


def choose_token(
    variables: list[nnx.Variable], values: Sequence[Any], context: CallConstants | None = None
) -> int | None:
    """The token under which the values may be lent; None where none is needed.

    - Values of a program under construction get a fresh one: JAX keeps inner traces beyond it.
    - Else only what an inner trace once read needs one: Variables, and what travels beside the
      arguments (`context`). A token in an eager call compiles each op again, so that it must not
      change without a reason.
    - Tracers of grad or vmap over concrete values are new in each call, and so is the token.
    - Concrete values keep their token as long as the same objects are lent: the same traces serve.
    - Where an inner trace once drew random numbers the token is always fresh: only a new trace
      draws.
    """
    parts = [*values, *(context.parts if context is not None else ())]
    if any(jax_private.is_staged(x) for x in parts):
        return fresh_token()
    context_was_read = context is not None and context.was_read
    if not context_was_read and not any(_was_read_deeply(v) for v in variables):
        return None
    if context is not None and context.was_drawn_from:
        return fresh_token()
    if any(isinstance(x, jax.core.Tracer) for x in parts):
        return fresh_token()
    entries = _last_concrete.entries
    for references, token in reversed(entries):
        if len(references) == len(parts) and all(r() is x for r, x in zip(references, parts)):
            return token
    token = fresh_token()
    entries.append(([_weak_reference(x) for x in parts], token))
    del entries[:-_MOST_ENTRIES]
    return token


class CallConstants(NamedTuple):
    """What travels beside the arguments of a call, and is a constant to inner traces.

    Attributes:
        parts: the key, `training` and whatever else decides what the call computes.
        was_read: whether an inner trace of this callee once read one of them.
        was_drawn_from: whether an inner trace of this callee once drew random numbers.
    """

    parts: tuple[Any, ...]
    was_read: bool
    was_drawn_from: bool


def _weak_reference(x: Any) -> Callable[[], Any]:
    if isinstance(x, np.ndarray):  # may change in place, unseen
        return lambda: None
    try:
        return weakref.ref(x)
    except TypeError:  # NumPy scalars take none
        return lambda: x


def mark_read_deeply(variable: nnx.Variable) -> None:
    """Notes that an inner trace read the Variable as a constant: calls on it need tokens."""
    info = info_of(variable)
    if info is not None and not info.read_deeply:
        info.read_deeply = True
        renew()  # the trace that is being made stands under a token that tells too little


def _was_read_deeply(variable: nnx.Variable) -> bool:
    info = info_of(variable)
    return info is not None and info.read_deeply


def needs_own_scope(variables: list[nnx.Variable]) -> bool:
    """Whether an inner trace once read one of them as a constant, and may be reused."""
    return any(_was_read_deeply(v) for v in variables)
