"""The mask that belongs to a tensor.

An attribute on arrays; a side table for tracers, which take no attributes. Symbolic tensors have
the attribute too: it is found by a replay of their graph (`layers/base/symbolic_masks`).
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import jax_private
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import Tensor

# id of a tracer -> (a reference to it, its mask). One table for all threads: a tracer has one id
# wherever it is used, and its entry goes when it does.
_masks_of_tracers: dict[int, tuple[weakref.ref, Any]] = {}


def get_mask(x: Any) -> Tensor | None:
    """The mask of a tensor (boolean, leading dimensions of the tensor), or None."""
    if isinstance(x, jax.core.Tracer):
        entry = _masks_of_tracers.get(id(x))
        return entry[1] if entry is not None and entry[0]() is x else None
    return getattr(x, "_keras_mask", None)


def set_mask(x: Any, mask: Tensor | None) -> None:
    """Attaches a mask; None takes it away. Does nothing for what takes no attributes (NumPy)."""
    if isinstance(x, jax.core.Tracer):
        _set_mask_of_tracer(x, mask)
        return
    if mask is None and getattr(x, "_keras_mask", None) is None:
        return
    try:
        x._keras_mask = mask
    except AttributeError:
        pass


def forget(trace: jax_private.Trace) -> None:
    """Takes away the masks of a trace that is given up: JAX clears a trace that ends well, and of
    another one masks and tensors would keep each other.
    """
    for key, (_, mask) in list(_masks_of_tracers.items()):
        if jax_private.belongs_to(mask, trace):
            _masks_of_tracers.pop(key, None)


def _set_mask_of_tracer(tracer: jax.core.Tracer, mask: Tensor | None) -> None:
    key = id(tracer)
    if mask is None:
        _masks_of_tracers.pop(key, None)
        return
    # Without the callback the mask would outlive its trace, and with it all that the trace holds.
    # The table is an argument, since names of modules are gone when the interpreter ends.
    reference = weakref.ref(tracer, lambda _, table=_masks_of_tracers: table.pop(key, None))
    _masks_of_tracers[key] = (reference, mask)


def check_mask(whose: str, mask: Any, shape: Sequence[int]) -> None:
    """Raises where a mask that was given does not fit what it is to mask.

    Args:
        whose: the layer, for the message.
        mask: an array; a size of 1 serves for all.
        shape: what it is to look like.
    """
    given = tuple(mask.shape) if hasattr(mask, "shape") else np.shape(mask)
    if len(given) != len(shape) or any(n not in (1, size) for n, size in zip(given, shape)):
        raise UserInputError(
            f"{whose}: the mask must be of shape {tuple(shape)}, True where something counts. "
            f"Received: a mask of shape {given}."
        )
