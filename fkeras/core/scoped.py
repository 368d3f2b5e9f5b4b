"""`Scoped`: what counts on this thread inside a `with`; `snapshot`: all of it, for another thread.

A handful of facts travel beside the arguments of a call: what is lent, the key, the layer being
called, the stack of names. Each is one module-level `Scoped`; a read is one attribute, since some
are read at every use of a Variable. A new thread starts with the defaults. Whoever hands part of a
call to a thread (a pool, a tuner, a server) takes a `snapshot()` here and restores it there:

    taken = snapshot()
    pool.submit(taken.run, function, argument)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

T = TypeVar("T")
R = TypeVar("R")

_every: list[Scoped] = []  # all there are, for `snapshot`
_carriers: list[Callable[[], Callable[[], AbstractContextManager]]] = []


class Scoped(threading.local, Generic[T]):
    """A value of this thread, changed for the length of a `with` and then as it was before.

    Args:
        default: the value on a thread where nothing is open. It must be immutable, since all
            threads share it.
        carry: function (value) -> value for another thread, where both cannot use the same object
            at once; None: they can.
        is_apart: whether no computation reads it.

    Examples:
        >>> depth = Scoped(0)
        >>> with depth.inside(depth.value + 1):
        ...     depth.value
        1
        >>> depth.value
        0
    """

    value: T

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        _every.append(self)
        return self

    # `threading.local` calls this again on each thread that looks.
    def __init__(
        self, default: T, carry: Callable[[T], T] | None = None, is_apart: bool = False
    ) -> None:
        self.value = default
        self.default = default
        self.carry = carry
        self.is_apart = is_apart

    def inside(self, value: T) -> Inside[T]:
        """Context manager: the value is this one inside."""
        return Inside(self, value)

    def pushed(self, item: Any) -> Pushed:
        """Context manager, for a tuple as a stack: the item is its last inside."""
        return Pushed(self, item)


class Inside(Generic[T]):
    """What `Scoped.inside` returns.

    A class, since a generator would cost a microsecond more at each call of a layer.
    """

    __slots__ = ("scoped", "value", "outer")

    def __init__(self, scoped: Scoped[T], value: T) -> None:
        self.scoped = scoped
        self.value = value

    def __enter__(self) -> T:
        scoped = self.scoped
        self.outer = scoped.value
        scoped.value = self.value
        return self.value

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.scoped.value = self.outer


class Pushed(Inside):
    """What `Scoped.pushed` returns."""

    __slots__ = ()

    def __enter__(self) -> Any:
        scoped = self.scoped
        self.outer = scoped.value
        scoped.value = (*self.outer, self.value)
        return self.value


def is_anything_open() -> bool:
    """Whether a scope that computations may read is open on this thread."""
    return any(each.value is not each.default and not each.is_apart for each in _every)


def also_carry(capture: Callable[[], Callable[[], AbstractContextManager]]) -> None:
    """Adds to what a snapshot carries: for what is not a `Scoped`, such as a context of JAX.

    Args:
        capture: called where the snapshot is taken; returns a function that makes the context
            manager to enter on the other thread.
    """
    _carriers.append(capture)


class Snapshot:
    """All scoped values of the thread that took it. May be restored many times, on any thread.

    The objects themselves are shared: a Variable that the other thread writes to inside a lent call
    is written in that very call.
    """

    def __init__(self) -> None:
        self._values = [(scoped, scoped.value) for scoped in _every]
        self._contexts = [capture() for capture in _carriers]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Context manager: this thread's scoped values are those of the snapshot inside."""
        with ExitStack() as stack:
            for scoped, value in self._values:
                carry = scoped.carry
                stack.enter_context(scoped.inside(value if carry is None else carry(value)))
            for make_context in self._contexts:
                stack.enter_context(make_context())
            yield

    def run(self, function: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        """`function(*args, **kwargs)` inside the snapshot."""
        with self.restored():
            return function(*args, **kwargs)


def snapshot() -> Snapshot:
    """The scoped values of this thread as they are now.

    Examples:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> depth = Scoped(0)
        >>> with depth.inside(3), ThreadPoolExecutor() as pool:
        ...     taken = snapshot()
        ...     bare = pool.submit(lambda: depth.value).result()
        ...     bare, pool.submit(taken.run, lambda: depth.value).result()
        (0, 3)
    """
    return Snapshot()
