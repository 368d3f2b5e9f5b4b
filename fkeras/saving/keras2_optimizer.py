"""The state of an optimizer of Keras 2, which names its arrays, in the order of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fkeras.optimizers import Optimizer
    from fkeras.saving.legacy_weights import Named

_COUNTERS = ("iter", "iteration")
# What Keras 2 called what is kept for each parameter -> the end of its name today.
_SLOTS = {
    "m": ("momentum",),
    "v": ("velocity", "norm"),
    "u": ("norm",),
    "vhat": ("velocity_hat",),
    "rms": ("velocity",),
    "mg": ("average_gradient",),
    "momentum": ("momentum",),
    "velocity": ("velocity",),
    "velocity_hat": ("velocity_hat",),
    "average_gradient": ("average_gradient",),
    "accumulator": ("accumulator",),
    "accum_grad": ("accumulated_grad",),
    "accum_var": ("accumulated_delta_var",),
    "linear": ("linear",),
}


def reorder(optimizer: Optimizer, saved: Named) -> list[np.ndarray | None] | None:
    """The arrays for `optimizer.variables`, None for one that the file does not have.

    Args:
        optimizer: built.
        saved: names and arrays, such as `Adam/dense/kernel/m:0` (of the optimizers up to 2.10) or
            `Adam/m/dense/kernel:0` (since 2.11).

    Returns:
        One for each Variable; None where names or numbers say that it is another optimizer's state.
    """
    slots: dict[str, list[np.ndarray]] = {}
    counter = rate = None
    for name, array in saved:
        parts = name.partition(":")[0].split("/")
        if parts[-1] in _COUNTERS:
            counter = array
        elif parts[-1] in ("learning_rate", "current_learning_rate") and len(parts) < 3:
            rate = array
        else:
            slot = parts[-1] if parts[-1] in _SLOTS else parts[min(1, len(parts) - 1)]
            slots.setdefault(slot, []).append(array)
    if all(variable.name in ("iteration", "learning_rate") for variable in optimizer.variables):
        slots = {}  # Keras 2 kept slots that a rule without momentum never used
    values: list[np.ndarray | None] = []
    used = dict.fromkeys(slots, 0)
    for variable in optimizer.variables:
        name = variable.name
        if name == "iteration":
            values.append(counter)
        elif name == "learning_rate":
            values.append(rate)
        else:
            slot = next((s for s in slots if _is_slot(name, s)), None)
            if slot is None or used[slot] == len(slots[slot]):
                return None
            values.append(slots[slot][used[slot]])
            used[slot] += 1
    complete = all(used[slot] == len(arrays) for slot, arrays in slots.items())
    return values if complete and counter is not None else None


def _is_slot(name: str, slot: str) -> bool:
    return any(name.endswith(f"_{end}") for end in _SLOTS.get(slot, ()))
