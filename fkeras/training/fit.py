"""`Fit`: the loop behind `fit`. It sees executables, sources of batches and callbacks, and computes
nothing.
"""

import contextlib
import functools
import time
import warnings

import jax
import numpy as np

from fkeras.errors import UserInputError
from fkeras.training import device_batches
from fkeras.training.evaluate import evaluate, whole_calls
from fkeras.training.evaluate import warm as evaluate_warm
from fkeras.training.loan import Loan, copy_tree
from fkeras.training.logs import Logs, number, to_python
from fkeras.training.pace import Pace

_FIRST_STEPS, _MOST_STEPS = 32, 4096
_SNAPSHOT_SECONDS = 2.0


class Fit:
    """One call of `fit`.

    An epoch takes the widest of three forms that nobody can tell apart: whole epochs with their
    validation in one device call, many steps in one call, or step by step.

    Args:
        engine: the `Engine`.
        source: where batches come from.
        callbacks: a `CallbackList`.
        progress: dict with the model's lifetime `steps` and `epochs`; updated as they pass.
        key: the model's key. seed: int for the order of samples.
        held_out: source of validation batches, or None. validation_steps: how many of them, None
            for all.
        validation_freq: validate each so many epochs, or in the epochs (from 1) of a list.
        steps_per_execution: what the user asked for. fuse: whether calls of many steps are allowed.
        should_stop: function that tells whether somebody set `stop_training`.
        interrupts: `Interrupts`.
        finish: called after the last epoch. after_epoch: called after each, or None.
        on_new_shapes: function (kind, shapes seen before, batch) that is told of batches of new
            shapes.
    """

    def __init__(
        self,
        engine,
        source,
        callbacks,
        *,
        progress,
        key,
        seed,
        held_out=None,
        validation_steps=None,
        validation_freq=1,
        epochs=1,
        initial_epoch=0,
        steps_per_epoch=None,
        steps_per_execution=1,
        fuse=True,
        should_stop,
        interrupts,
        finish,
        after_epoch=None,
        on_new_shapes=None,
    ):
        self.engine, self.source, self.callbacks, self.progress, self.key, self.seed = (
            engine,
            source,
            callbacks,
            progress,
            key,
            seed,
        )
        self.held_out, self.validation_steps, self.validation_freq = (
            held_out,
            validation_steps,
            validation_freq,
        )
        self.epochs, self.initial_epoch, self.steps_per_epoch = (
            epochs,
            initial_epoch,
            steps_per_epoch,
        )
        self.steps_per_execution, self.fuse, self.should_stop = (
            steps_per_execution,
            fuse,
            should_stop,
        )
        self.interrupts, self.finish, self.after_epoch, self.on_new_shapes = (
            interrupts,
            finish,
            after_epoch,
            on_new_shapes,
        )
        self.loan = Loan(engine.lists.groups())
        self.hooks = callbacks.needs_batch_hooks("train")
        self._fused = self._stream = self._pace = None
        self._noted: set = set()
        self._told = self._trained = False

    # -- the whole -------------------------------------------------------------

    def run(self):
        """Trains. The model's Variables hold the last finished call's values however this ends."""
        callbacks = self.callbacks
        self._keep(self.loan.open())
        try:
            callbacks.on_train_begin()
            epoch, logs = self.initial_epoch, {}
            take = self._whole_epochs if self._may_take_whole_epochs() else self._epoch
            while epoch < self.epochs:
                self._remember()
                count, last = take(epoch)
                if last is None:  # the input ran out
                    break
                epoch, logs = epoch + count, last
                if self.should_stop():
                    break
            self.loan.bring()
            self.finish()
            callbacks.on_train_end(logs)
        except BaseException as error:
            self._recover(error)
            raise
        finally:
            self.loan.close()

    def warm(self):
        """Compiles what `run` calls for arrays like these, and trains nothing."""
        if self.engine.eager:
            return
        self.loan.open()
        try:
            if self._may_take_whole_epochs():
                self._call_epochs(0, again=False)
                return
            source = self.source
            values, sizes = self.loan.ready(), device_batches.sizes(source)
            if self._may_fuse() and source.num_samples >= source.batch_size:
                order = device_batches.permutation(source.order(self.seed, 0))
                values, *_ = self.engine.train_many(
                    copy_tree(values),
                    self._counter(),
                    self.key,
                    device_batches.placed(source, again=True),
                    order,
                    np.int32(0),
                    np.int32(0),
                    source.batch_size,
                )
                sizes = sizes[1:]
            for size in sizes:
                if 0 < size <= source.num_samples:
                    self.engine.train_one(
                        copy_tree(values), self._counter(), self.key, source.batch(slice(0, size))
                    )
            if self.held_out is not None:
                evaluate_warm(
                    self.engine,
                    self.held_out,
                    values[:2],
                    metrics=self.engine.fresh_metrics(),
                    key=self.key,
                    fuse=self.fuse,
                )
        finally:
            self.loan.close()

    def _epoch(self, epoch):
        """One epoch in steps or calls of steps: (1, logs), with None for logs where there was no
        batch at all.
        """
        values = self.loan.ready()
        self.loan.values = (
            *values[:3],
            self.engine.fresh_metrics(values[3] if self._trained else None),
        )
        self._trained = True
        self.callbacks.on_epoch_begin(epoch)
        try:
            last = (
                self._epoch_of_arrays(self.source)
                if self._from_arrays()
                else self._epoch_of_batches(epoch)
            )
        finally:
            self.progress["epochs"] += 1
        if last is None:
            return 1, None
        return 1, self._end_epoch(epoch, to_python(last), self._validate)

    def _end_epoch(self, epoch, logs, validate):
        if self.after_epoch is not None:
            self.after_epoch()
        if self.held_out is not None and validates(self.validation_freq, epoch):
            logs.update({f"val_{k}": v for k, v in validate().items()})
        self.callbacks.on_epoch_end(epoch, logs)
        return logs

    def _validate(self):
        trainable, rest, *others = self.loan.ready()
        logs, rest = evaluate(
            self.engine,
            self.held_out,
            (trainable, rest),
            metrics=self.engine.fresh_metrics(),
            key=self.key,
            callbacks=self.callbacks,
            fuse=self.fuse,
            steps=self.validation_steps,
            steps_per_execution=self.steps_per_execution,
            interrupts=self.interrupts,
            keep=True,
        )
        self.loan.values = (trainable, rest, *others)
        return logs

    def _from_arrays(self):
        source = self.source
        return hasattr(source, "order") and (
            self.steps_per_epoch is None or self.steps_per_epoch == source.steps
        )

    def _may_fuse(self):
        """Whether steps are run many in a call: nobody may want to look between them."""
        if self._fused is None:
            values = self.loan.ready()
            self._fused = (
                self.fuse
                and not (self.hooks and self.steps_per_execution == 1)
                and self.engine.may_fuse(
                    "train",
                    self.source,
                    values,
                    self._counter(),
                    self.key,
                    times=self.epochs - self.initial_epoch,
                )
            )
        return self._fused

    # -- whole epochs in one call ----------------------------------------------

    def _may_take_whole_epochs(self):
        if self.steps_per_execution > 1 or not self._from_arrays() or not self._may_fuse():
            return False
        held_out = self.held_out
        if held_out is not None:
            if (
                self.validation_freq != 1
                or self.validation_steps not in (None, held_out.steps)
                or self.callbacks.needs_batch_hooks("test")
            ):
                return False
            values = self.loan.ready()
            if not self.engine.may_fuse(
                "test",
                held_out,
                values[:2],
                values[3],
                self.key,
                self._counter(),
                times=self.epochs - self.initial_epoch,
            ):
                return False
        first, self._most_epochs = self.engine.epochs_a_call(self.source, held_out)
        if first:
            self._pace = Pace(first, self._most_epochs, in_flight=0)
        return first > 0

    def _whole_epochs(self, epoch):
        """Some epochs in one device call, several where all callbacks can wait: (how many, logs of
        the last).
        """
        source, callbacks = self.source, self.callbacks
        waiting = self.after_epoch is None and callbacks.can_wait()
        count = min(self._pace.steps if waiting else 1, self.epochs - epoch)
        self._note_shapes(device_batches.sizes(source))
        if not waiting:
            callbacks.on_epoch_begin(epoch)
            callbacks.on_train_batch_begin(0)
        logs, test_logs = self._call_epochs(count, again=epoch + count < self.epochs)
        self._pace.after(logs)
        logs, test_logs = jax.device_get((logs, test_logs))
        for i in range(count):
            if waiting:
                callbacks.on_epoch_begin(epoch + i)
                callbacks.on_train_batch_begin(0)
            last = {name: number(value[i]) for name, value in logs.items()}
            callbacks.on_train_batch_end(source.steps - 1, last)
            tested = {name: number(value[i]) for name, value in test_logs.items()}
            last = self._end_epoch(
                epoch + i, last, functools.partial(self._tell_validation, tested)
            )
        self.interrupts.check()
        return count, last

    def _call_epochs(self, count, again):
        """The device call of `count` epochs: (logs, logs of validation), each with one entry an
        epoch.
        """

        def of(source):
            return None if source is None else device_batches.placed(source, again)

        def full(source):
            return np.int32(0 if source is None else source.num_samples // source.batch_size)

        source, held_out, engine, most = self.source, self.held_out, self.engine, self._most_epochs
        values, counter, logs, test_logs = engine.train_epochs(
            self.loan.ready(),
            self._counter(),
            self.key,
            engine.fresh_metrics(),
            of(source),
            self._orders(count),
            of(held_out),
            np.int32(count),
            full(source),
            full(held_out),
            np.int32(1),
            (most, device_batches.sizes(source), device_batches.sizes(held_out)),
        )
        self._took(values, counter, count * source.steps)
        self.progress["epochs"] += count
        return logs, test_logs

    def _orders(self, count):
        """The permutations of the next epochs, below each other, with room for the most that a call
        takes.
        """
        if not self.source.shuffle:
            return None
        orders = np.zeros((self._most_epochs, self.source.num_samples), np.int32)
        for i in range(count):
            orders[i] = self.source.order(self.seed, self.progress["epochs"] + i)
        return orders

    def _tell_validation(self, logs):
        callbacks, last = self.callbacks, self.held_out.steps - 1
        callbacks.on_test_begin()
        callbacks.on_test_batch_begin(0)
        callbacks.on_test_batch_end(last, logs)
        callbacks.on_test_end(logs)
        return logs

    # -- many steps in one call, or step by step -------------------------------

    def _epoch_of_arrays(self, source):
        order = source.order(self.seed, self.progress["epochs"])
        size, total = source.batch_size, source.num_samples
        full = total // size
        logs, done = {}, 0
        if full and self._may_fuse():
            logs, done = self._many(source, order, full)
        else:
            self._note_shapes(device_batches.sizes(source))
        chunk, pace = self.steps_per_execution, Pace(1)
        while done * size < total and not (done and self.should_stop()):
            begin = done
            self._begin(begin)
            for _ in range(chunk):
                if done * size >= total:
                    break
                logs = self._one(
                    device_batches.rows_of(
                        source, order, done * size, min(done * size + size, total)
                    )
                )
                done += 1
            pace.after(logs)
            logs = self._end(begin + chunk - 1, logs)
        return logs

    def _many(self, source, order, full):
        explicit = self.steps_per_execution if self.steps_per_execution > 1 else None
        if self._pace is None:
            first = max(1, min(_FIRST_STEPS, int(self.engine.steps_a_call("train", source))))
            self._pace = Pace(explicit) if explicit else Pace(first, _MOST_STEPS)
        pace = self._pace
        pace.begin()
        data, indices, done, logs = (
            device_batches.placed(source, again=True),
            device_batches.permutation(order),
            0,
            {},
        )
        full, size = whole_calls(full, explicit, source), source.batch_size
        self._note_shapes(device_batches.sizes(source))
        while done < full:
            count = min(pace.steps, full - done)
            self._begin(done)
            values, counter, logs = self.engine.train_many(
                self.loan.ready(),
                self._counter(),
                self.key,
                data,
                indices,
                np.int32(done * size),
                np.int32(count),
                size,
            )
            self._took(values, counter, count)
            self.interrupts.check()
            begin, done = done, done + count
            pace.after(logs)
            logs = self._end(begin + (explicit or count) - 1, logs)
            if self.should_stop():
                break
        return logs, done

    def _note_shapes(self, sizes):
        """Tells of batches of these sizes, from arrays, where no executable has seen them yet."""
        if sizes in self._noted:
            return
        self._noted.add(sizes)
        for size in sizes:
            if size and size <= self.source.num_samples:
                batch = device_batches.batch_shapes(self.source, size)
                self.on_new_shapes("train", self.engine.note("train", batch), batch)

    def _epoch_of_batches(self, epoch):
        limit = self.steps_per_epoch or self.source.steps
        batches = self._batches(epoch)
        logs, done, pace = None, 0, Pace(1)
        with (
            contextlib.closing(batches)
            if hasattr(batches, "close") and self._stream is None
            else contextlib.nullcontext()
        ):
            while limit is None or done < limit:
                begin, chunk = (
                    done,
                    device_batches.chunk(batches, self.steps_per_execution, done, limit),
                )
                if not chunk:
                    break
                self._begin(begin)
                for batch in chunk:
                    logs = self._one_of_any_shape(batch)
                    done += 1
                pace.after(logs)
                logs = self._end(begin + self.steps_per_execution - 1, logs)
                if self.should_stop():
                    return logs
        if limit is not None and done < limit and hasattr(self.source, "order"):
            self._stream = None  # the next epoch begins a new pass
            if done == 0:
                return self._epoch_of_batches(epoch)
            if not self._told:
                self._told = True
                warnings.warn(
                    f"Your input ran out of data: `steps_per_epoch={limit}`, but the arrays give "
                    f"{self.source.steps} batches a pass. The epoch ends there and the next one "
                    "begins a new pass.",
                    stacklevel=2,
                )
            return logs
        if done == 0 and epoch == self.initial_epoch:
            raise UserInputError(
                "The data given to `fit` holds no batch at all. If it is a generator, it may have "
                "been used up: make a new one for each call."
            )
        if limit is not None and done < limit:
            warnings.warn(
                f"Your input ran out of data; interrupting training. It should have given {limit} "
                f"batches for each of {self.epochs} epochs; epoch {epoch + 1} got {done}.",
                stacklevel=2,
            )
            if done == 0:
                return None
            self.epochs = min(self.epochs, epoch + 1)
            return logs
        if done == 0:
            warnings.warn(
                f"Your input ran out of data; interrupting training after {epoch} epochs.",
                stacklevel=2,
            )
            return None
        return logs

    def _batches(self, epoch):
        source = self.source
        if hasattr(source, "order"):
            if self.steps_per_epoch is not None and self._stream is None:
                self._stream = iter(source.epoch(source.order(self.seed, self.progress["epochs"])))
            return (
                self._stream
                if self._stream is not None
                else iter(source.epoch(source.order(self.seed, self.progress["epochs"])))
            )
        if self.steps_per_epoch is not None and getattr(source, "steps", None) is None:
            if self._stream is None:  # goes on where the last epoch stopped
                self._stream = iter(source.epoch(epoch))
            return self._stream
        return iter(source.epoch(epoch))

    # -- a step and what surrounds it ------------------------------------------

    def _counter(self):
        held = self.progress.get("counter")
        if (
            held is None
            or held[0] != self.progress["steps"]
            or getattr(held[1], "is_deleted", lambda: False)()
        ):
            return np.int32(self.progress["steps"])
        return held[1]

    def _one(self, batch):
        values, counter, logs = self.engine.train_one(
            self.loan.ready(), self._counter(), self.key, batch
        )
        self._took(values, counter, 1)
        self.interrupts.check()
        return logs

    def _one_of_any_shape(self, batch):
        seen = self.engine.note("train", batch)
        if not seen:
            return self._one(batch)
        self.on_new_shapes("train", seen, batch)
        try:
            return self._one(batch)
        except (ValueError, TypeError) as error:
            error.add_note(
                "fkeras: this came with another shape than the batches before, at step "
                f"{self.progress['steps'] + 1} of the model's life."
            )
            raise

    def _took(self, values, counter, count):
        self.loan.values = values
        self.progress["steps"] += count
        self.progress["counter"] = (self.progress["steps"], counter)

    def _begin(self, batch):
        self.callbacks.on_train_batch_begin(batch)

    def _end(self, batch, logs):
        logs = Logs(logs) if isinstance(logs, dict) else logs
        self.callbacks.on_train_batch_end(batch, logs)
        return logs

    # -- when a device call fails ----------------------------------------------

    def _remember(self):
        """Keeps a copy of the state that no call may consume: what is left if a step fails on the
        device.
        """
        if time.monotonic() - self._snapshot_time >= _SNAPSHOT_SECONDS:
            self._keep(copy_tree(self.loan.ready()))

    def _keep(self, values):
        self._snapshot, self._snapshot_time, self._snapshot_step = (
            values,
            time.monotonic(),
            self.progress["steps"],
        )

    def _recover(self, error):
        if self.loan.values is None or alive(self.loan.values):
            return
        failed = self.progress["steps"]
        self.loan.values, self.loan.seen = self._snapshot, False
        self.progress["steps"] = self._snapshot_step
        if hasattr(error, "add_note"):
            error.add_note(
                f"fkeras: a step after step {failed} of the model's life failed on the device and "
                f"took its state with it. The model has the weights of step {self._snapshot_step} "
                "again."
            )


def validates(freq, epoch) -> bool:
    """Whether an epoch (from 0) is validated: each `freq`-th one, or those of a list (from 1)."""
    if isinstance(freq, int):
        if freq < 1:
            raise UserInputError(f"`validation_freq` must be at least 1. Received: {freq}")
        return (epoch + 1) % freq == 0
    return epoch + 1 in freq


def alive(values) -> bool:
    """Whether all arrays can be read: neither donated away nor the result of a failed call."""
    for x in jax.tree.leaves(values):
        if not isinstance(x, jax.Array):
            continue
        if x.is_deleted():
            return False
        try:
            x.block_until_ready()
        except Exception:
            return False
    return True
