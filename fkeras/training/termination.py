"""SIGTERM during a `fit` that keeps backups: heard between device calls, so that all can be saved.

Schedulers of clusters send it some seconds before they end a process. Here it sets a flag, as
Ctrl-C does (`interrupts`). While the loop waits for its data, which may be for ever, it acts at
once: nothing is half done then.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator, Iterator
from types import FrameType
from typing import TypeVar

from fkeras.training import agreement

T = TypeVar("T")

EXIT_CODE = 128 + signal.SIGTERM  # 143, what shells say of a process that SIGTERM has ended


class Terminated(SystemExit):
    """Leaves the process with code 143, once what must be saved is saved."""

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


class Termination:
    """A flag that SIGTERM sets."""

    def __init__(self) -> None:
        self.is_requested = False
        self._waits = False

    def hear(self) -> None:
        """Takes note of a signal."""
        self.is_requested = True
        if self._waits:
            self._waits = False
            raise Terminated

    def has_come(self) -> bool:
        """Whether SIGTERM has come, to any process. All of them must ask."""
        return agreement.any_of(self.is_requested)

    def while_waiting_for(self, batches: Iterator[T]) -> Iterator[T]:
        """The same batches, of which none keeps SIGTERM waiting."""
        if agreement.is_needed():  # one process alone must not leave the others
            # Not `yield from`, which would close what the next epoch goes on with.
            for batch in batches:
                yield batch
            return
        while True:
            self._waits = True
            try:
                if self.is_requested:
                    raise Terminated
                batch = next(batches)
            except StopIteration:
                return
            finally:
                self._waits = False
            yield batch


@contextlib.contextmanager
def watched() -> Generator[Termination, None, None]:
    """Inside, SIGTERM sets the flag of the yielded `Termination`.

    A handler of the user's is called afterwards, when `Terminated` has left the block; if it comes
    back, the process ends all the same. Only in the main thread, since Python lets no other set
    handlers, and not where the process ignores SIGTERM.
    """
    termination = Termination()
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM) if in_main_thread else None
    if handler is None or handler is signal.SIG_IGN:
        yield termination
        return

    def on_signal(number: int, frame: FrameType | None) -> None:
        termination.hear()

    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield termination
    finally:
        signal.signal(signal.SIGTERM, handler)
        if termination.is_requested and callable(handler):
            handler(signal.SIGTERM, None)
    if termination.is_requested:  # it came after the last look
        raise Terminated
