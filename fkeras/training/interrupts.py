"""Ctrl-C during training: seen between device calls, so that no half-finished call takes the
weights with it.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from fkeras.training import agreement


class Interrupts:
    """A flag that SIGINT sets; a second SIGINT acts at once."""

    def __init__(self) -> None:
        self.is_requested = False

    def check(self) -> None:
        """Raises KeyboardInterrupt if Ctrl-C was pressed since the last look."""
        if agreement.any_of(self.is_requested):
            self.is_requested = False
            raise KeyboardInterrupt


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
        yield interrupts
        return

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if interrupts.is_requested:
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt
        interrupts.is_requested = True

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, handler)
    interrupts.check()  # pressed after the last look
