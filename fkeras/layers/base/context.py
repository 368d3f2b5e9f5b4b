"""What travels by itself through nested calls on one thread: the outermost layer, `training`,
losses, and places.
"""

import contextlib
import threading


class CallContext:
    """One outermost call.

    Attributes:
        entry: the layer that was called first.
        training: the innermost call's `training`, or None.
        losses: list of (layer, value) of a pure call; None where losses stay on the layers.
    """

    __slots__ = ("entry", "training", "losses")

    def __init__(self, entry, losses=None):
        self.entry, self.training, self.losses = entry, None, losses


class _Open(threading.local):
    context: CallContext | None = None


_open = _Open()


def current() -> CallContext | None:
    return _open.context


@contextlib.contextmanager
def opened(context: CallContext):
    outer, _open.context = _open.context, context
    try:
        yield context
    finally:
        _open.context = outer
