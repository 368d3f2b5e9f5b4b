"""`LearningRateScheduler`: a learning rate for each epoch."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from fkeras.callbacks import learning_rate
from fkeras.callbacks.callback import Callback
from fkeras.core import messages
from fkeras.errors import UserInputError, UserTypeError


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch; logs it as `learning_rate`.

    Args:
        schedule: function `(epoch, learning_rate) -> learning_rate`, or of the epoch alone. Epochs
            count from 0.
        verbose: 1 to print the rate.

    Raises:
        UserInputError: where the schedule returns something else than a finite number.

    Examples:
        >>> import fkeras, types
        >>> model = types.SimpleNamespace(optimizer=fkeras.optimizers.SGD(0.1))
        >>> halve = fkeras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        >>> halve.set_model(model)
        >>> halve.on_epoch_begin(0)
        >>> round(float(model.optimizer.learning_rate), 3)
        0.05
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise UserInputError(
                "LearningRateScheduler: `schedule` must be a function (epoch, learning_rate) -> "
                f"learning_rate. Received: {schedule!r}"
            )
        if not _takes(schedule, 0) and not _takes(schedule, 0, 0.0):
            raise UserTypeError(
                f"LearningRateScheduler: `schedule{inspect.signature(schedule)}` takes neither "
                "(epoch) nor (epoch, learning_rate). Bind further arguments with "
                "`functools.partial`."
            )
        self.schedule = schedule
        self.verbose = verbose

    def added_names(self) -> list[str]:
        """Names that this callback puts into the logs."""
        return learning_rate.log_names(self)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        learning_rate.settable_optimizers(self)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        optimizers = learning_rate.settable_optimizers(self)
        for optimizer in optimizers:
            rate = self._rate(epoch, learning_rate.rate_of(optimizer))
            optimizer.learning_rate = rate
            if self.verbose > 0:
                whose = f"{optimizer.name} " if len(optimizers) > 1 else ""
                messages.write(
                    f"\nEpoch {epoch + 1}: LearningRateScheduler setting {whose}learning rate to "
                    f"{rate}."
                )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        learning_rate.log_rates(self, {} if logs is None else logs)

    def _rate(self, epoch: int, current: float) -> float:
        rate = (
            self.schedule(epoch, current) if _takes(self.schedule, 0, 0.0) else self.schedule(epoch)
        )
        if not isinstance(rate, (bool, str)) and getattr(rate, "shape", ()) == ():
            try:
                number = float(rate)
            except (TypeError, ValueError):
                number = math.nan
            if math.isfinite(number) and number >= 0:
                return number
        raise UserInputError(
            f"The output of the `schedule` function should be a float. Got: {rate!r} at epoch "
            f"{epoch}. LearningRateScheduler sets finite numbers of 0 or more."
        )


def _takes(function: Callable, *arguments: float) -> bool:
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # a builtin that does not tell
        return True
    return True
