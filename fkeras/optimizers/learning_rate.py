"""The learning rate of an optimizer: a Variable for a number, else a function of the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core import names
from fkeras.core.values.variable import Variable
from fkeras.errors import UserTypeError
from fkeras.optimizers import rates
from fkeras.optimizers.building import BuildableOptimizer
from fkeras.optimizers.schedules.schedule import LearningRateSchedule
from fkeras.optimizers.slot_spec import SlotSpec

if TYPE_CHECKING:
    from fkeras.optimizers.rates import LearningRate
    from fkeras.types import ArrayLike

_POSITION = 1  # of the learning rate in `variables`, after the iteration


class RatedOptimizer(BuildableOptimizer):
    """Reading and assigning `learning_rate`."""

    def _add_first_variables(self, learning_rate: float | LearningRate) -> None:
        with names.scope(self.name):
            self._iterations = self._add_slot_variable("iteration", None, SlotSpec((), "int32"))
        if isinstance(learning_rate, float):
            self._add_rate_variable(learning_rate)
        else:
            self._learning_rate = learning_rate

    def _add_rate_variable(self, learning_rate: float) -> None:
        spec = SlotSpec((), rates.rate_dtype(), learning_rate)
        with names.scope(self.name):
            self._learning_rate = self._add_slot_variable(
                "learning_rate", None, spec, cls=rates.RateVariable
            )
        # Made last, where a schedule gives way to a number; files have it second.
        self._variables.insert(_POSITION, self._variables.pop())
        self._slot_table.insert(_POSITION, self._slot_table.pop())

    def _remove_rate_variable(self) -> None:
        del self._variables[_POSITION], self._slot_table[_POSITION]

    @property
    def learning_rate(self) -> Variable | jax.Array:
        """The current rate.

        For a number a Variable: set it by `optimizer.learning_rate = 0.1` or by its `assign`. With
        a schedule the rate at the current iteration.
        """
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return rates.at_step(self._learning_rate, self._iterations.value)

    @learning_rate.setter
    def learning_rate(self, value: ArrayLike | LearningRate) -> None:
        current = self._learning_rate
        new = value.value if isinstance(value, Variable) else value
        if isinstance(new, jax.core.Tracer) and isinstance(current, Variable):
            current.assign(new)  # a traced value cannot be checked
            return
        new = rates.checked(new)
        if isinstance(new, float):
            self._assign_number(new)
            return
        if isinstance(current, Variable):
            self._remove_rate_variable()
        # Past `__setattr__`: a schedule may hold lists of Variables that are not the optimizer's.
        object.__setattr__(self, "_learning_rate", new)

    @property
    def lr(self) -> Any:
        """`learning_rate` as older scripts call it; a subclass may mean something else by it."""
        return self.__dict__["lr"] if "lr" in self.__dict__ else self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.__dict__["lr"] = value

    def _assign_number(self, new: float) -> None:
        current = self._learning_rate
        if isinstance(current, LearningRateSchedule):
            raise UserTypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its "
                "`learning_rate` constructor argument, hence its learning rate is not "
                "settable. If you need the learning rate to be settable, you should "
                "instantiate the optimizer with a float `learning_rate` argument."
            )
        if isinstance(current, Variable):
            current.assign(new)
        else:
            self._add_rate_variable(new)

    def with_current_rates(self, opt_state: dict[str, Any]) -> dict[str, Any]:
        """A pure state with the learning rate that was assigned on the object.

        So a running loop follows callbacks.
        """
        if not isinstance(self._learning_rate, Variable):
            return opt_state
        return {**opt_state, "learning_rate": jnp.array(self._learning_rate.value)}
