"""`v[0, 1].assign(3.0)`: a part of a Variable that is assigned to, as TensorFlow's can be.

What indexing gives stays a JAX array. Where it came from is remembered as long as it lives.
"""

from __future__ import annotations

import weakref
from typing import Any

import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.core.values.variable import Variable

_read = Variable.__getitem__
# id of an array -> the array, the Variable that it is a part of, and which part.
_origins: dict[int, tuple[weakref.ref, Variable, Any]] = {}


def _part(self: Variable, index: Any) -> Any:
    """`variable[index]`, remembered where the values are known."""
    array = _read(self, index)
    if isinstance(array, jax_private.ArrayImpl):
        place = id(array)
        alive = weakref.ref(array, lambda _: _origins.pop(place, None))
        _origins[place] = (alive, self, index)
    return array


def _assigning(name: str, method: str) -> property:
    """A property, so that arrays which are no part of a Variable do not have the name."""

    def bound(array: Any) -> Any:
        if id(array) not in _origins:
            raise AttributeError(
                f"A tensor has no `{name}`: only a `tf.Variable` can be changed, whole or in "
                f"parts: `variable[0].{name}(value)`."
            )
        _, variable, index = _origins[id(array)]

        def assign(value: Any, use_locking: bool = False, name: Any = None, read_value: Any = 1):
            changed = getattr(variable.value.at[index], method)(jnp.asarray(value))
            variable.assign(changed)
            return variable

        return assign

    return property(bound)


def _whole(name: str) -> Any:
    change = getattr(Variable, name)

    def assign(
        self: Variable, value: Any, use_locking: bool = False, name: Any = None, read_value: Any = 1
    ) -> Any:
        return change(self, value)

    return assign


def _scatter(method: str) -> Any:
    def scatter(self: Variable, indices: Any, updates: Any, name: Any = None) -> Variable:
        """Changes single elements, or rows: the last axis of `indices` is a place."""
        places = tuple(np.moveaxis(np.asarray(indices), -1, 0))
        self.assign(getattr(self.value.at[places], method)(jnp.asarray(updates)))
        return self

    return scatter


_wholes = {name: _whole(name) for name in ("assign", "assign_add", "assign_sub")}


def table() -> dict[tuple[type, str], Any]:
    """(class, name) -> what `methods` adds there."""
    array = jax_private.ArrayImpl
    kinds = {"assign": "set", "assign_add": "add", "assign_sub": "subtract"}
    scatters = {"scatter_nd_update": "set", "scatter_nd_add": "add", "scatter_nd_sub": "subtract"}
    return {
        (Variable, "__getitem__"): _part,
        **{(Variable, name): whole for name, whole in _wholes.items()},
        **{(array, name): _assigning(name, method) for name, method in kinds.items()},
        **{(Variable, name): _scatter(method) for name, method in scatters.items()},
    }
