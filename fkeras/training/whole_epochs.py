"""`WholeEpochs`: the plan of `fit` for epochs that are less than a device call."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.training import device_batches
from fkeras.training.logs import as_number
from fkeras.training.loop import Call
from fkeras.training.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fkeras.callbacks import CallbackList
    from fkeras.data import ArraySource
    from fkeras.training.fit_options import FitOptions
    from fkeras.training.trainable import Logs
    from fkeras.training.training_steps import TrainingSteps

    EndEpoch = Callable[[int, Logs, Callable[[], Logs]], Logs]


class WholeEpochs:
    """Some epochs in each device call: one, or several where all callbacks can wait.

    Args:
        steps: make the device calls.
        source, validation: arrays; None for no validation.
        callbacks: the callbacks.
        options: what `fit` was asked for.
        epochs_a_call: (of the first call, of any call at most).
        end_epoch: function (epoch, logs, function that gives the validation's logs) -> all logs.
    """

    def __init__(
        self,
        steps: TrainingSteps,
        source: ArraySource,
        validation: ArraySource | None,
        callbacks: CallbackList,
        options: FitOptions,
        epochs_a_call: tuple[int, int],
        end_epoch: EndEpoch,
    ) -> None:
        self.steps = steps
        self.source = source
        self.validation = validation
        self.callbacks = callbacks
        self.options = options
        self.end_epoch = end_epoch
        first, self._most = epochs_a_call
        # The results of a call are wanted before the next one is made: none runs ahead.
        self._pace = Pace(first, self._most, in_flight=0)
        self._are_waiting = False

    def calls(self, before_each: Callable[[], None]) -> Iterator[Call]:
        """The plan: calls that are numbered by their epochs.

        Args:
            before_each: called before each call.
        """
        epoch, stop = self.options.initial_epoch, self.options.epochs
        while epoch < stop:
            before_each()
            self._are_waiting = self.options.after_epoch is None and self.callbacks.can_wait()
            count = min(self._pace.steps if self._are_waiting else 1, stop - epoch)
            run = functools.partial(self.run, count, again=epoch + count < stop)
            yield Call(epoch, epoch + count - 1, run, self._pace)
            epoch += count

    # -- hooks -----------------------------------------------------------------

    def before(self, epoch: int) -> None:
        """The hooks before a call, where they are not called afterwards."""
        if not self._are_waiting:
            self._begin_epoch(epoch)

    def after(self, last: int, result: tuple[int, Logs, Logs]) -> Logs:
        """The hooks of all epochs of a call. Returns the logs of the last."""
        count, *device_logs = result
        logs, test_logs = jax.device_get(device_logs)
        epoch_logs: Logs = {}
        for i in range(count):
            epoch = last + 1 - count + i
            if self._are_waiting:
                self._begin_epoch(epoch)
            epoch_logs = _logs_of_epoch(logs, i)
            self.callbacks.on_train_batch_end(self.source.steps - 1, epoch_logs)
            tested = functools.partial(self._call_test_hooks, _logs_of_epoch(test_logs, i))
            epoch_logs = self.end_epoch(epoch, epoch_logs, tested)
        return epoch_logs

    def _begin_epoch(self, epoch):
        self.callbacks.on_epoch_begin(epoch)
        self.callbacks.on_train_batch_begin(0)

    def _call_test_hooks(self, logs):
        callbacks = self.callbacks
        callbacks.on_test_begin()
        callbacks.on_test_batch_begin(0)
        callbacks.on_test_batch_end(self.validation.steps - 1, logs)
        callbacks.on_test_end(logs)
        return logs

    # -- the device call -------------------------------------------------------

    def run(self, count: int, again: bool) -> tuple[int, Logs, Logs]:
        """The device call of `count` epochs: (count, logs, logs of validation), each with one entry
        an epoch, of which the first `count` hold.
        """
        source, validation = self.source, self.validation
        progress, executables = self.steps.progress, self.steps.executables
        distribution = executables.distribution
        logs, test_logs = self.steps.epochs(
            source.steps,
            count,
            executables.fresh_metrics(),
            device_batches.placed(source, again, distribution),
            self._orders(count),
            None if validation is None else device_batches.placed(validation, again, distribution),
            np.int32(count),
            _full_batches(source),
            _full_batches(validation),
            np.int32(1),
            (
                self._most,
                device_batches.batching_of(source),
                device_batches.batching_of(validation),
            ),
        )
        progress.epochs += count
        return count, logs, test_logs

    def _orders(self, count):
        """The permutations of the next epochs, below each other, with room for the most that a call
        takes.
        """
        source, progress = self.source, self.steps.progress
        if not source.shuffle:
            return None
        orders = np.zeros((self._most, source.num_samples), np.int32)
        for i in range(count):
            orders[i] = source.order(self.options.order_seed, progress.epochs + i)
        return orders


def _full_batches(source: ArraySource | None) -> np.int32:
    return np.int32(0 if source is None else source.num_samples // source.batch_size)


def _logs_of_epoch(logs: dict[str, Any], index: int) -> Logs:
    return {name: as_number(value[index]) for name, value in logs.items()}
