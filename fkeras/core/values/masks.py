"""The mask that belongs to a tensor: an attribute on arrays and KerasTensors, a side table for
tracers, which take no attributes.
"""

import threading
import weakref

import jax


class _Table(threading.local):
    def __init__(self):
        self.masks = {}


_table = _Table()


def get_mask(x):
    """The mask of a tensor (boolean, leading dimensions of the tensor), or None."""
    if isinstance(x, jax.core.Tracer):
        held = _table.masks.get(id(x))
        return held[1] if held is not None and held[0]() is x else None
    return getattr(x, "_keras_mask", None)


def set_mask(x, mask) -> None:
    """Attaches a mask; None takes it away."""
    if isinstance(x, jax.core.Tracer):
        key = id(x)
        if mask is None:
            _table.masks.pop(key, None)
        else:
            table = _table.masks
            _table.masks[key] = (weakref.ref(x, lambda _: table.pop(key, None)), mask)
        return
    if mask is None and getattr(x, "_keras_mask", None) is None:
        return
    try:
        x._keras_mask = mask
    except AttributeError:
        pass
