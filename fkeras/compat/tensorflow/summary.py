"""`tf.summary`: scalars, images, sounds, histograms and texts for TensorBoard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from fkeras.callbacks.event_files import EventFile
from fkeras.compat.tensorflow.calls import is_traced, known
from fkeras.compat.tensorflow.image_colors import convert_image_dtype
from fkeras.compat.tensorflow.image_files import encode_png
from fkeras.compat.tensorflow.notes import without_effect
from fkeras.compat.tensorflow.signal import encode_wav
from fkeras.compat.tensorflow.strings import to_text
from fkeras.core.scoped import Scoped
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, TensorLike


class SummaryWriter:
    """Writes what `tf.summary.scalar` and its kin are given to a folder.

    Args:
        logdir: the folder.
    """

    def __init__(self, logdir: str | os.PathLike[str]) -> None:
        self.file = EventFile(logdir)

    @contextmanager
    def as_default(self, step: int | None = None) -> Iterator[SummaryWriter]:
        """Context manager: what is summed up inside is written here; `step` counts where none is
        given.
        """
        with _writer.inside(self), _step.inside(_step.value if step is None else int(step)):
            yield self

    def set_as_default(self, step: int | None = None) -> None:
        """From now on, what is summed up on this thread is written here."""
        _writer.value = self
        if step is not None:
            _step.value = int(step)

    def flush(self) -> None:
        """Does nothing: what was written can be read at once."""

    def close(self) -> None:
        """Closes the file."""
        self.file.close()


_writer: Scoped[SummaryWriter | None] = Scoped(None)
_step: Scoped[int | None] = Scoped(None)


def create_file_writer(
    logdir: Any,
    max_queue: int | None = None,
    flush_millis: int | None = None,
    filename_suffix: str | None = None,
    name: str | None = None,
) -> SummaryWriter:
    """A writer of summaries to a folder."""
    return SummaryWriter(to_text(logdir) if not isinstance(logdir, os.PathLike) else logdir)


def _target(what: str, data: Any, step: Any) -> tuple[EventFile, int] | None:
    """Where to write and the step; None where no writer is open."""
    if _writer.value is None:
        return None
    if is_traced(data):
        raise UserInputError(
            f"{what}: the value is known only when the compiled step runs. Write it in a callback, "
            "from the logs of an epoch, or return it from `train_step`."
        )
    step = _step.value if step is None else step
    if step is None:
        raise UserInputError(
            f"{what}: no step. Pass `step=`, or call `tf.summary.experimental.set_step`."
        )
    return _writer.value.file, int(step)


def scalar(
    name: str, data: TensorLike, step: int | None = None, description: str | None = None
) -> bool:
    """Writes a number; False where no writer is open."""
    target = _target("tf.summary.scalar", data, step)
    if target is not None:
        target[0].write_scalars({name: float(known(data, "tf.summary.scalar"))}, target[1])
    return target is not None


def histogram(
    name: str,
    data: TensorLike,
    step: int | None = None,
    buckets: int | None = None,
    description: str | None = None,
) -> bool:
    """Writes how values are distributed; False where no writer is open."""
    target = _target("tf.summary.histogram", data, step)
    if target is not None:
        values = known(data, "tf.summary.histogram")
        target[0].write_histogram(name, values, target[1], 30 if buckets is None else buckets)
    return target is not None


def image(
    name: str,
    data: ArrayLike,
    step: int | None = None,
    max_outputs: int = 3,
    description: str | None = None,
) -> bool:
    """Writes the first `max_outputs` of images (images, height, width, channels), floats in [0, 1]
    or uint8; False where no writer is open.
    """
    target = _target("tf.summary.image", data, step)
    if target is not None:
        pictures = convert_image_dtype(known(data, "tf.summary.image"), "uint8", saturate=True)
        encoded = [encode_png(picture).numpy() for picture in pictures[:max_outputs]]
        target[0].write_images(name, encoded, pictures.shape[1:], target[1])
    return target is not None


def audio(
    name: str,
    data: ArrayLike,
    sample_rate: int,
    step: int | None = None,
    max_outputs: int = 3,
    encoding: str | None = None,
    description: str | None = None,
) -> bool:
    """Writes the first `max_outputs` of sounds (sounds, samples, channels), floats in [-1, 1];
    False where no writer is open.
    """
    target = _target("tf.summary.audio", data, step)
    if target is not None:
        sounds = known(data, "tf.summary.audio")
        encoded = [encode_wav(sound, sample_rate).numpy() for sound in sounds[:max_outputs]]
        target[0].write_sounds(name, encoded, float(sample_rate), sounds.shape[2], target[1])
    return target is not None


def text(
    name: str, data: ArrayLike, step: int | None = None, description: str | None = None
) -> bool:
    """Writes texts; False where no writer is open."""
    target = _target("tf.summary.text", data, step)
    if target is not None:
        texts = np.ravel(known(data, "tf.summary.text")).tolist()
        target[0].write_texts(name, texts, target[1])
    return target is not None


def set_step(step: int) -> None:
    """From now on, the step of what is summed up on this thread without one."""
    _step.value = int(step)


def record_if(condition: Any) -> AbstractContextManager[Any]:
    """Context manager: where the condition is false, nothing inside is written."""
    value = condition() if callable(condition) else condition
    return _writer.inside(_writer.value if value else None)


def create_noop_writer() -> SummaryWriter:
    """A writer that writes nothing."""
    return _NoWriter()


class _NoWriter(SummaryWriter):
    def __init__(self) -> None:
        pass

    @contextmanager
    def as_default(self, step: int | None = None) -> Iterator[SummaryWriter]:
        with _writer.inside(None):
            yield self

    def set_as_default(self, step: int | None = None) -> None:
        _writer.value = None

    def close(self) -> None:
        pass


_USE_JAX = "use `jax.profiler`, or `keras.callbacks.TensorBoard(profile_batch=...)`."
NAMES: dict[str, Any] = {
    "audio": audio,
    "SummaryWriter": SummaryWriter,
    "create_file_writer": create_file_writer,
    "create_noop_writer": create_noop_writer,
    "flush": without_effect("tf.summary.flush"),
    "histogram": histogram,
    "image": image,
    "record_if": record_if,
    "scalar": scalar,
    "should_record_summaries": lambda: _writer.value is not None,
    "text": text,
    "trace_export": without_effect("tf.summary.trace_export", _USE_JAX),
    "trace_off": without_effect("tf.summary.trace_off"),
    "trace_on": without_effect("tf.summary.trace_on", _USE_JAX),
}
EXPERIMENTAL: dict[str, Any] = {"get_step": lambda: _step.value, "set_step": set_step}
