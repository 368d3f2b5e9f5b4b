"""The base of learning rate schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.config import constructor, registry
from fkeras.core.settings import floatx
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, Config


class LearningRateSchedule:
    """A learning rate as a function of the step.

    Subclasses define `__call__(step)` and, to be saved, `get_config()`. The step is the number of
    updates so far: a Python number, a Variable, an array or a tracer. Schedules are plain
    callables, so they also work as Optax schedules.

    Examples:
        >>> import fkeras
        >>> class Halving(fkeras.optimizers.schedules.LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 * 0.5**step
        >>> optimizer = fkeras.optimizers.SGD(Halving())
    """

    def __call__(self, step: ArrayLike) -> jax.Array:
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `__call__(self, step)`."
        )

    def get_config(self) -> Config:
        """The arguments of the constructor, as plain values."""
        if not registry.is_builtin(type(self)):
            raise NotImplementedError(
                f"Learning rate schedule '{type(self).__name__}' must override `get_config()` in "
                "order to be serializable."
            )
        return constructor.config_from_signature(self, {}, lambda name, value: value)

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The schedule that `get_config` described."""
        return cls(**config)


def number(value: Any, name: str) -> float:
    """A rate as given, Variables and arrays as Python floats: a schedule is a constant."""
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UserInputError(
            f"Argument `{name}` must be a number. Received: {name}={value!r}"
        ) from None


def rate(value: Any, name: str) -> float:
    """A learning rate, which must be 0 or more."""
    value = number(value, name)
    if not value >= 0:  # NaN too
        raise UserInputError(
            f"Argument `{name}` must be 0 or more: a step against it would make the loss grow. "
            f"Received: {name}={value}"
        )
    return value


def positive(value: Any, name: str) -> float:
    """A count of steps, which must be above 0."""
    value = number(value, name)
    if not value > 0:
        raise UserInputError(f"Argument `{name}` must be > 0. Received: {name}={value}")
    return value


def as_float(value: ArrayLike) -> jax.Array:
    """A step or constant in the dtype of rates: floatx, but float32 at least.

    bfloat16 cannot count past 256.
    """
    dtype = "float64" if floatx() == "float64" else "float32"
    return jnp.asarray(getattr(value, "value", value), dtype)
