"""An optimizer's Variables, in Keras's order: those that it makes, and those it was built for."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import jax

from fkeras.core import settings
from fkeras.core.config import constructor, registry
from fkeras.core.values import lending, stacking
from fkeras.core.values.variable import Variable
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, nearest
from fkeras.optimizers.parameter_info import (
    ParameterInfo,
    own_name,
    parameter_info_of,
)
from fkeras.optimizers.pure import PureOptimizer
from fkeras.optimizers.state import OptimizerState, slot_lists

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.optimizers.compiled_step import CompiledStep
    from fkeras.types import ArrayLike


@functools.cache
def _known_attributes(cls: type) -> frozenset[str]:
    """The public names that one of fkeras's own optimizers has, or takes as arguments."""
    parameters = (inspect.signature(base.__init__).parameters for base in cls.__mro__)
    return frozenset(dir(cls)).union(["name", "built"], cls.shared_keys, *parameters)


def _told_of_unknown(optimizer: OptimizerVariables, name: str) -> str:
    known = [key for key in _known_attributes(type(optimizer)) if not key.startswith("_")]
    close = nearest(name, known, count=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"An optimizer of type {type(optimizer).__name__} has no attribute {name!r}: what is "
        f"assigned to it has no effect.{hint}"
    )


class OptimizerVariables(PureOptimizer):
    """What an optimizer keeps, as a list of Variables.

    `_slot_table` says for each of `_variables` what it is: a name, and the index of the parameter
    that it belongs to (None for all of them together).
    """

    _arguments: dict[str, Any]
    _variables: list[Variable]
    _slot_table: list[tuple[str, int | None]]
    _built_for: list[nnx.Variable]
    _iterations: Variable
    _awaited: list[ArrayLike]
    _compiled_step: CompiledStep | None
    _revision: int

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        # For `get_config`, also of subclasses that do not keep their arguments.
        self.__dict__["_arguments"] = constructor.bind_arguments(cls, args, kwargs)
        return self

    def _start(self) -> None:
        """What must be there before the first attribute is set."""
        self.__dict__.update(
            built=False,
            _variables=[],
            _slot_table=[],
            _built_for=[],
            _undecayed_variables=[],
            _undecayed_names=None,
            _awaited=[],
            _compiled_step=None,
            _revision=0,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if "_variables" not in self.__dict__:
            raise RuntimeError(
                f"In optimizer '{type(self).__name__}', you forgot to call `super().__init__()` as "
                "the first statement in the `__init__()` method. Go add it!"
            )
        if not name.startswith("_") and registry.is_builtin(type(self)):
            if name == "lr":
                name = "learning_rate"
            elif name == "epsilon" and value is None:  # of older Keras: the default
                value = settings.epsilon()
            elif name not in _known_attributes(type(self)):
                warn_user(_told_of_unknown(self, name))
        object.__setattr__(self, name, value)
        if name != "learning_rate":  # a Variable there is only read for its value
            self._track(value)
            if not name.startswith("_") and not lending.is_open():
                self.__dict__["_revision"] += 1

    @property
    def revision(self) -> int:
        """Counts assignments to its options: a program that was made for another number holds
        others as constants.
        """
        return self._revision

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_compiled_step": None}  # programs cannot be copied or pickled

    def _track(self, value: Any) -> None:
        """Takes in Variables that a subclass assigned to attributes, as Keras does."""
        # Lists for `self.momentums = [...]`.
        parts = value if isinstance(value, (list, tuple)) else (value,)
        parts = [part for part in parts if isinstance(part, Variable)]
        if not parts:
            return
        # By identity: `==` of Variables compares their values.
        seen = {id(v) for v in (*self._variables, *self._built_for, *self._undecayed_variables)}
        for part in parts:
            if id(part) not in seen:
                seen.add(id(part))
                tracked = sum(key == "variables" for key, _ in self._slot_table)
                self._slot_table.append(("variables", tracked))
                self._variables.append(part)

    # -- reading ---------------------------------------------------------------

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own Variables, in Keras's order.

        Iteration, learning rate, then what is kept for the parameters.
        """
        if self._is_keras_style():
            for value in list(vars(self).values()):  # lists that grew after they were assigned
                self._track(value)
        return list(self._variables)

    def separate_variables(self, blocks: Sequence[tuple[int, tuple[int, ...]]]) -> list[Variable]:
        """`variables` in the order that they would have if blocks of a `Repeat` were parameters of
        their own, as files hold them.

        Args:
            blocks: for each such parameter, which of `bound_variables` it is in, and its block's
                numbers there; none for one that has no blocks.
        """
        own = self.variables
        infos = self.parameter_infos_of(self._built_for)
        if not any(info.blocks for info in infos) or "variables" in dict(self._slot_table):
            return own
        by_place = dict(zip(self._slot_table, self._variables))
        single = ("iteration", "learning_rate")
        ordered = [v for (key, _), v in by_place.items() if key in single]
        rows = self._state_rows([infos[index].of_block() for index, _ in blocks])
        for key, place, _ in rows:
            index, block = (None, ()) if place is None else blocks[place]
            ordered.append(stacking.block_value(by_place[key, index], block))
        return ordered

    @property
    def bound_variables(self) -> list[nnx.Variable]:
        """The Variables that the optimizer was built for."""
        return list(self._built_for)

    @property
    def iterations(self) -> Variable | jax.Array:
        """Number of updates so far: a Variable, or an array when several steps make one update."""
        if self.gradient_accumulation_steps:
            return self._iterations.value // self.gradient_accumulation_steps
        return self._iterations

    def parameter_infos_of(self, variables: Iterable[nnx.Variable]) -> list[ParameterInfo]:
        """The `ParameterInfo` of each Variable.

        As a tree like the parameters, they are what `init` and `update` take as `parameter_infos`.
        """
        return [
            parameter_info_of(v, self._decays(own_name(lending.path_of(v)), v)) for v in variables
        ]

    def leaves_of(self, variables: Iterable[nnx.Variable]) -> list[ParameterInfo]:
        """The former name of `parameter_infos_of`."""
        return self.parameter_infos_of(variables)

    def held_variables(self, index: int | None) -> dict[str, Variable]:
        """By name, what is kept for the parameter of that index; for None, what belongs to none."""
        return {
            key: variable
            for (key, at), variable in zip(self._slot_table, self._variables)
            if at == index and key != "variables"
        }

    def weights_of_slots(self) -> list[tuple[Variable, nnx.Variable]]:
        """(slot, weight) for each value that is kept for one weight, in its shape: both lie alike
        on several devices.
        """
        return [
            (slot, weight)
            for index, weight in enumerate(self._built_for)
            for slot in self.held_variables(index).values()
            if slot.shape == tuple(weight.shape)
        ]

    def _held_by_parameter(self, key: str) -> list[Variable | None]:
        """Of one name, what is kept for each parameter."""
        by_index = {
            at: variable
            for (name, at), variable in zip(self._slot_table, self._variables)
            if name == key
        }
        return [by_index.get(i) for i in range(len(self._built_for))]

    @property
    def _model_variables_moving_average(self) -> list[Variable | None]:
        return self._held_by_parameter("average")

    @property
    def _trainable_variables(self) -> list[nnx.Variable]:
        return list(self._built_for)

    def _get_variable_index(self, variable: nnx.Variable) -> int:
        for i, bound in enumerate(self._built_for):
            if bound is variable:
                return i
        raise UserInputError(
            f"Unknown variable: {variable!r}. This optimizer can only be called for the variables "
            "it was originally built with. When working with a new set of variables, you should "
            "recreate a new optimizer instance."
        )

    def _is_keras_style(self) -> bool:
        """Whether the rule is an `update_step` on Variables; `Optimizer` tells."""
        return False

    # -- between the list of Variables and the typed state ---------------------

    def _state_from_values(self, values: Sequence[ArrayLike]) -> OptimizerState:
        """The state from values in the order of `variables`."""
        state = OptimizerState(
            iteration=values[0],
            slots=slot_lists(self._slot_list_keys(), len(self._built_for)),
        )
        learning_rate = None
        own: list[ArrayLike] = []
        for (key, index), value in zip(self._slot_table, values, strict=True):
            if key == "variables":
                own.append(value)
            elif key == "learning_rate":
                learning_rate = value
            elif index is not None:
                state.slots[key][index] = value
            elif key != "iteration":
                state.shared[key] = value
        keeps_own = own or self._is_keras_style()
        return state.replace(learning_rate=learning_rate, variables=own if keeps_own else None)

    def _values_of_state(self, state: OptimizerState) -> list[jax.Array]:
        """Values in the order of `variables`."""
        own = sum(key == "variables" for key, _ in self._slot_table)
        if len(state.variables or ()) != own:
            raise UserInputError(
                f"{self.name}: the state was made by another optimizer: it has "
                f"{len(state.variables or ())} variables of a program's own, expected {own}."
            )
        return [state.value_at(key, index) for key, index in self._slot_table]
