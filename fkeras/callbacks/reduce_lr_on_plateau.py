"""`ReduceLROnPlateau`: a smaller learning rate when a value no longer improves."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkeras.callbacks import learning_rate
from fkeras.callbacks.monitor import MonitorCallback, check_not_negative
from fkeras.core import messages
from fkeras.errors import UserInputError, UserTypeError


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a monitored value has not improved for a while;
    logs it as `learning_rate`.

    Args:
        monitor: a name in the logs. A misspelt one raises when `fit` starts.
        factor: what the learning rate is multiplied by, in (0, 1).
        patience: epochs without improvement after which it is.
        verbose: 1 to say when it acts.
        mode: 'min', 'max', or 'auto' (by the metric of that name).
        min_delta: least change that counts as an improvement.
        cooldown: epochs after a reduction in which nothing is counted.
        min_lr: learning rate to stop at.

    Raises:
        UserInputError: for a factor of 1 or more.
        UserTypeError: when `fit` starts, where the optimizer follows a schedule.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        min_delta = kwargs.pop("epsilon", min_delta)  # its name in Keras 1
        super().__init__(monitor, mode, min_delta=min_delta)
        if kwargs:
            raise UserTypeError(
                f"ReduceLROnPlateau got an unexpected argument {sorted(kwargs)[0]!r}."
            )
        if factor >= 1.0:
            raise UserInputError(
                f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}"
            )
        for name, value in (("factor", factor), ("patience", patience), ("min_lr", min_lr)):
            check_not_negative("ReduceLROnPlateau", name, value)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self):
        self.best = None
        self.wait = self.cooldown_counter = 0

    def get_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("best", "wait", "cooldown_counter")}

    def set_state(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._resumed = True

    def added_names(self) -> list[str]:
        """Names that this callback puts into the logs."""
        return learning_rate.log_names(self)

    def in_cooldown(self) -> bool:
        """Whether a reduction was so short ago that nothing is counted."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        learning_rate.settable_optimizers(self)
        if not self._resumed:
            self._reset()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._resumed = False
        logs = {} if logs is None else logs
        learning_rate.log_rates(self, logs)
        current = self._value_in(logs)
        if current is None:
            return
        if self.monitor_op is None:
            self._set_monitor_op()
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, epoch: int) -> bool:
        """Whether any rate could still be reduced."""
        optimizers = learning_rate.settable_optimizers(self)
        reduced = False
        for optimizer in optimizers:
            old = learning_rate.rate_of(optimizer)
            if old <= np.float32(self.min_lr):
                continue
            optimizer.learning_rate = new = max(old * self.factor, self.min_lr)
            reduced = True
            if self.verbose > 0:
                whose = f" {optimizer.name}" if len(optimizers) > 1 else ""
                messages.write(
                    f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing{whose} learning rate to "
                    f"{new}."
                )
        return reduced
