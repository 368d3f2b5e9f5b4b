"""`ModelCheckpoint`: saves the model while it is trained."""

from __future__ import annotations

import os
import string
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fkeras.callbacks.monitor import MonitorCallback
from fkeras.callbacks.save_times import SaveTimes
from fkeras.core import former_keys, messages
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError, unknown_name

if TYPE_CHECKING:
    from fkeras.types import PathLike


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after each epoch, after so many batches, or only where a
    value is the best so far. NaN is never the best.

    A file that is replaced stands until the new one is complete: a process that is killed at any
    moment leaves one of the two. That names and folders can be written is found out when `fit`
    starts.

    Args:
        filepath: as for `Model.save` (`.keras`, `.h5`, a directory without suffix), or with
            `save_weights_only` as for `Model.save_weights`. May hold `{epoch:02d}` (counted from
            1), `{batch}` and names of the logs: `"{epoch:02d}-{val_loss:.3f}.keras"`.
        monitor: a name in the logs.
        verbose: 1 to say when it acts.
        save_best_only: whether only improvements are saved. Where the logs lack the monitored
            value, every model is saved, with a warning.
        save_weights_only: whether the architecture is left out.
        mode: 'min', 'max', or 'auto' (by the metric of that name).
        save_freq: 'epoch', or a number of batches; then `fit` runs step by step.
        initial_value_threshold: value that the first save has to improve on; None for any.
        **former: `period` of older Keras: save after each so many epochs.

    Examples:
        >>> import fkeras, numpy as np, os
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> best = fkeras.callbacks.ModelCheckpoint(
        ...     "best.keras", monitor="loss", save_best_only=True
        ... )
        >>> history = model.fit(np.ones((4, 3)), np.ones((4, 1)), callbacks=[best], verbose=0)
        >>> os.path.exists("best.keras")
        True
    """

    def __init__(
        self,
        filepath: PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Literal["auto", "min", "max"] = "auto",
        save_freq: Literal["epoch"] | int = "epoch",
        initial_value_threshold: float | None = None,
        **former: Any,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.period = _period_of(former)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._times = SaveTimes(type(self).__name__, save_freq)
        self._current_epoch = 0
        if self._times.counts_batches:
            # Of this object alone: whoever saves by epochs lets `fit` run many steps in one call.
            self.on_train_batch_end = self._after_batch

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "times": self._times.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
        self._times.set_state(state["times"])

    def check_monitor(self, available: Collection[str], has_validation: bool = True) -> None:
        self._take_todays_name(available)
        fields = _fields_of(self.filepath)
        known = {"epoch", *(("batch",) if self._times.counts_batches else ()), *available}
        if not self._times.counts_batches:  # logs of batches have no values of validation
            for field in fields - known:
                if former_keys.today(field, available):
                    continue
                raise unknown_name(f"field of {type(self).__name__}(filepath=...)", field, known)
        if not self.save_best_only:
            return
        if self.monitor in available:
            super().check_monitor(available, has_validation)
        elif has_validation or not self.monitor.startswith("val_"):
            super().check_monitor(available, has_validation)
        else:
            self._available = False
            warn_user(
                f"{type(self).__name__}(monitor={self.monitor!r}, save_best_only=True): there is "
                "no validation data, so that every model is saved. Pass `validation_data` to "
                "`fit`, or monitor 'loss'."
            )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Makes the folder, so that a place that cannot be written is known before training."""
        folder = Path(os.path.abspath(self.filepath)).parent
        while _fields_of(str(folder)):
            folder = folder.parent
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{type(self).__name__}: the folder '{folder}' is not writable.")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch = epoch

    def _after_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._times.is_due_after(batch):
            self._save(self._current_epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._times.counts_batches and (epoch + 1) % self.period == 0:
            self._save(epoch, None, logs or {})

    def _save(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        filepath = self._get_file_path(epoch, batch, logs)
        if not self._should_save(epoch, logs, filepath):
            return
        if os.path.isdir(filepath) and filepath.endswith((".keras", ".h5", ".hdf5")):
            raise IsADirectoryError(
                "Please specify a non-directory filepath for ModelCheckpoint. Filepath used is an "
                f"existing directory: {filepath}"
            )
        if self.save_weights_only:
            self.model.save_weights(filepath, overwrite=True)
        else:
            self.model.save(filepath, overwrite=True)
        if self.verbose > 0:
            messages.write(f"\nEpoch {epoch + 1}: finished saving model to {filepath}")

    def _should_save(self, epoch: int, logs: dict[str, Any], filepath: str) -> bool:
        saving = f"saving model to {filepath}"
        if not self.save_best_only:
            self._say(epoch, saving)
            return True
        current = self._value_in(logs)
        if current is None:
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {best}")
            return False
        self._say(epoch, f"{self.monitor} improved from {best} to {current:.5f}, {saving}")
        self.best = current
        return True

    def _say(self, epoch: int, text: str) -> None:
        if self.verbose > 0:
            messages.write(f"\nEpoch {epoch + 1}: {text}")

    # Programs call it under this name, which it has in Keras.
    def _get_file_path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        values = former_keys.FormerKeys({**logs, "epoch": epoch + 1})
        if batch is not None:
            values.setdefault("batch", batch + 1)
        try:
            return self.filepath.format_map(values)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}. '
                f"There are: {', '.join(sorted(values))}."
            ) from None


def _period_of(former: dict[str, Any]) -> int:
    """The epochs between saves, of the arguments of older Keras; one warning for them."""
    period = former.pop("period", None)
    for name in ("load_weights_on_restart", "options"):
        if former.pop(name, None):
            warn_user(
                f"ModelCheckpoint: `{name}` of older Keras has no effect. `BackupAndRestore` "
                "goes on with a training that was interrupted."
            )
    if former:
        raise UserTypeError(f"ModelCheckpoint got an unexpected argument {sorted(former)[0]!r}.")
    if period is None:
        return 1
    if not isinstance(period, int) or period < 1:
        raise UserInputError(f"`period` must be an int of 1 or more. Received: {period!r}")
    if period > 1:
        warn_user(
            f"ModelCheckpoint: `period={period}` of older Keras saves after each {period} epochs; "
            "today `save_freq` counts batches."
        )
    return period


def _fields_of(pattern: str) -> set[str]:
    """The names in braces of a pattern.

    Raises:
        UserInputError: braces that do not match.
    """
    try:
        return {field for _, field, _, _ in string.Formatter().parse(pattern) if field is not None}
    except ValueError as error:
        raise UserInputError(f"The filepath '{pattern}' is no pattern: {error}.") from None
