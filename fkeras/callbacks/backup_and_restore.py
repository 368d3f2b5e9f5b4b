"""`BackupAndRestore`: training that survives the end of its process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fkeras.callbacks.callback import Callback
from fkeras.callbacks.save_times import SaveTimes
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import PathLike


class BackupAndRestore(Callback):
    """Keeps a backup of a running `fit`. A `fit` that finds one goes on from it.

    Run the same script again after it was killed: it ends with the weights and the history, those
    of earlier epochs included, that it would have had without the interruption, bit for bit on the
    same kind of device. A backup holds all that training changes: weights, optimizer, metrics, the
    model's key and counts, the place in the epoch, the state of all callbacks that have a
    `get_state`, and where the data stood. It is written when the hooks of all callbacks have run.

    Arrays and `PyDataset`s go on by index. Iterators with `get_state` and `set_state`, as those of
    Grain have them, are given their state back. Of generators and other iterables, the batches
    that were used already are drawn again and dropped: they must come as before.

    SIGTERM, which clusters send before they end a process, makes a backup after the present device
    call, and the process ends with code 143. A handler that was set for it is called after that.

    Args:
        backup_dir: folder for backups, of this `fit` alone.
        save_freq: 'epoch', a number of batches, or False to save at SIGTERM only. Unless it is
            False, a first backup is made before the first step.
        double_checkpoint: whether the backup before the last one is kept as well, for the case that
            the last one is damaged.
        delete_checkpoint: whether the backups go when training has come to its end, and
            `backup_dir` with them, unless there are other files in it.

    Raises:
        UserInputError: no folder, or another `save_freq`. From `fit`: a backup of another model, of
            other data or other arguments, or one that is damaged.

    Examples:
        >>> import fkeras, numpy as np
        >>> x, y = np.ones((8, 3)), np.ones((8, 1))
        >>> def train(*others, epochs):
        ...     model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
        ...     model.compile("adam", "mse")
        ...     backup = fkeras.callbacks.BackupAndRestore("backup")
        ...     return model.fit(x, y, epochs=epochs, callbacks=[backup, *others], verbose=0)
        >>> class PowerCut(fkeras.callbacks.Callback):
        ...     def on_epoch_begin(self, epoch, logs=None):
        ...         if epoch == 2:
        ...             raise OSError("power cut")
        >>> try:
        ...     train(PowerCut(), epochs=4)
        ... except OSError as error:
        ...     print(error)
        power cut
        >>> history = train(epochs=4)
        >>> history.epoch, len(history.history["loss"])
        ([0, 1, 2, 3], 4)
    """

    reads_logs_only = True

    def __init__(
        self,
        backup_dir: PathLike,
        save_freq: Literal["epoch", False] | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise UserInputError(
                f"Empty `backup_dir` argument passed: backup_dir={backup_dir!r}. Name a folder for "
                "the backups."
            )
        is_count = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if not (save_freq == "epoch" or save_freq is False or is_count):
            raise UserInputError(
                "Invalid value for argument `save_freq`. Expected 'epoch', a number of batches of "
                f"1 or more, or False. Received: save_freq={save_freq!r}"
            )
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._times = SaveTimes(type(self).__name__, save_freq or "epoch")
        self._current_epoch = 0
        self._weights_path = self._training_metadata_path = str(self.path)
        self._prev_weights_path = self._prev_training_metadata_path = str(self.earlier_path)
        self.is_due = False
        if self._times.counts_batches:
            self.on_train_batch_end = self._after_batch

    @property
    def path(self) -> Path:
        """Where the last backup is."""
        return Path(os.path.abspath(self.backup_dir), "latest.backup")

    @property
    def earlier_path(self) -> Path:
        """Where the one before is, with `double_checkpoint`."""
        return self.path.with_name("earlier.backup")

    @property
    def counts_batches(self) -> bool:
        """Whether saves go by batches rather than by epochs."""
        return self._times.counts_batches

    @property
    def _last_batch_seen(self) -> int:
        return self._times.last or 0

    def batches_until_due(self) -> int | None:
        """After how many further batches it is time for a backup; None if that does not go by
        batches.
        """
        return self._times.batches_until_due()

    def get_state(self) -> dict[str, Any]:
        return {"times": self._times.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        self._times.set_state(state["times"])

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.is_due = False
        self._times.begin()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch = epoch

    def _after_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.is_due = self._times.is_due_after(batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._current_epoch = epoch + 1
        self.is_due = self.is_due or self.save_freq == "epoch"
