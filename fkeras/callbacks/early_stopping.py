"""`EarlyStopping`: stops when a value no longer improves."""

from __future__ import annotations

from typing import Any

from fkeras.callbacks.monitor import MonitorCallback, check_not_negative
from fkeras.core import messages


class EarlyStopping(MonitorCallback):
    """Stops training when a monitored value has not improved for a while. NaN is never an
    improvement.

    Args:
        monitor: a name in the logs: `val_loss`, `loss`, `val_accuracy`, ... A misspelt one raises
            when `fit` starts.
        min_delta: least change that counts as an improvement.
        patience: epochs without improvement after which training stops.
        verbose: 1 to say when it acts.
        mode: 'min', 'max', or 'auto' (by the metric of that name).
        baseline: value that has to be beaten within `patience` epochs; None for none.
        restore_best_weights: whether the model gets the weights of its best epoch at the end, also
            where training was not stopped early.
        start_from_epoch: epochs before which nothing counts.

    Attributes:
        best, best_epoch: best value and its epoch. wait: epochs since. stopped_epoch: index of the
            epoch it stopped at, 0 where it did not.

    Examples:
        >>> import fkeras, types
        >>> stop = fkeras.callbacks.EarlyStopping(monitor="loss", patience=2)
        >>> stop.set_model(types.SimpleNamespace(stop_training=False))
        >>> stop.on_train_begin()
        >>> for epoch, loss in enumerate([1.0, 0.5, 0.6, 0.7]):
        ...     stop.on_epoch_end(epoch, {"loss": loss})
        >>> stop.best, stop.stopped_epoch, stop.model.stop_training
        (0.5, 3, True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        check_not_negative("EarlyStopping", "patience", patience)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self):
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def get_state(self) -> dict[str, Any]:
        return {
            name: getattr(self, name)
            for name in ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")
        }

    def set_state(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._resumed = True

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self._resumed:
            self._reset()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._resumed = False
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.monitor_op is None:
            self._set_monitor_op()
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_end(logs)
        if self.stopped_epoch > 0 and self.verbose > 0:
            messages.write(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                messages.write(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: dict[str, Any] | None) -> float | None:
        """The monitored value as a float, or None where the logs lack it."""
        return self._value_in(logs)
