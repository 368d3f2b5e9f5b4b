"""`ProgbarLogger`: the progress of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import Any

from fkeras.callbacks.callback import Callback
from fkeras.callbacks.progbar import Progbar
from fkeras.core import messages


class ProgbarLogger(Callback):
    """Prints progress and results. `fit`, `evaluate` and `predict` add one by themselves unless
    `verbose=0`.

    Values are fetched from the device only when they are printed.
    """

    reads_logs_only = True

    def __init__(self, count_mode: str = "steps") -> None:
        super().__init__()
        self.count_mode = count_mode  # of older Keras; batches are counted
        self.seen = 0
        self.progbar = None
        self.target = None
        self.verbose = 1
        self.epochs = 1
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = messages.auto_verbosity() if verbose == "auto" else int(verbose)
        if not messages.prints_here():
            self.verbose = 0
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._in_fit = True  # validation is silent

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._start()
        if self.epochs > 1:
            self.progbar.announce(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._update(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self._in_fit:
            self._start()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._in_fit:
            self._update(batch, logs)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._start()

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._update(batch, None)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._finish(None)

    def _start(self):
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())

    def _update(self, batch: int, logs: dict[str, Any] | None):
        if self.progbar is None:
            self._start()
        self.seen = batch + 1
        if self.progbar.is_due():
            self.progbar.update(self.seen, sorted((logs or {}).items()), finalize=False)
        else:
            self.progbar.skip(self.seen)

    def _finish(self, logs: dict[str, Any] | None):
        if self.progbar is None:
            return
        if self.target is None:
            self.target = self.progbar.target = self.seen
        self.progbar.update(self.seen or self.target, list((logs or {}).items()), finalize=True)
