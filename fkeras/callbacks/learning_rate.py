"""What callbacks that set the learning rate share."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkeras.callbacks.callback import Callback
from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers.schedules import LearningRateSchedule


def settable_optimizers(callback: Callback) -> list:
    """The optimizers of a callback's model: those inside a `MultiOptimizer`, else the one.

    Raises:
        UserInputError: where there is none, or one without a learning rate.
        UserTypeError: where the rate follows a schedule and cannot be set.
    """
    optimizer = getattr(callback.model, "optimizer", None)
    settable = list(getattr(optimizer, "optimizers", None) or [optimizer])
    for inner in settable:
        if not hasattr(inner, "learning_rate"):
            raise UserInputError(
                f'{type(callback).__name__}: Optimizer must have a "learning_rate" attribute. '
                f"Received: {inner!r}"
            )
        scaled = getattr(inner, "inner_optimizer", inner)  # behind loss scaling
        if isinstance(getattr(scaled, "_learning_rate", None), LearningRateSchedule):
            raise UserTypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its learning "
                f"rate, which {type(callback).__name__} cannot set. Leave the callback out, or "
                "create the optimizer with a number."
            )
    return settable


def rate_of(optimizer: Any) -> float:
    """The present learning rate on the host."""
    return float(np.asarray(optimizer.learning_rate))


def log_rates(callback: Callback, logs: dict) -> None:
    """Puts the rates into the logs of an epoch."""
    for name, optimizer in zip(log_names(callback), settable_optimizers(callback)):
        logs[name] = rate_of(optimizer)


def log_names(callback: Callback) -> list[str]:
    """The names of the rates in the logs: `learning_rate`, or one for each optimizer inside a
    `MultiOptimizer`.
    """
    inner = getattr(getattr(callback.model, "optimizer", None), "optimizers", None)
    return [f"learning_rate_{one.name}" for one in inner] if inner else ["learning_rate"]
