"""Ctrl-C during training: seen between device calls, so that no half-finished call takes the
weights with it.
"""

import contextlib
import signal
import threading


class Interrupts:
    """A flag that SIGINT sets; a second SIGINT acts at once."""

    def __init__(self):
        self.asked = False

    def check(self):
        """Raises KeyboardInterrupt if Ctrl-C was pressed since the last look."""
        if self.asked:
            self.asked = False
            raise KeyboardInterrupt


@contextlib.contextmanager
def watched():
    """Inside, SIGINT sets the flag of the yielded `Interrupts`. Only in the main thread, and only
    where Python's own handler is in place (or that of an outer `watched`)."""
    flag = Interrupts()
    handler = (
        signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread()
        else None
    )
    if handler is None or handler in (signal.SIG_IGN, signal.SIG_DFL):
        yield flag
        return

    def on_interrupt(number, frame):
        if flag.asked:
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt
        flag.asked = True

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, handler)
    flag.check()
