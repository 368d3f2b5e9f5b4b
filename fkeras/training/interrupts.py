"""Ctrl-C during training: seen between device calls, so that no half-finished call takes the
weights with it, and none is lost.

Python raises KeyboardInterrupt wherever the main thread is. Where that is a callback of a weak
reference or of the garbage collector, as happens in building and tracing, it prints the error and
goes on. A flag that is looked at later misses nothing.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import ParamSpec, TypeVar

from fkeras.core.scoped import Scoped
from fkeras.training import agreement

P = ParamSpec("P")
R = TypeVar("R")


class Interrupts:
    """A flag that SIGINT sets. A second SIGINT acts at once, but for the moment between a call that
    consumes values and the arrival of their successors, when it would lose both.

    Attributes:
        is_consumed: function () -> whether it is that moment.
    """

    def __init__(self) -> None:
        self.is_requested = False
        self.is_consumed: Callable[[], bool] = lambda: False

    def check(self) -> None:
        """Raises KeyboardInterrupt if Ctrl-C was pressed since the last look."""
        if agreement.any_of(self.is_requested):
            self.is_requested = False
            raise KeyboardInterrupt


_innermost: Scoped[Interrupts | None] = Scoped(None, is_apart=True)


def check() -> None:
    """Raises KeyboardInterrupt if Ctrl-C was pressed in the innermost `watched` of this thread."""
    if _innermost.value is not None:
        _innermost.value.check()


def spare(is_consumed: Callable[[], bool]) -> None:
    """Lets no Ctrl-C act at once while `is_consumed()`, in the innermost `watched`."""
    if _innermost.value is not None:
        _innermost.value.is_consumed = is_consumed


def heard(entry: Callable[P, R]) -> Callable[P, R]:
    """Decorator: Ctrl-C is watched for during all of the call. Look with `check`."""

    @functools.wraps(entry)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with watched():
            return entry(*args, **kwargs)

    return wrapper


@contextlib.contextmanager
def watched() -> Iterator[Interrupts]:
    """Inside, SIGINT sets the flag of the yielded `Interrupts`.

    Only in the main thread, since Python lets no other set handlers, and only where Python's own
    handler is in place (or that of an outer `watched`).
    """
    interrupts = Interrupts()
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if in_main_thread else None
    if handler is None or handler in (signal.SIG_IGN, signal.SIG_DFL):
        with _innermost.inside(interrupts):
            yield interrupts
        return

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if interrupts.is_requested and not interrupts.is_consumed():
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt
        interrupts.is_requested = True

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        with _innermost.inside(interrupts):
            yield interrupts
    finally:
        signal.signal(signal.SIGINT, handler)
    interrupts.check()  # pressed after the last look
