"""`TensorBoard`: the course of training for TensorBoard's pages."""

from __future__ import annotations

import json
import os
import textwrap
import time
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fkeras.callbacks import layer_graph
from fkeras.callbacks.callback import Callback
from fkeras.callbacks.embedding_projector import EmbeddingProjector
from fkeras.callbacks.event_files import EventFile
from fkeras.callbacks.profiler import Profiler, read_range
from fkeras.callbacks.weight_images import encode_png, to_images
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.types import PathLike


_MOST_IMAGES = 3  # of one weight
_FORMER = ("batch_size", "write_grads", "embeddings_layer_names", "embeddings_data")


def _drop_former(former: dict[str, Any]) -> None:
    """Lets go of arguments of older Keras, with one warning."""
    unknown = sorted(former.keys() - set(_FORMER))
    if unknown:
        raise UserTypeError(f"TensorBoard got an unexpected argument {unknown[0]!r}.")
    if former:
        warn_user(f"TensorBoard: {', '.join(former)} of older Keras have no effect.")


class TensorBoard(Callback):
    """Writes the course of training for TensorBoard: `tensorboard --logdir logs`.

    Curves are named as Keras names them: `epoch_loss` under `train` and `validation`, and
    `evaluation_loss_vs_iterations` of `evaluate`. TensorFlow is not needed.

    Args:
        log_dir: folder of the logs.
        histogram_freq: histograms of all weights each so many epochs; 0: none.
        write_graph: whether the graph of the layers is written, for functional and sequential
            models, and the table of `model.summary()` as text, for all.
        write_images: whether weights are written as pictures too, beside their histograms, from
            black, their least number, to white.
        write_steps_per_second: whether the speed is written, as `epoch_steps_per_second`; with
            `update_freq`, as `batch_steps_per_second` as well.
        update_freq: 'epoch'; 'batch' or a number of batches for curves over batches as well.
        profile_batch: batch to profile, or first and last of several, counted from 1; 0: none. The
            profile is of JAX's profiler; TensorBoard's plugin `xprof` shows it.
        embeddings_freq: tables of the `Embedding` layers for the projector each so many epochs; 0:
            none.
        embeddings_metadata: file of labels of the embeddings' rows, relative to `log_dir`, or dict
            from a layer's name to its file.

    Raises:
        UserInputError: for frequencies and batches that are none.

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
        for name, value in (
            ("histogram_freq", histogram_freq),
            ("embeddings_freq", embeddings_freq),
        ):
            if not isinstance(value, Integral) or value < 0:
                raise UserInputError(
                    f"TensorBoard: `{name}` must be a number of epochs, or 0 for none. Received: "
                    f"{value!r}"
                )
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._batches_to_profile = read_range(profile_batch)
        self._profiler: Profiler | None = None
        self._projector: EmbeddingProjector | None = None
        self._has_written_graph = False
        self._files: dict[str, EventFile] = {}
        self._is_training = False
        # Hooks of this object alone: whoever writes by epochs lets `fit` run freely.
        if is_count or any(self._batches_to_profile):
            self.reads_logs_only = False  # every batch counts, not the last of a device call alone
            self.on_train_batch_end = self._after_batch
        if any(self._batches_to_profile):
            self.on_train_batch_begin = self._before_batch

    def get_state(self) -> dict[str, Any]:
        return {"last_written": self._last_written}

    def set_state(self, state: dict[str, Any]) -> None:
        self._last_written = state["last_written"]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._is_training = True
        self._first_step = self._last_written = self._steps()
        self._last_time = time.perf_counter()
        self._has_written_graph = False
        if self.embeddings_freq:
            self._projector = EmbeddingProjector(self.log_dir, self.embeddings_metadata, self.model)
        if any(self._batches_to_profile):
            folder = os.path.join(self.log_dir, "train")
            self._profiler = Profiler(*self._batches_to_profile, folder)
        self._write_graph_if_built()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.write_steps_per_second:
            self._epoch_begin = (time.perf_counter(), self._steps())

    def _before_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._profiler.before_batch(self._steps() - self._first_step + 1)

    def _after_batch(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        step = self._steps()
        if self._profiler is not None:
            for value in (logs or {}).values():
                np.asarray(value)  # waits for the batch
            self._profiler.after_batch(step - self._first_step)
        if self.update_freq == "epoch" or step - self._last_written < self.update_freq:
            return
        logs = dict(logs or {})
        if self.write_steps_per_second:
            now = time.perf_counter()
            logs["steps_per_second"] = (step - self._last_written) / (now - self._last_time)
            self._last_time = now
        self._last_written = step
        self._write("train", "batch_", logs, step)

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
        self._write_graph_if_built()  # some models are built by their first batch
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self._projector is not None and epoch % self.embeddings_freq == 0:
            self._projector.write()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._is_training:
            return  # the epoch's end writes them
        values = {f"evaluation_{name}_vs_iterations": v for name, v in (logs or {}).items()}
        self._write("validation", "", values, self._steps())

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._is_training = False
        if self._profiler is not None:
            self._profiler.stop()
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
        self._file_of(folder).write_scalars(numbers, step)
        if not self._is_training:
            self._files.pop(folder).close()

    def _file_of(self, folder: str) -> EventFile:
        if folder not in self._files:
            self._files[folder] = EventFile(os.path.join(self.log_dir, folder))
        return self._files[folder]

    def _write_graph_if_built(self) -> None:
        if not self.write_graph or self._has_written_graph or not self.model.built:
            return
        self._has_written_graph = True
        file = self._file_of("train")
        lines: list[str] = []
        self.model.summary(print_fn=lambda line, **_: lines.append(line))
        table = textwrap.indent("\n".join(lines), "    ")  # as code, for Markdown
        file.write_texts("model", [table.encode()], 0)
        try:
            config = self.model.to_json()
        except Exception as error:  # a picture that is missing must not stop a training
            warn_user(f"TensorBoard: there is no graph of a model without config: {error}")
            return
        if "layers" in json.loads(config)["config"]:
            file.write_graph(config, 0)
            file.write_graph_of_run(layer_graph.nodes_of(json.loads(config)))

    def _write_weights(self, epoch: int) -> None:
        file = self._file_of("train")
        for weight in self.model.weights:
            numbers = np.asarray(weight, "float32")
            file.write_histogram(f"{weight.path}/histogram", numbers, epoch)
            images = to_images(numbers) if self.write_images else None
            if images is not None:
                encoded = [encode_png(image) for image in images[:_MOST_IMAGES]]
                file.write_images(f"{weight.path}/image", encoded, images.shape[1:], epoch)
