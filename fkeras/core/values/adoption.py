"""Variables of foreign NNX modules take part in lending from the first time they are seen.

A `flax.nnx.Linear` kept on a layer brings `nnx.Param`s of its own, which read NNX's plain slot and
know nothing of scopes. Splitting the module and merging it again inside each call would make
another object, and user code that kept the first one would silently read stale values. So the
Variable stays the object it is and changes its class, to a subclass with the lending slot and
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from fkeras.core.randomness import first_values
from fkeras.core.values import stand_ins
from fkeras.core.values.lending import Lendable
from fkeras.core.values.variable_info import AdoptedInfo, info_of, put_info

# Of each foreign class, the subclass that reads lent values.
_lendable_subclasses: dict[type[nnx.Variable], type[nnx.Variable]] = {}


def adopt(variable: nnx.Variable, name: str, trainable: bool) -> None:
    """Gives a Variable of a foreign NNX module the lending slot.

    The class keeps its name and its place among NNX's filters (`nnx.Param` and so on). A second
    call does nothing.

    Args:
        variable: any `nnx.Variable`.
        name: its path in the module, for messages.
        trainable: whether training changes it.
    """
    if not isinstance(variable, Lendable):
        # Past NNX's `__setattr__`, which refuses changes inside a trace that began later.
        object.__setattr__(variable, "__class__", _lendable_subclass(type(variable)))
    if info_of(variable) is None:
        put_info(variable, AdoptedInfo(name, name, trainable))


def leave_undrawn(
    variable: nnx.Variable, like: jax.ShapeDtypeStruct, initializer: Callable[..., Any]
) -> None:
    """Leaves the first value of an adopted Variable to an initializer, which draws it when it is
    needed, as for fkeras's own.
    """
    info = info_of(variable)
    info.shape = tuple(like.shape)
    info.dtype = like.dtype
    info.initializer = initializer
    info.origin = first_values.Origin()
    stand_in = stand_ins.NotDrawnYet(info.shape, info.dtype, lambda: info.origin.draw(variable))
    stand_ins.put_value(variable, stand_in)


def _lendable_subclass(cls: type[nnx.Variable]) -> type[nnx.Variable]:
    if cls not in _lendable_subclasses:
        # Without slots of its own the layout in memory is the same, as a change of class demands.
        contents = {"__module__": cls.__module__, "__slots__": ()}
        _lendable_subclasses[cls] = type(cls.__name__, (Lendable, cls), contents)
    return _lendable_subclasses[cls]
