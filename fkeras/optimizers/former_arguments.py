"""Arguments of optimizers in older Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.optimizers.rates import LearningRate


def take(
    kwargs: dict[str, Any], learning_rate: float | LearningRate
) -> tuple[float | LearningRate, float]:
    """(learning rate, decay): takes `lr` and `decay` out of further arguments, with one warning.

    Args:
        kwargs: what a constructor was given beside its own arguments.
        learning_rate: what it was given as learning rate, or its default.

    Raises:
        UserInputError: a `decay` that is no number of 0 or more.
    """
    told = []
    if "lr" in kwargs:
        learning_rate = kwargs.pop("lr")
        told.append("`lr` is called `learning_rate`")
    decay = kwargs.pop("decay", None) or 0.0
    if isinstance(decay, bool | str) or not decay >= 0:
        raise UserInputError(f"`decay` must be a number of 0 or more. Received: decay={decay!r}")
    if decay:
        told.append(
            "`decay` divides the learning rate by `1 + decay * step`, as `learning_rate="
            "schedules.InverseTimeDecay(learning_rate, 1, decay)` does"
        )
    # What Nadam took; its schedule has the default's numbers.
    if kwargs.pop("schedule_decay", 0.004) != 0.004:
        told.append("`schedule_decay` has no effect: it is 0.004")
    if told:
        warn_user(f"Arguments of older Keras: {'; '.join(told)}.")
    return learning_rate, float(decay)
