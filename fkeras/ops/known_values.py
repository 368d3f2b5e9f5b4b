"""Looking at values where that is possible: outside of traces, and on this host."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax
import numpy as np

from fkeras.ops.promotion import is_integral

P = ParamSpec("P")
R = TypeVar("R")

_FEW = 16  # sizes, not data


def known_values(x: object) -> np.ndarray | None:
    """The values of an array; None inside a trace and for arrays that lie on several hosts.

    Waits for the device.
    """
    # A Python number, too, is known: it has no attribute `is_fully_addressable`.
    if isinstance(x, jax.core.Tracer) or not getattr(x, "is_fully_addressable", True):
        return None
    return np.asarray(x)


def known_sizes(shape: Any) -> Any:
    """A shape with plain integers for known arrays, as the whole of it or as one of its sizes."""
    if isinstance(shape, (list, tuple)):
        return type(shape)(map(known_sizes, shape))
    values = known_values(shape) if isinstance(shape, jax.Array) else None
    return shape if values is None else values.tolist()


def keeping_sizes(fn: Callable[P, R]) -> Callable[P, R]:
    """Decorator, below `@op`: what is made of a few known integers is known in a trace, too.

    Scripts make shapes of sizes: `ops.tile(x, ops.concatenate([[batch], [1, 1]]))`. JAX takes what
    an operation inside of a trace gives for unknown, whatever it was made of.
    """

    @functools.wraps(fn)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        x: Any = args[0] if args else next(iter(kwargs.values()), None)
        if not _are_sizes(x):
            return fn(*args, **kwargs)
        with jax.ensure_compile_time_eval():
            return fn(*args, **kwargs)

    return wrapper


def _are_sizes(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return 0 < len(x) <= _FEW and all(map(_are_sizes, x))
    if isinstance(x, (np.ndarray, np.generic, jax.Array)):
        return not isinstance(x, jax.core.Tracer) and x.size <= _FEW and is_integral(x.dtype)
    return type(x) is int
