"""Schedules that fall from a first rate: by a power, a polynomial, a quotient or a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.optimizers.schedules.schedule import LearningRateSchedule, as_float, positive, rate

if TYPE_CHECKING:
    from fkeras.types import ArrayLike


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: rate at step 0.
        decay_steps: steps after which the rate has been multiplied by `decay_rate` once; > 0.
        decay_rate: factor.
        staircase: round `step / decay_steps` down, so that the rate falls in jumps.
        name: name of the schedule.

    Examples:
        >>> from fkeras.optimizers.schedules import ExponentialDecay
        >>> schedule = ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
        >>> round(float(schedule(200)), 4)
        0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = rate(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = positive(decay_steps, "decay_steps")
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: ArrayLike) -> jax.Array:
        decay = as_float(self.decay_rate) ** _periods(step, self)
        return as_float(self.initial_learning_rate) * decay


class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: rate at step 0.
        decay_steps: unit of the step; > 0.
        decay_rate: how much the divisor grows in each unit.
        staircase: round `step / decay_steps` down.
        name: name of the schedule.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = rate(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = positive(decay_steps, "decay_steps")
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: ArrayLike) -> jax.Array:
        divisor = 1 + as_float(self.decay_rate) * _periods(step, self)
        return as_float(self.initial_learning_rate) / divisor


def _periods(step: ArrayLike, schedule: ExponentialDecay | InverseTimeDecay) -> jax.Array:
    """How many times `decay_steps` have passed."""
    periods = as_float(step) / as_float(schedule.decay_steps)
    return jnp.floor(periods) if schedule.staircase else periods


class PolynomialDecay(LearningRateSchedule):
    """From a first to a last rate along `(1 - step / decay_steps) ** power`; constant afterwards.

    Args:
        initial_learning_rate: rate at step 0.
        decay_steps: steps to the last rate; > 0.
        end_learning_rate: last rate.
        power: 1 for a line.
        cycle: instead of staying at the last rate, start again with twice, three times, ... the
            number of steps.
        name: name of the schedule.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = rate(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = positive(decay_steps, "decay_steps")
        self.end_learning_rate = rate(end_learning_rate, "end_learning_rate")
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: ArrayLike) -> jax.Array:
        step, length = as_float(step), as_float(self.decay_steps)
        if self.cycle:
            # As many whole cycles as have begun; at step 0 one.
            length = length * jnp.where(step == 0, 1.0, jnp.ceil(step / length))
        else:
            step = jnp.minimum(step, length)
        first, last = as_float(self.initial_learning_rate), as_float(self.end_learning_rate)
        return (first - last) * (1 - step / length) ** as_float(self.power) + last


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[0]` up to and including step `boundaries[0]`, then `values[1]`, and so on.

    Args:
        boundaries: increasing list of steps.
        values: list of rates, one more than boundaries.
        name: name of the schedule.

    Examples:
        >>> from fkeras.optimizers.schedules import PiecewiseConstantDecay
        >>> schedule = PiecewiseConstantDecay([100, 200], [1.0, 0.5, 0.25])
        >>> [float(schedule(step)) for step in (100, 101, 1000)]
        [1.0, 0.5, 0.25]
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1 or not boundaries:
            raise UserInputError(
                "The length of boundaries should be 1 less than the length of values, and at "
                f"least 1. Received: boundaries={boundaries} of length {len(boundaries)}, and "
                f"values={values} of length {len(values)}."
            )
        if any(not low < high for low, high in zip(boundaries[:-1], boundaries[1:])):
            raise UserInputError(f"`boundaries` must increase. Received: boundaries={boundaries}")
        for value in values:
            rate(value, "values")
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: ArrayLike) -> jax.Array:
        step = jnp.asarray(getattr(step, "value", step))
        passed = jnp.sum(step > jnp.asarray(self.boundaries))
        return as_float(list(self.values))[passed]
