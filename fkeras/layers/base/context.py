"""What travels by itself through nested calls on one thread: the outermost layer, `training` and
losses.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from fkeras.core import jax_private, tracebacks
from fkeras.core.nested import flatten
from fkeras.core.scoped import Inside, Scoped
from fkeras.core.values import mask_operands, masks, remat, trace_tokens
from fkeras.core.values.lending import CallConstants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    import jax

    from fkeras.core.values.remat import RematScope
    from fkeras.layers.base.capture import Capture
    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.tracking import Structure


class CallContext:
    """One outermost call.

    Attributes:
        entry: the layer that was called first.
        layer: the innermost layer that is being called.
        trace: the trace that the call was opened in.
        training: the innermost call's `training`, or None.
        losses: list of (layer, value) of a pure call; None where losses stay on the layers.
        float_dtype: the dtype that layers compute in whose policy has one dtype for arithmetic and
            weights; None: the policy's. A pure call takes it from its variables.
        capture: the collector of intermediate outputs, or None.
        mask_traces: traces in which tensors had masks.
        without_outputs: the layer whose `call` returned None last, or None.
        remat: what the calls inside compute again in the backward pass; None: nothing.
        tensors: values of tensors of a model's graph, by their keys; None where none are wanted.
    """

    __slots__ = (
        "mask_traces",
        "entry",
        "layer",
        "trace",
        "training",
        "losses",
        "float_dtype",
        "capture",
        "without_outputs",
        "remat",
        "tensors",
    )

    def __init__(self, entry: Layer, losses: list[tuple[Layer, jax.Array]] | None = None) -> None:
        self.entry = entry
        self.layer = entry
        self.trace = jax_private.current_trace()
        self.training: bool | None = None
        self.losses = losses
        self.float_dtype: str | None = None
        self.capture: Capture | None = None
        self.mask_traces: list[jax_private.Trace] = []
        self.without_outputs: Layer | None = None
        self.remat: RematScope | None = remat.of_model()
        self.tensors: dict[int, Any] | None = None

    def is_deep(self) -> bool:
        """Whether an inner program is being recorded: what is read of this context becomes a
        constant of its trace.
        """
        trace = jax_private.current_trace()
        return trace is not self.trace and jax_private.is_staging(trace)

    def note_masks(self) -> None:
        """Notes that tensors of the present trace have masks."""
        trace = jax_private.current_trace()
        if trace not in self.mask_traces:
            self.mask_traces.append(trace)

    def note_masks_on(self, tensors: Any) -> None:
        """The same, if any tensor of a nested structure has one."""
        if any(masks.get_mask(tensor) is not None for tensor in flatten(tensors)):
            self.note_masks()

    def has_masks_outside(self) -> bool:
        """Whether tensors have masks in other traces than the present one: they cannot come in."""
        present = jax_private.current_trace()
        return bool(self.mask_traces) and not any(
            jax_private.is_same(present, trace) for trace in self.mask_traces
        )

    def crossing(self) -> Callable[[], AbstractContextManager]:
        """See `mask_operands.crossing`."""
        come_in = bool(self.mask_traces) and not self.has_masks_outside()

        @contextlib.contextmanager
        def inside() -> Iterator[None]:
            outer = self.mask_traces
            self.mask_traces = list(outer)  # what is noted inside is no mask out here
            if come_in:
                self.note_masks()
            try:
                yield
            finally:
                self.mask_traces = outer

        return inside

    def mark_read(self) -> None:
        """Notes on the layers involved that an inner trace read this context: from now on their
        calls get tokens of their own (`core.values.trace_tokens`).
        """
        for info in (self.entry._info, self.layer._info):
            if not info.context_was_read:
                info.context_was_read = True
                trace_tokens.renew()  # the trace being made stands under a token that tells less

    def mark_drawn(self) -> None:
        """Notes the same of a draw of random numbers."""
        self.mark_read()
        self.entry._info.drew_in_inner_trace = True
        self.layer._info.drew_in_inner_trace = True


_context: Scoped[CallContext | None] = mask_operands.present_call


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


# Layers that look up ids, with the ids, in a call that is only traced; None where nobody asks.
looked_up: Scoped[list[tuple[Layer, jax.Array]] | None] = Scoped(None)


def opened(context: CallContext) -> Inside[CallContext]:
    """Context manager: `context` is the current one inside."""
    return _OpenCall(_context, context)


@contextlib.contextmanager
def without_remat() -> Iterator[None]:
    """Context manager: inside, what the whole model was compiled with computes nothing again."""
    context = current()
    if context is None:
        yield
        return
    outer, context.remat = context.remat, None
    try:
        yield
    finally:
        context.remat = outer


def constants_of(layer: Layer, structure: Structure, *parts: Any) -> CallConstants:
    """What travels beside the arguments of a call of the layer, for the choice of its token.

    Args:
        layer: the callee.
        structure: what is below it.
        *parts: the key, `training` and the like.
    """
    was_read = layer._info.context_was_read
    was_drawn_from = layer._info.drew_in_inner_trace
    for _, inner in structure.layers:
        was_read = was_read or inner._info.context_was_read
        was_drawn_from = was_drawn_from or inner._info.drew_in_inner_trace
    return CallConstants(parts, was_read, was_drawn_from)
