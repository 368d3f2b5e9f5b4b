"""What an optimizer's state holds, and its two forms: a dict of trees, and typed lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers.rule import SlotRow, UpdateRule
from fkeras.optimizers.slot_spec import SlotSpec
from fkeras.optimizers.state import OptimizerState, slot_lists, to_trees

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.state import Flatten, Unflatten


class StateLayout(UpdateRule):
    """The rows of a state: what the options ask for (averages, sums of gradients), then the rule's.

    Users see a dict with readable keys, in which all that belongs to parameters is a tree like
    them. Steps compute on `OptimizerState`.
    """

    name: str
    use_ema: bool
    gradient_accumulation_steps: int | None

    def _state_rows(self, infos: Sequence[ParameterInfo]) -> list[SlotRow]:
        """All that is kept beside iteration and learning rate, in Keras's order of Variables."""
        rows = []
        if self.use_ema:
            rows += [
                SlotRow("average", i, SlotSpec.like(info))
                for i, info in enumerate(infos)
                if not info.overwrite
            ]
        if self.gradient_accumulation_steps:
            rows += [
                SlotRow("gradient_accumulator", i, SlotSpec.like(info))
                for i, info in enumerate(infos)
            ]
        rows += self.slot_rows(infos)
        return rows + [SlotRow(key, None, spec) for key, spec in self.shared_slots(infos).items()]

    def _slot_list_keys(self) -> list[str]:
        """Names of all that is kept for parameters."""
        return [
            *(["average"] if self.use_ema else []),
            *(["gradient_accumulator"] if self.gradient_accumulation_steps else []),
            *self.slot_keys(),
        ]

    def _to_trees(
        self, state: OptimizerState, infos: Sequence[ParameterInfo], unflatten: Unflatten
    ) -> dict[str, Any]:
        """The dict that users see."""
        return to_trees(state, unflatten)

    def _to_lists(
        self, opt_state: dict[str, Any], infos: Sequence[ParameterInfo], flatten: Flatten
    ) -> OptimizerState:
        """The typed state, from the dict that users see."""
        self._check_keys(opt_state)
        # Only what the rows name; the 0-d zeros elsewhere in the trees are dropped.
        slots = slot_lists(self._slot_list_keys(), len(infos))
        values = {key: flatten(opt_state[key], key) for key in slots}
        for key, index, _ in self._state_rows(infos):
            if index is not None:
                slots[key][index] = values[key][index]
        return OptimizerState(
            iteration=opt_state["iteration"],
            learning_rate=opt_state.get("learning_rate"),
            shared={key: opt_state[key] for key in self.shared_keys},
            slots=slots,
            variables=opt_state.get("variables"),
        )

    def _check_keys(self, opt_state: dict[str, Any], *more_keys: str) -> None:
        """Raises where a state is not one of this optimizer; `more_keys` it has besides."""
        if not isinstance(opt_state, dict) or "iteration" not in opt_state:
            raise UserTypeError(
                f"{self.name}: the state must be what `init` or `update` returned. Received: "
                f"{type(opt_state).__name__}"
            )
        expected = ["iteration", *self.shared_keys, *self._slot_list_keys(), *more_keys]
        missing = [key for key in expected if key not in opt_state]
        # A rate that should not be there has an error of its own: see `_rate_at`.
        optional = ("learning_rate", "variables")
        extra = [key for key in opt_state if key not in expected and key not in optional]
        if missing or extra:
            raise UserInputError(
                f"{self.name}: the state was made by another optimizer, or with other options. "
                f"Missing: {missing or 'none'}. Not expected: {extra or 'none'}. Make it again "
                "with `init`."
            )
