"""The state of an optimizer while a step computes: typed, in lists of leaves.

Users see the same state as a dict of trees (`Optimizer.init`): there a tree needs a value at each
parameter, so that 0-d zeros stand where nothing is kept. Here None does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from fkeras.types import PyTree

# One entry for each parameter; None where nothing is kept for it.
SlotList: TypeAlias = list[jax.Array | None]
# A list with one entry for each parameter -> a tree like the parameters, and back (with the key).
Unflatten: TypeAlias = Callable[[list], "PyTree"]
Flatten: TypeAlias = Callable[["PyTree", str], list]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class OptimizerState:
    """All that one optimizer remembers between steps.

    Args:
        iteration: steps so far, int32.
        learning_rate: None where a schedule or a callable gives it.
        shared: values that belong to no single parameter, by name.
        slots: by name, what is kept for each parameter.
        variables: values of what a program's own optimizer keeps beside those; None for optimizers
            that are defined by a rule.
        inner: states of the optimizers inside, each for its own parameters only.
        transformation: state of an Optax transformation.
    """

    iteration: jax.Array
    learning_rate: jax.Array | None = None
    shared: dict[str, jax.Array] = dataclasses.field(default_factory=dict)
    slots: dict[str, SlotList] = dataclasses.field(default_factory=dict)
    variables: list[jax.Array] | None = None
    inner: list[OptimizerState] = dataclasses.field(default_factory=list)
    transformation: Any = None

    def replace(self, **changes: Any) -> OptimizerState:
        """A copy with other values. Its dicts and lists are copies too, to be filled."""
        return dataclasses.replace(
            self,
            **{
                "shared": dict(self.shared),
                "slots": {key: list(values) for key, values in self.slots.items()},
                **changes,
            },
        )

    def slot(self, key: str, index: int) -> jax.Array:
        """What is kept under a name for one parameter, which must be something."""
        value = self.slots[key][index]
        if value is None:
            raise LookupError(f"nothing is kept as {key!r} for parameter {index}")
        return value

    def value_at(self, key: str, index: int | None) -> Any:
        """The value of one row of an optimizer's table: see `SlotRow`."""
        if key in ("iteration", "learning_rate"):
            return getattr(self, key)
        if index is None:
            return self.shared[key]
        if key == "variables":
            return (self.variables or [])[index]
        return self.slot(key, index)


def slot_lists(keys: Iterable[str], count: int) -> dict[str, SlotList]:
    """A list of nothing for each key, to be filled."""
    return {key: [None] * count for key in keys}


def to_trees(state: OptimizerState, unflatten: Unflatten) -> dict[str, Any]:
    """The dict that users see of a state without inner ones."""
    return {
        "iteration": state.iteration,
        **({} if state.learning_rate is None else {"learning_rate": state.learning_rate}),
        **state.shared,
        **{key: unflatten(_with_placeholders(values)) for key, values in state.slots.items()},
        **({} if state.variables is None else {"variables": state.variables}),
    }


def _with_placeholders(values: SlotList) -> list[jax.Array]:
    return [jnp.zeros((), jnp.float32) if value is None else value for value in values]
