"""`UpdateRule`: the arithmetic of an optimizer, as pure methods that know of no Variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax

from fkeras.optimizers.slot_spec import SlotSpec

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo

# What is kept for one parameter, by name: all float32 or wider while a rule computes.
Slots: TypeAlias = dict[str, jax.Array]
# What `step_scalars` returns and `leaf_step` is given: an array, or any tuple of them.
StepScalars: TypeAlias = Any


class SlotRow(NamedTuple):
    """One value of an optimizer's state: its name, whose it is, and what it looks like.

    `index` is the position of the parameter, or None for a value that all parameters share.
    """

    key: str
    index: int | None
    spec: SlotSpec


class UpdateRule:
    """What an update does with one parameter, and what it needs to remember for that.

    These methods are pure: they read the rule's constants and nothing else. `update_step` calls
    them in Keras's order, between clipping, weight decay, moving averages and constraints. Only
    `leaf_step` must be defined.
    """

    shared_keys: tuple[str, ...] = ()  # names of state that belongs to no single parameter
    weight_decay: float | None = None

    def slot_groups(self) -> list[tuple[str, ...]]:
        """Names of what is kept for each parameter.

        Names in one group alternate, parameter by parameter, in the list of Variables.
        """
        return []

    def slot_for(self, key: str, info: ParameterInfo) -> SlotSpec | None:
        """What is kept under `key` for one parameter: zeros like it, unless overridden.

        None: nothing is kept, and `leaf_step` is given no slot of that name.
        """
        return SlotSpec.like(info)

    def shared_slots(self, infos: Sequence[ParameterInfo]) -> dict[str, SlotSpec]:
        """What is kept once, under each of `shared_keys`."""
        return {}

    def advance_shared(self, shared: Slots, step: jax.Array) -> Slots:
        """The shared state of this step (1 for the first), from that of the step before."""
        return shared

    def step_scalars(self, learning_rate: jax.Array, step: jax.Array, shared: Slots) -> StepScalars:
        """What `leaf_step` needs of the learning rate and the step: computed once a step and dtype.

        Args:
            learning_rate: in the dtype of the parameters that it is for.
            step: number of this update, 1 for the first, in the same dtype.
            shared: the shared state of this step.
        """
        return learning_rate

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        scalars: StepScalars,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        """One parameter's new value and slots. All arrays are float32 or wider.

        Args:
            gradient: clipped, and divided by the loss scale.
            param: after weight decay.
            slots: what is kept for this parameter.
            scalars: what `step_scalars` returned.
            info: shape, name and path of the parameter.
        """
        raise NotImplementedError(
            f"{type(self).__name__} defines neither `leaf_step` nor `update_step`."
        )

    def decay_rate(self, info: ParameterInfo) -> float | None:
        """The weight decay of one parameter that is not excluded from it."""
        return self.weight_decay

    def slot_keys(self) -> list[str]:
        """All names of `slot_groups`."""
        return [key for group in self.slot_groups() for key in group]

    def slot_rows(self, infos: Sequence[ParameterInfo]) -> list[SlotRow]:
        """All that the rule keeps, in Keras's order; nothing for overwritten parameters."""
        rows = []
        for group in self.slot_groups():
            for index, info in enumerate(infos):
                if info.overwrite:
                    continue
                for key in group:
                    spec = self.slot_for(key, info.of_block())
                    if spec is not None:
                        rows.append(SlotRow(key, index, spec.stacked(info.blocks)))
        return rows
