"""What the options that all optimizers share may be."""

from __future__ import annotations

import numbers
from numbers import Integral
from typing import TYPE_CHECKING, Any

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.optimizers.pure import PureOptimizer

_CLIPPINGS = ("clipnorm", "clipvalue", "global_clipnorm")


def check_options(optimizer: PureOptimizer) -> None:
    """Raises for options of a new optimizer that are out of range or contradict each other."""
    factor = optimizer.loss_scale_factor
    if factor is not None:  # gradients are divided by it
        _within("loss_scale_factor", factor, "above 0", lambda number: number > 0)
    for name in ("weight_decay", *_CLIPPINGS):
        value = getattr(optimizer, name)
        # `not >= 0` refuses NaN too.
        if value is not None and (isinstance(value, (str, bool)) or not value >= 0):
            raise UserInputError(
                f"`{name}` must be None or a number >= 0. Received: {name}={value!r}"
            )
    clippings = {name: getattr(optimizer, name) for name in _CLIPPINGS}
    if sum(value is not None for value in clippings.values()) > 1:
        raise UserInputError(
            "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
            + ", ".join(f"{name}={value}" for name, value in clippings.items())
        )
    _check_accumulation(optimizer.gradient_accumulation_steps)
    if optimizer.use_ema:
        _check_averages(optimizer.ema_momentum, optimizer.ema_overwrite_frequency)


def _check_accumulation(steps: int | None) -> None:
    if steps and (not isinstance(steps, Integral) or steps < 2):
        raise UserInputError(
            "`gradient_accumulation_steps` must be an integer >= 2. Received: "
            f"gradient_accumulation_steps={steps}"
        )


def _check_averages(momentum: float, overwrite_frequency: int | None) -> None:
    if not 0 <= momentum <= 1:
        raise UserInputError(
            f"`ema_momentum` must be in the range [0, 1]. Received: ema_momentum={momentum}"
        )
    every = overwrite_frequency
    if every and (not isinstance(every, Integral) or every < 1):
        raise UserInputError(
            "`ema_overwrite_frequency` must be an integer >= 1 or None. Received: "
            f"ema_overwrite_frequency={every}"
        )


def decay_rate(name: str, value: Any) -> Any:
    """What is kept of an average at each step, as given: a number in [0, 1)."""
    return _within(name, value, "[0, 1)", lambda number: 0 <= number < 1)


def not_negative(name: str, value: Any) -> Any:
    """A number of 0 or more, as given."""
    return _within(name, value, "0 or more", lambda number: number >= 0)


def _within(name, value, span, is_inside):
    # Arrays and tracers, as of a search over hyperparameters, cannot or need not be looked at.
    if isinstance(value, (str, bool)) or isinstance(value, numbers.Real) and not is_inside(value):
        raise UserInputError(f"`{name}` must be a number, {span}. Received: {name}={value!r}")
    return value
