"""What travels by itself through nested calls on one thread: the outermost layer, `training` and
losses.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import jax

    from fkeras.layers.base.layer import Layer


class CallContext:
    """One outermost call.

    Attributes:
        entry: the layer that was called first.
        training: the innermost call's `training`, or None.
        losses: list of (layer, value) of a pure call; None where losses stay on the layers.
    """

    __slots__ = ("entry", "training", "losses")

    def __init__(self, entry: Layer, losses: list[tuple[Layer, jax.Array]] | None = None) -> None:
        self.entry = entry
        self.training: bool | None = None
        self.losses = losses


class _Open(threading.local):
    context: CallContext | None = None


_open = _Open()


def current() -> CallContext | None:
    """The context of the call that is running on this thread, or None outside of calls."""
    return _open.context


@contextlib.contextmanager
def opened(context: CallContext) -> Iterator[CallContext]:
    """Inside, `context` is the current one."""
    outer, _open.context = _open.context, context
    try:
        yield context
    finally:
        _open.context = outer
