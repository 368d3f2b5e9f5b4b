"""`Callback`: what runs beside training, and the table of moments at which it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Hook -> its arguments, in the order in which they are passed.
HOOKS: dict[str, tuple[str, ...]] = {
    "on_epoch_begin": ("epoch", "logs"),
    "on_epoch_end": ("epoch", "logs"),
    **{
        f"on_{role}_{moment}": ("logs",)
        for role in ("train", "test", "predict")
        for moment in ("begin", "end")
    },
    **{
        f"on_{role}_batch_{moment}": ("batch", "logs")
        for role in ("train", "test", "predict")
        for moment in ("begin", "end")
    },
    "on_batch_begin": ("batch", "logs"),
    "on_batch_end": ("batch", "logs"),
}


class Callback:
    """Base class to subclass: override the hooks whose moments matter.

    `logs` holds running means since the start of the epoch; what a hook writes into the logs of an
    epoch's end reaches `History`. Training with a hook on batches leaves the device after each
    batch. A class that only reads logs there may set `reads_logs_only`.

    Attributes:
        model: the model being trained. Weights read or set in a hook are those of this very step.
        params: dict with `verbose`, `epochs` and `steps` (None where unknown).
        validation_data: None; in `fit` with arrays to validate on, the list [x, y], of older Keras.
        reads_logs_only: whether the batch hooks look at nothing but `logs`. True lets training run
            many batches in one device call and call the hooks for the last of them only; the logs
            are read from the device when the hook looks at them.
        can_wait: whether the hooks look at nothing but `logs` and may be called a moment late, when
            later epochs have been trained. Counts for the class that sets it, not for its
            subclasses. Where all callbacks can wait, several short epochs are one device call.

    Examples:
        >>> import fkeras
        >>> class Print(fkeras.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, logs["loss"])
        >>> Print().on_epoch_end(0, {"loss": 0.5})
        0 0.5
    """

    reads_logs_only = can_wait = False
    params = validation_data = None
    _model = None

    def __init__(self) -> None:
        self.params = None
        self._model = None

    @property
    def model(self) -> Any:
        """The model being trained, or None."""
        return self._model

    @model.setter
    def model(self, value: Any) -> None:
        self._model = value

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes the dict with `verbose`, `epochs` and `steps`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Takes the model."""
        self._model = model

    def get_state(self) -> dict:
        """What this callback has to remember over a restart: a dict of plain values and arrays."""
        return {}

    def set_state(self, state: dict) -> None:
        """Takes over what `get_state` returned; the training that begins next goes on from it."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Before epoch `epoch`, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """After an epoch and its validation. `logs`: all results by name, those of validation as
        `val_...`.
        """

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """The same as `on_train_batch_begin`, which calls it."""

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """The same as `on_train_batch_end`, which calls it."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before training on batch `batch` of the epoch; with `steps_per_execution` before each
        group of batches.
        """
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After training on batch `batch` of the epoch. `logs`: running means."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before a batch of evaluation or validation."""

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a batch of evaluation or validation. `logs`: running means."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before a batch of prediction."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a batch of prediction. `logs`: `{'outputs': outputs of the batch}`."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """At the start of `fit`."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """At the end of `fit`. `logs`: those of the last epoch."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """At the start of evaluation or validation."""

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """At the end of evaluation or validation. `logs`: the results."""

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """At the start of `predict`."""

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """At the end of `predict`."""


def overridden(callback: Callback, hook: str) -> Callable | None:
    """The hook of a callback where it has one of its own, or None where it is `Callback`'s, which
    does nothing.
    """
    if hook in getattr(callback, "__dict__", ()):
        return getattr(callback, hook)
    if getattr(type(callback), hook, None) is getattr(Callback, hook):
        return None
    return getattr(callback, hook, None)
