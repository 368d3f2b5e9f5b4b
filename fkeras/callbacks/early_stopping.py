"""`EarlyStopping`: stops when a value no longer improves."""

from fkeras.callbacks import messages
from fkeras.callbacks.monitor import MonitorCallback


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
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._reset()

    def _reset(self):
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def get_state(self):
        return {
            name: getattr(self, name)
            for name in ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")
        }

    def set_state(self, state):
        vars(self).update(state)
        self._resumed = True

    def on_train_begin(self, logs=None):
        if not self._resumed:
            self._reset()

    def on_epoch_end(self, epoch, logs=None):
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

    def on_train_end(self, logs=None):
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

    def get_monitor_value(self, logs):
        """The monitored value as a float, or None where the logs lack it."""
        return self._value_in(logs)
