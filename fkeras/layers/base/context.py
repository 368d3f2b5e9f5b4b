"""What travels by itself through nested calls on one thread: the outermost layer, `training` and
losses.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from fkeras.core import tracebacks
from fkeras.core.scoped import Inside, Scoped

if TYPE_CHECKING:
    from types import TracebackType

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


# On another thread a copy counts: `training` is set and put back by each layer of a call.
_context: Scoped[CallContext | None] = Scoped(None, carry=copy.copy)


def current() -> CallContext | None:
    """The context of the call that is running on this thread, or None outside of calls."""
    return _context.value


class _OpenCall(Inside):
    """What `opened` returns. Errors leave an outermost call without the libraries' frames."""

    __slots__ = ()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.scoped.value = self.outer
        if isinstance(error, Exception) and self.outer is None:
            tracebacks.trim_if_enabled(error)


def opened(context: CallContext) -> Inside[CallContext]:
    """Context manager: `context` is the current one inside."""
    return _OpenCall(_context, context)
