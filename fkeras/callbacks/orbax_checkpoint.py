"""`OrbaxCheckpoint`: checkpoints of all of a training, written while it goes on."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax
import numpy as np

from fkeras.callbacks.monitor import MonitorCallback
from fkeras.callbacks.save_times import SaveTimes
from fkeras.core import messages
from fkeras.errors import UserInputError
from fkeras.saving.background import CheckpointWriter
from fkeras.saving.formats import step_directories

if TYPE_CHECKING:
    from fkeras.types import PathLike


class OrbaxCheckpoint(MonitorCallback):
    """Saves model, optimizer and counts after each epoch or so many batches, in the background.

    Each checkpoint is a directory below `directory`, named after its epoch (counted from 0) or,
    with a `save_freq` in batches, after the steps in the model's life. `load_model(directory)` and
    `load_weights(directory)` take the one that was written last; the path of a single one does too.
    Its arrays are read by Orbax's own tools. Training stops for as long as a copy of the model's
    values on their devices takes, and for the checkpoint before, should that not be written yet.

    A checkpoint stands when it is whole: one that fails, or a process that is killed, leaves those
    before it. A failure in the background is raised at the next checkpoint or at the end of `fit`.
    On several processes each writes its part, on a file system that all of them share.

    Args:
        directory: where the checkpoints go.
        monitor: a name in the logs, for `save_best_only`.
        verbose: 1 to say when it acts.
        save_best_only: whether only improvements are saved. Nothing is saved where the logs lack
            the monitored value.
        mode: 'min', 'max', or 'auto' (by the metric of that name).
        save_freq: 'epoch', or a number of batches; then `fit` runs step by step.
        initial_value_threshold: value that the first save has to improve on; None for any.
        max_to_keep: how many checkpoints stay, the last ones; None for all.
        save_on_background: False to go on only when a checkpoint stands.
        save_weights_only: whether architecture, optimizer and counts are left out.

    Raises:
        UserInputError: a `save_freq` or `max_to_keep` that cannot be.
        SaveError: in `fit`, a checkpoint could not be written, for instance on a full disk.

    Examples:
        >>> import fkeras, numpy as np, os
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> saves = fkeras.callbacks.OrbaxCheckpoint("checkpoints", max_to_keep=2)
        >>> x, y = np.ones((4, 3)), np.ones((4, 1))
        >>> history = model.fit(x, y, epochs=3, callbacks=[saves], verbose=0)
        >>> sorted(os.listdir("checkpoints"))
        ['1', '2']
        >>> fkeras.saving.load_model("checkpoints").training_progress
        {'steps': 3, 'epochs': 3}
    """

    def __init__(
        self,
        directory: PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: Literal["auto", "min", "max"] = "auto",
        save_freq: Literal["epoch"] | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        name = type(self).__name__
        if max_to_keep is not None and (not isinstance(max_to_keep, int) or max_to_keep < 1):
            raise UserInputError(
                f"{name}: `max_to_keep` must be an integer of 1 or more, or None for all. "
                f"Received: max_to_keep={max_to_keep!r}"
            )
        self.directory = os.fspath(directory)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_freq = save_freq
        self.max_to_keep = max_to_keep
        self.save_on_background = save_on_background
        self.save_weights_only = save_weights_only
        self._times = SaveTimes(name, save_freq)
        self._current_epoch = 0
        self._steps_before_epoch = 0
        self.checkpointer = CheckpointWriter(
            Path(os.path.abspath(self.directory)),
            max_to_keep,
            save_on_background,
            save_weights_only,
            name,
        )
        if self._times.counts_batches:
            # Of this object alone: whoever saves by epochs lets `fit` run many steps in one call.
            self.on_train_batch_end = self._after_batch

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "times": self._times.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = state["best"]
        self._times.set_state(state["times"])

    def check_monitor(self, available: Collection[str], has_validation: bool = True) -> None:
        if self.save_best_only:
            super().check_monitor(available, has_validation)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Makes the directory, so that a place that cannot be written is known before training."""
        folder = self.checkpointer.directory
        if self.is_primary_host():
            folder.mkdir(parents=True, exist_ok=True)
            step_directories.remove_unfinished(folder)
            if not os.access(folder, os.W_OK):
                raise PermissionError(
                    f"{type(self).__name__}: the folder '{folder}' is not writable."
                )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch = epoch
        if self._times.counts_batches:
            self._steps_before_epoch = self.model.training_progress["steps"]

    def _after_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._times.is_due_after(batch):
            self._save_if_better(self._steps_before_epoch + batch + 1, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._times.counts_batches:
            self._save_if_better(epoch, None, logs or {})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Waits for the last checkpoint."""
        super().on_train_end(logs)
        self.wait_until_finished()

    def wait_until_finished(self) -> None:
        """Waits until the last checkpoint stands.

        Raises:
            SaveError: it could not be written.
        """
        self.checkpointer.wait()

    def is_multihost_enabled(self) -> bool:
        """Whether there are several processes, each of which writes its part."""
        return jax.process_count() > 1

    def is_primary_host(self) -> bool:
        """Whether this is the process that writes what is beside the arrays."""
        return jax.process_index() == 0

    def _save_if_better(self, step: int, batch: int | None, logs: dict[str, Any]) -> None:
        if self.save_best_only:
            current = self._value_in(logs)
            if current is None or not self._is_improvement(current, self.best):
                return
            self.best = current
        self._save_checkpoint(step, logs, batch)

    def _save_checkpoint(
        self, step: int, logs: dict[str, Any] | None = None, batch: int | None = None
    ) -> None:
        position = {"epoch": self._current_epoch, "batch": batch, "logs": _as_plain(logs or {})}
        self.checkpointer.save(self.model, step, position)
        if self.verbose > 0:
            place = self.checkpointer.directory / str(step)
            messages.write(f"\nEpoch {self._current_epoch + 1}: saving checkpoint to {place}")


def _as_plain(logs: dict[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(value).tolist() for name, value in logs.items()}
