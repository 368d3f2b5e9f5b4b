"""`TensorBoard`: the course of training for TensorBoard's curves."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fkeras.callbacks.callback import Callback
from fkeras.callbacks.event_files import EventFile
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.types import PathLike


_FORMER = ("batch_size", "write_grads", "embeddings_layer_names", "embeddings_data")


def _drop_former(former: dict[str, Any]) -> None:
    """Lets go of arguments of older Keras, with one warning."""
    unknown = sorted(former.keys() - set(_FORMER))
    if unknown:
        raise UserTypeError(f"TensorBoard got an unexpected argument {unknown[0]!r}.")
    if former:
        warn_user(f"TensorBoard: {', '.join(former)} of older Keras have no effect.")


class TensorBoard(Callback):
    """Writes losses, metrics and the learning rate for TensorBoard: `tensorboard --logdir logs`.

    Curves are named as Keras names them: `epoch_loss` under `train` and `validation`, and
    `evaluation_loss_vs_iterations` of `evaluate`.

    Args:
        log_dir: folder of the logs.
        histogram_freq, embeddings_freq, write_images, profile_batch, embeddings_metadata: what
            else Keras can write. Only numbers are written in this release; asking for more is a
            warning.
        write_graph: taken and without effect: there is no graph of TensorFlow's.
        write_steps_per_second: whether the speed is written, as `epoch_steps_per_second`.
        update_freq: 'epoch'; 'batch' or a number of batches for curves over batches as well.

    Examples:
        >>> import fkeras, numpy as np, os
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> board = fkeras.callbacks.TensorBoard("logs")
        >>> history = model.fit(np.ones((4, 3)), np.ones((4, 1)), callbacks=[board], verbose=0)
        >>> os.listdir("logs")
        ['train']
    """

    reads_logs_only = True

    def __init__(
        self,
        log_dir: PathLike = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Literal["epoch", "batch"] | int = "epoch",
        profile_batch: int | str | tuple[int, int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
        **former: Any,
    ) -> None:
        super().__init__()
        _drop_former(former)
        self.log_dir = os.fspath(log_dir)
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        is_count = isinstance(self.update_freq, int) and self.update_freq >= 1
        if update_freq != "epoch" and not is_count:
            raise UserInputError(
                "TensorBoard: `update_freq` must be 'epoch', 'batch' or a number of batches of 1 "
                f"or more. Received: {update_freq!r}"
            )
        asked = {
            "histogram_freq": histogram_freq,
            "write_images": write_images,
            "profile_batch": profile_batch,
            "embeddings_freq": embeddings_freq,
        }
        without_effect = [name for name, value in asked.items() if value]
        if without_effect:
            warn_user(
                f"TensorBoard: {', '.join(without_effect)} without effect: losses, metrics and "
                "learning rates are written in this release, and nothing else."
            )
        self._files: dict[str, EventFile] = {}
        self._is_training = False
        if is_count:
            # Of this object alone: whoever writes by epochs lets `fit` run freely.
            self.reads_logs_only = False  # every batch counts, not the last of a device call alone
            self.on_train_batch_end = self._after_batch

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._is_training = True
        self._last_written = self._steps()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.write_steps_per_second:
            self._epoch_begin = (time.perf_counter(), self._steps())

    def _after_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        step = self._steps()
        if step - self._last_written >= self.update_freq:
            self._last_written = step
            self._write("train", "batch_", dict(logs or {}), step)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = dict(logs or {})
        validation = {
            name.removeprefix("val_"): logs.pop(name) for name in list(logs) if name[:4] == "val_"
        }
        rate = getattr(getattr(self.model, "optimizer", None), "learning_rate", None)
        if rate is not None:
            logs.setdefault("learning_rate", rate)
        if self.write_steps_per_second:
            begin, steps = self._epoch_begin
            logs["steps_per_second"] = (self._steps() - steps) / (time.perf_counter() - begin)
        self._write("train", "epoch_", logs, epoch)
        self._write("validation", "epoch_", validation, epoch)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._is_training:
            return  # the epoch's end writes them
        values = {f"evaluation_{name}_vs_iterations": v for name, v in (logs or {}).items()}
        self._write("validation", "", values, self._steps())

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._is_training = False
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _steps(self) -> int:
        """The training steps in the life of the model."""
        return self.model.training_progress["steps"]

    def _write(self, folder: str, prefix: str, logs: dict[str, Any], step: int) -> None:
        numbers = {
            f"{prefix}{name}": float(np.reshape(np.asarray(value), ()))
            for name, value in logs.items()
            if np.size(np.asarray(value)) == 1
        }
        if not numbers:
            return
        if folder not in self._files:
            self._files[folder] = EventFile(os.path.join(self.log_dir, folder))
        self._files[folder].write_scalars(numbers, step)
        if not self._is_training:
            self._files.pop(folder).close()
