"""`TrainingSteps`: training steps on values that the loop holds, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core.freed_memory import give_back
from fkeras.training.loan import Loan

if TYPE_CHECKING:
    from collections.abc import Callable

    import jax

    from fkeras.training.executables import Executables
    from fkeras.training.progress import Progress
    from fkeras.training.trainable import Logs


class TrainingSteps:
    """The device calls of training: each consumes the values that the last one left. Other threads
    that read the model's Variables meanwhile wait for it to be handed over, not for its results.

    Args:
        executables: the compiled steps.
        progress: the model's lifetime counts; they go on with each call.
        key: the model's key.

    Attributes:
        loan: holds the values between the calls.
    """

    def __init__(self, executables: Executables, progress: Progress, key: jax.Array) -> None:
        self.executables = executables
        self.progress = progress
        self.key = key
        self.loan = Loan(executables.groups.groups())
        self._called: set[str] = set()

    def one(self, index: int, batch: Any) -> Logs:
        """One step."""
        with self.loan.lock:
            values, counter, logs = self.executables.train_one(
                self.loan.values_to_donate(), self.progress.counter(), self.key, batch
            )
            self._accept(values, counter, 1, "one")
        return logs

    def many(self, data: Any, order: jax.Array | None, size: int) -> Callable[[int, int], Logs]:
        """Fused steps over data on the device, as `loop.fused_steps` takes them.

        Args:
            data: arrays. order: permutation of their rows, or None. size: rows of a batch.
        """

        def run(first: int, count: int) -> Logs:
            with self.loan.lock:
                values, counter, logs = self.executables.train_many(
                    self.loan.values_to_donate(),
                    self.progress.counter(),
                    self.key,
                    data,
                    order,
                    np.int32(first * size),
                    np.int32(count),
                    size,
                )
                self._accept(values, counter, count, "many")
            return logs

        return run

    def epochs(self, steps: int, count: int, *arguments: Any) -> tuple[Logs, Logs]:
        """Whole epochs in one call: their logs and those of their validation.

        Args:
            steps: of an epoch. count: of epochs.
            *arguments: those of `fused_loops.epochs` from `fresh` on.
        """
        with self.loan.lock:
            values, counter, logs, test_logs = self.executables.train_epochs(
                self.loan.values_to_donate(), self.progress.counter(), self.key, *arguments
            )
            self._accept(values, counter, count * steps, "epochs")
        return logs, test_logs

    def reset_metrics(self, is_first: bool) -> None:
        """Fresh metric values for an epoch; the first one of a `fit` starts them from nothing."""
        with self.loan.lock:
            values = self.loan.values_to_donate()
            fresh = self.executables.fresh_metrics(None if is_first else values[3])
            self.loan.values = (*values[:3], fresh)

    def _accept(self, values, counter, count, form):
        self.loan.values = values
        self.progress.advance(count, counter)
        if form not in self._called:
            self._called.add(form)
            if self.loan.is_large():
                give_back()  # what the compilation has freed
