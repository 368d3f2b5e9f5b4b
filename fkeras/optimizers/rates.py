"""Learning rates: numbers, schedules and callables."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import user_code
from fkeras.core.config import serialization
from fkeras.core.settings import floatx
from fkeras.core.values.variable import StateVariable
from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers.schedules.schedule import LearningRateSchedule

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, Config

# A learning rate that is not a number: a function of the step, or of nothing.
LearningRate: TypeAlias = LearningRateSchedule | Callable[..., Any]


class NoLearningRateError(UserInputError, AttributeError):
    """The optimizer has no single learning rate to read or set."""


def checked(value: ArrayLike | LearningRate | Config) -> float | LearningRate:
    """A float, or the schedule or callable itself.

    Raises:
        UserInputError: not a number, NaN or infinite, below 0, not a callable.
    """
    if isinstance(value, LearningRateSchedule):
        return value
    if isinstance(value, dict) and "class_name" in value:
        return serialization.deserialize_keras_object(value)
    try:
        # Arrays and Variables with one element are numbers, too.
        number = float(value)
    except (TypeError, ValueError):
        if callable(value) and not isinstance(value, type):
            return value
        raise UserTypeError(
            "Argument `learning_rate` should be float, or an instance of LearningRateSchedule, or "
            "a callable (without arguments, or of the step) that returns the learning rate. "
            f"Received instead: learning_rate={value!r}"
        ) from None
    if isinstance(value, (bool, str)) or not math.isfinite(number):
        raise UserInputError(
            f"Argument `learning_rate` should be a float. Received instead: learning_rate={value!r}"
        )
    check_sign("learning_rate", number)
    return number


class RateVariable(StateVariable):
    """A learning rate that is a number. It may be assigned to, in callbacks for example."""

    def assign(self, value: ArrayLike) -> jax.Array:
        """Replaces the rate.

        Raises:
            UserInputError: below 0, NaN or infinite. What a traced program assigns is not known.
        """
        given = getattr(value, "value", value)
        if not isinstance(given, jax.core.Tracer) and np.ndim(given) == 0:
            checked(given)
        return super().assign(value)


def check_sign(name: str, number: float) -> None:
    """Raises for a learning rate below 0, which would make the loss grow.

    Args:
        name: of the argument, for the message.
        number: the rate.
    """
    if number < 0:
        raise UserInputError(
            f"Argument `{name}` must be 0 or more: a step against it would make the loss grow. "
            f"Received: {name}={number:g}. To maximise something, give the model its negative as "
            "loss."
        )


def at_step(rate: LearningRate, step: ArrayLike) -> jax.Array:
    """The rate at a step, as an array.

    Args:
        rate: a schedule, a callable of the step (an Optax schedule), or one without arguments.
        step: number of steps so far.
    """
    takes_step = isinstance(rate, LearningRateSchedule) or _takes_the_step(rate)
    name = getattr(rate, "__name__", None) or type(rate).__name__
    who = functools.partial("Learning rate {!r}".format, name)
    value = user_code.call(rate, who, *((step,) if takes_step else ()))
    return jnp.asarray(getattr(value, "value", value), rate_dtype())


def _takes_the_step(rate: LearningRate) -> bool:
    try:
        parameters = inspect.signature(rate).parameters.values()
    except (TypeError, ValueError):
        return False
    # A required argument: one with a default may be anything.
    return any(
        p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        for p in parameters
    )


def rate_dtype() -> str:
    """floatx, but float32 at least."""
    return "float64" if floatx() == "float64" else "float32"


def config_of(rate: float | LearningRate) -> float | Config:
    """What `get_config` says of a learning rate."""
    if isinstance(rate, (Integral, float)):
        return float(rate)
    return serialization.serialize_keras_object(rate)
