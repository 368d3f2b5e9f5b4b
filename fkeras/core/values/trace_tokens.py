"""Tokens that keep JAX from reusing a trace in which other lent values are constants.

JAX remembers the traces of inner functions (`jax.jit(...)`, `jax.checkpoint(layer)`, the body of a
scan that is kept on an object) under keys of which the values that they closed over are no part. A
user context of JAX is: under another token a trace is made anew.
"""

from __future__ import annotations

import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax

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


def entered(token: int) -> AbstractContextManager:
    """Context manager: the token is part of JAX's cache keys inside."""
    return _cache_key(token)


def fresh_token() -> int:
    """A token under which nothing was traced yet."""
    return next(_tokens)


class _LastConcrete(threading.local):
    """The concrete values that were lent last on this thread, weakly, and their token."""

    values: list[Callable[[], Any]] | None = None
    token: int = 0


_last_concrete = _LastConcrete()


def choose_token(variables: list[nnx.Variable], values: Sequence[Any]) -> int | None:
    """The token under which the values may be lent; None where none is needed.

    - Values of a program under construction get a fresh one: JAX keeps inner traces beyond it.
    - Else only Variables that an inner trace once read need one. A token in an eager call compiles
      each op again, so that it must not change without a reason.
    - Tracers of grad or vmap over concrete values are new in each call, and so is the token.
    - Concrete values keep their token as long as the same objects are lent: the same traces serve.
    """
    if any(jax_private.is_staged(x) for x in values):
        return fresh_token()
    if not any(_was_read_deeply(v) for v in variables):
        return None
    if any(isinstance(x, jax.core.Tracer) for x in values):
        return fresh_token()
    last = _last_concrete
    if (
        last.values is None
        or len(last.values) != len(values)
        or any(ref() is not value for ref, value in zip(last.values, values))
    ):
        last.values = [_weak_reference(x) for x in values]
        last.token = fresh_token()
    return last.token


def _weak_reference(x: Any) -> Callable[[], Any]:
    try:
        return weakref.ref(x)
    except TypeError:  # NumPy scalars take none
        return lambda: x


def mark_read_deeply(variable: nnx.Variable) -> None:
    """Notes that an inner trace read the Variable as a constant: calls on it need tokens."""
    info = info_of(variable)
    if info is not None:
        info.read_deeply = True


def _was_read_deeply(variable: nnx.Variable) -> bool:
    info = info_of(variable)
    return info is not None and info.read_deeply


def needs_own_scope(variables: list[nnx.Variable]) -> bool:
    """Whether an inner trace once read one of them as a constant, and may be reused."""
    return any(_was_read_deeply(v) for v in variables)
