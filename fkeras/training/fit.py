"""`Fit`: one call of `fit`. It sees executables, sources of batches and callbacks, and computes
nothing.

An epoch takes the widest of three forms, which give the same numbers: whole epochs with their
validation in one device call, many steps in one call, or step by step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fkeras.training import device_batches, interrupts
from fkeras.training.epoch_batches import EpochBatches
from fkeras.training.evaluate import evaluate
from fkeras.training.logs import Logs, to_python
from fkeras.training.loop import (
    Call,
    PassOptions,
    drive,
    full_batches_in_fused_calls,
    fused_steps,
    single_steps,
)
from fkeras.training.pace import Pace
from fkeras.training.snapshots import Snapshots
from fkeras.training.training_steps import TrainingSteps
from fkeras.training.whole_epochs import WholeEpochs

if TYPE_CHECKING:
    from fkeras.callbacks import CallbackList
    from fkeras.data import Source
    from fkeras.training.backups import Backups, Point
    from fkeras.training.executables import Executables
    from fkeras.training.fit_options import FitOptions
    from fkeras.training.progress import Progress

_FIRST_STEPS, _MOST_STEPS = 32, 4096  # of a fused call


class Fit:
    """One call of `fit`.

    Args:
        executables: the compiled steps.
        source: where batches come from.
        callbacks: the callbacks.
        progress: the model's lifetime counts; updated as steps and epochs pass.
        options: what `fit` was asked for.
        validation: source of validation batches, or None.
        check_interrupts: raises where Ctrl-C was pressed; asked between device calls.
        backups: of this training, where a callback wants them; None for none.
    """

    def __init__(
        self,
        executables: Executables,
        source: Source,
        callbacks: CallbackList,
        progress: Progress,
        options: FitOptions,
        *,
        validation: Source | None = None,
        check_interrupts: Callable[[], None] = lambda: None,
        backups: Backups | None = None,
    ) -> None:
        executables.warn_of_small_batches(source)
        self.executables = executables
        self.source = source
        self.callbacks = callbacks
        self.progress = progress
        self.options = options
        self.validation = validation
        self.check_interrupts = check_interrupts
        self.backups = backups
        # Asked when a device call and its hooks are done, where there is something to save.
        self._check_call = check_interrupts if backups is None else self._check_signals
        self.steps = TrainingSteps(executables, progress, options.key)
        self.loan = self.steps.loan
        self._snapshots = Snapshots(self.loan, progress)
        self._batches = EpochBatches(source, options, progress, executables.distribution)
        self._stop_epoch = options.epochs
        self._fuses: bool | None = None  # not asked yet
        self._fused_pace: Pace | None = None
        self._registered_batching: set[tuple] = set()
        self._is_first_epoch = True
        self._resumed_from: Point | None = None  # within its first epoch
        # Whole passes over arrays, which may be shuffled and need not be watched for their end.
        self._takes_arrays = source.in_memory and options.steps_per_epoch in (None, source.steps)

    # -- the whole -------------------------------------------------------------

    def run(self) -> None:
        """Trains. The model's Variables hold the last finished call's values however this ends."""
        self._snapshots.store(self.loan.take_over())
        interrupts.spare(self.loan.is_consumed)
        try:
            self.callbacks.on_train_begin()
            logs = self._train()
            self.loan.write_back()
            self.options.finish()
            self.callbacks.on_train_end(logs)
        except BaseException as error:
            self._snapshots.recover(error)
            raise
        finally:
            self.loan.finish()

    def _train(self):
        """The epochs. Returns the logs of the last one."""
        epoch, logs = self.options.initial_epoch, {}
        if self.backups is not None:
            point = self.backups.begin(self.loan, self._batches)
            self._is_first_epoch, logs = point.is_new, point.logs
            if point.in_epoch:
                self._resumed_from = point
                logs = self._run_epochs(epoch, epoch + 1)
                epoch += 1
            if point.is_stopped or (point.in_epoch and self.options.should_stop()):
                return logs
        if epoch >= self.options.epochs:
            return logs
        whole_epochs = self.plan_whole_epochs(epoch)
        if whole_epochs is None:
            return self._run_epochs(epoch, self.options.epochs) or logs
        return self._run_whole(whole_epochs) or logs

    def _run_whole(self, whole_epochs):
        def before_each():
            self._snapshots.store_if_due()
            self._register_shapes()

        logs = self._drive(whole_epochs.calls(before_each), whole_epochs.before, whole_epochs.after)
        return logs or {}

    def _run_epochs(self, epoch, stop):
        logs = {}
        while epoch < min(stop, self._stop_epoch):
            self._snapshots.store_if_due()
            epoch_logs = self._run_epoch(epoch)
            if epoch_logs is None:  # the input ran out
                break
            epoch, logs = epoch + 1, epoch_logs
            if self.options.should_stop():
                break
        return logs

    def _drive(
        self,
        calls: Iterator[Call],
        before: Callable[[int], Any],
        after: Callable[[int, Any], Any],
    ) -> Any:
        return drive(
            calls,
            before=before,
            after=after,
            check_interrupts=self._check_call,
            should_stop=self.options.should_stop,
        )

    def _check_signals(self):
        self.check_interrupts()
        self.backups.check()

    # -- which form an epoch takes ---------------------------------------------

    def fuses(self) -> bool:
        """Whether many steps are one call: no callback may want to look between them."""
        if self._fuses is None:
            options = self.options
            hooks = self.callbacks.needs_batch_hooks("train")
            watched = hooks and options.steps_of_call is None
            self._fuses = options.fuse and not watched and self._may_fuse("train", self.source)
        return self._fuses

    def _may_fuse(self, kind, source):
        values, counter = self.loan.values_to_donate(), self.progress.counter()
        arguments = (values, counter, self.options.key)
        if kind == "test":
            arguments = (values[:2], values[3], self.options.key, counter)
        return self.executables.may_fuse(kind, source, *arguments, times=self.options.num_epochs)

    def plan_whole_epochs(self, first: int | None = None) -> WholeEpochs | None:
        """The plan of whole epochs, or None where they are too long or looked into.

        Args:
            first: the epoch to begin with; None for that of the options.
        """
        if self.options.steps_of_call or not self._takes_arrays or not self.fuses():
            return None
        if self.backups is not None and self.backups.counts_batches:
            return None
        if self.validation is not None and not self._fuses_validation():
            return None
        epochs_a_call = self.executables.epochs_a_call(self.source, self.validation)
        if not epochs_a_call[0]:
            return None
        return WholeEpochs(
            self.steps,
            self.source,
            self.validation,
            self.callbacks,
            self.options
            if first is None
            else dataclasses.replace(self.options, initial_epoch=first),
            epochs_a_call,
            self._end_epoch,
        )

    def _fuses_validation(self):
        options, validation = self.options, self.validation
        return (
            options.validation_freq == 1
            and options.validation_steps in (None, validation.steps)
            and not self.callbacks.needs_batch_hooks("test")
            and not self.callbacks.surrounds_tests()
            and self._may_fuse("test", validation)
        )

    # -- an epoch in steps -----------------------------------------------------

    def _run_epoch(self, epoch: int) -> dict[str, Any] | None:
        """Logs of one epoch; None where there was no batch at all."""
        resumed, self._resumed_from = self._resumed_from, None
        if resumed is None:
            self.steps.reset_metrics(self._is_first_epoch)
            self._is_first_epoch = False
        self.callbacks.on_epoch_begin(epoch)
        if self.backups is not None:
            self.backups.begin_epoch(epoch)
        try:
            logs = self._train_epoch(epoch, resumed)
        finally:
            self.progress.epochs += 1
        if logs is None:
            return None
        return self._end_epoch(epoch, to_python(logs), self._validate)

    def _train_epoch(self, epoch, resumed):
        """Logs of all batches that are left of an epoch; None where there was none at all."""
        if resumed is None:
            first, earlier = 0, None
        elif resumed.is_trained:
            return resumed.logs
        else:
            first, earlier = resumed.batch, resumed.logs
        if self._takes_arrays:
            logs = self._drive_steps(self._calls_over_arrays(first))
        else:
            logs = self._run_batches(epoch, first)
        return earlier if logs is None else logs

    def _drive_steps(self, calls):
        return self._drive(calls, self.callbacks.on_train_batch_begin, self._call_batch_end_hooks)

    def _call_batch_end_hooks(self, batch, logs):
        logs = Logs(logs) if isinstance(logs, dict) else logs
        self.callbacks.on_train_batch_end(batch, logs)
        if self.backups is not None:
            self.backups.after_batches(logs)
        return logs

    def _calls_over_arrays(self, first: int = 0) -> Iterator[Call]:
        """The plan of one pass over arrays: fused calls as far as they go, then single steps.

        Args:
            first: the batch to begin with.
        """
        source, options = self.source, self.options
        order = source.order(options.order_seed, self.progress.epochs)
        self._register_shapes()
        fused = 0
        if source.num_samples >= source.batch_size and self.fuses():
            fused = full_batches_in_fused_calls(
                source.num_samples, source.batch_size, options.steps_of_call
            )
            distribution = self.executables.distribution
            data = device_batches.placed(source, True, distribution)
            permutation = device_batches.permutation(order, distribution)
            run = self.steps.many(data, permutation, source.batch_size)
            yield from fused_steps(
                run,
                fused,
                self._pace_of_fused_calls(),
                options.steps_of_call,
                first=first,
                most=self._batches_until_backup,
            )
        first = max(first, fused)
        yield from single_steps(
            device_batches.batches_of(source, order, first),
            self.steps.one,
            group=options.steps_per_execution,
            first=first,
            check_interrupts=self.check_interrupts,
        )

    def _pace_of_fused_calls(self):
        if self._fused_pace is None:  # what it has learnt serves all epochs
            if self.options.steps_of_call:
                self._fused_pace = Pace(self.options.steps_of_call)
            else:
                estimate = int(self.executables.steps_a_call("train", self.source))
                self._fused_pace = Pace(max(1, min(_FIRST_STEPS, estimate)), _MOST_STEPS)
        return self._fused_pace

    def _batches_until_backup(self):
        return None if self.backups is None else self.backups.batches_until_due()

    def _run_batches(self, epoch, first=0):
        """Logs of an epoch over a stream, or over arrays whose passes `steps_per_epoch` cuts."""
        logs, taken = self._drive_batches(epoch, first)
        if taken == 0 and self._batches.restart():  # the last epoch ended with the pass
            logs, taken = self._drive_batches(epoch)
        if taken and self.options.should_stop():
            return logs
        if self._batches.ran_out(epoch, taken):
            self._stop_epoch = epoch + 1
        return logs

    def _drive_batches(self, epoch, first=0):
        before = self.progress.steps - first
        with self._batches.opened(epoch) as batches:
            if self.backups is not None and self.options.steps_per_execution == 1:
                batches = self.backups.while_waiting_for(batches)
            calls = single_steps(
                batches,
                self._step_of_any_shape,
                group=self.options.steps_per_execution,
                first=first,
                limit=self._batches.limit,
                check_interrupts=self.check_interrupts,
            )
            logs = self._drive_steps(calls)
        taken = self.progress.steps - before
        self._batches.end_epoch(taken)
        return logs, taken

    # -- shapes of batches -----------------------------------------------------

    def _step_of_any_shape(self, index, batch):
        """A step on a batch of a stream, which may have another shape than those before."""
        earlier = self.executables.register_shapes("train", batch)
        if not earlier:
            return self.steps.one(index, batch)
        if self.options.compile_watch is not None:
            self.options.compile_watch.on_new_shapes("train", earlier)
        try:
            return self.steps.one(index, batch)
        except (ValueError, TypeError) as error:
            error.add_note(
                "fkeras: this came with another shape than the batches before, at step "
                f"{self.progress.steps + 1} of the model's life."
            )
            raise

    def _register_shapes(self):
        """Tells of the batches that arrays give, where that has not been done yet."""
        batching = device_batches.batching_of(self.source)
        if batching in self._registered_batching:
            return
        self._registered_batching.add(batching)
        for size in batching:
            if 0 < size <= self.source.num_samples:
                batch = device_batches.batch_shapes(self.source, size)
                earlier = self.executables.register_shapes("train", batch)
                if self.options.compile_watch is not None:
                    self.options.compile_watch.on_new_shapes("train", earlier or ())

    # -- the end of an epoch ---------------------------------------------------

    def _end_epoch(
        self, epoch: int, logs: dict[str, Any], validate: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Validation and the hooks; returns all logs of the epoch."""
        if self.options.after_epoch is not None:
            self.options.after_epoch()
        if self.validation is not None and self.options.is_validation_epoch(epoch):
            logs.update({f"val_{name}": value for name, value in validate().items()})
        self.callbacks.on_epoch_end(epoch, logs)
        if self.backups is not None:
            self.backups.after_epoch(epoch, logs)
        return logs

    def _validate(self):
        if self.backups is not None:
            self.backups.before_validation()
        return evaluate(
            self.executables,
            self.validation,
            lambda: self.loan.values_to_donate()[:2],
            self._validation_options(),
            key=self.options.key,
            callbacks=self.callbacks,
            check_interrupts=self._check_call,
            keep_state=self._keep_state,
        )

    def _keep_state(self, non_trainable):
        trainable, before, *others = self.loan.values_to_donate()
        if any(new is not old for new, old in zip(non_trainable, before)):
            self.loan.exchange((trainable, non_trainable, *others))

    def _validation_options(self):
        return PassOptions(
            steps=self.options.validation_steps,
            steps_per_execution=self.options.steps_per_execution,
            fuse=self.options.fuse,
            again=True,
        )
