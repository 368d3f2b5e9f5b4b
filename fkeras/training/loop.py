"""The loops behind `fit`, `evaluate` and `predict`: they see executables, a source of batches and callbacks, and compute nothing."""

import collections
import contextlib
import time
import warnings

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.symbolic import leaves, map_structure
from fkeras.errors import UserInputError
from fkeras.training import feed
from fkeras.training.loan import Loan, copy_tree

# Device calls of many steps aim at this length: short enough for Ctrl-C and the progress bar, long enough to cost nothing.
_CALL_SECONDS = 0.05
_FIRST_STEPS, _MOST_STEPS = 32, 4096
_IN_FLIGHT = 2
_SNAPSHOT_SECONDS = 2.0


class Pace:
    """How many steps the next device call takes, and how far the host may run ahead of the device."""

    def __init__(self, steps):
        self.steps, self.fixed = steps or _FIRST_STEPS, steps is not None
        self._calls: collections.deque = collections.deque()
        self._last = None

    def after(self, result):
        """Waits until all but the last calls are done; learns from how long they took."""
        self._calls.append(next((x for x in jax.tree.leaves(result) if isinstance(x, jax.Array)), None))
        if len(self._calls) <= _IN_FLIGHT:
            return
        oldest = self._calls.popleft()
        if oldest is not None:
            oldest.block_until_ready()
        now = time.perf_counter()
        if self._last is not None and not self.fixed:
            took = now - self._last
            if took < _CALL_SECONDS / 2:
                self.steps = min(self.steps * 2, _MOST_STEPS)
            elif took > _CALL_SECONDS * 2:
                self.steps = max(self.steps // 2, 1)
        self._last = now


class Logs(dict):
    """Logs of a batch, on the device until somebody reads them; then Python numbers."""

    def __init__(self, values):
        super().__init__(values)
        self._read = False

    def _now(self):
        if not self._read:
            self._read = True
            dict.update(self, to_python(dict(dict.items(self))))

    def __getitem__(self, key):
        self._now()
        return dict.__getitem__(self, key)

    def get(self, key, default=None):
        self._now()
        return dict.get(self, key, default)

    def items(self):
        self._now()
        return dict.items(self)

    def values(self):
        self._now()
        return dict.values(self)

    def copy(self):
        self._now()
        return dict(dict.items(self))


def to_python(logs) -> dict:
    """Scalars as Python floats, larger arrays as NumPy."""
    logs = jax.device_get(logs)
    return {k: _number(v) for k, v in logs.items()} if isinstance(logs, dict) else logs


def _number(value):
    if isinstance(value, dict):
        return {k: _number(v) for k, v in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return float(value) if value.ndim == 0 else value
    return value


class Fit:
    """One call of `fit`.

    Args:
        engine: the `Engine`.
        source: where batches come from.
        callbacks: a `CallbackList`.
        progress: dict with the model's lifetime `steps` and `epochs`; updated as they pass.
        key: the model's key. seed: int for the order of samples.
        metrics: function (values or None) that returns metric values after a reset.
        validate: function (values) -> logs, called after an epoch, or None.
        steps_per_execution: what the user asked for. fuse: whether calls of many steps are allowed.
        should_stop: function that tells whether somebody set `stop_training`.
    """

    def __init__(self, engine, source, callbacks, *, progress, key, seed, metrics, validate=None, validate_at=lambda epoch: True,
                 epochs=1, initial_epoch=0, steps_per_epoch=None, steps_per_execution=1, fuse=True, should_stop=lambda: False,
                 interrupts=None, finish=lambda: None, after_epoch=None, on_new_shapes=lambda kind, seen, now: None):
        self.engine, self.source, self.callbacks, self.progress, self.key, self.seed = engine, source, callbacks, progress, key, seed
        self.metrics, self.validate, self.validate_at = metrics, validate, validate_at
        self.epochs, self.initial_epoch, self.steps_per_epoch = epochs, initial_epoch, steps_per_epoch
        self.steps_per_execution, self.fuse, self.should_stop = steps_per_execution, fuse, should_stop
        self.interrupts, self.finish, self.after_epoch, self.on_new_shapes = interrupts, finish, after_epoch, on_new_shapes
        self.loan = Loan(engine.lists.groups())
        self.hooks = callbacks.needs_batch_hooks("train")
        self._data = self._stream = self._snapshot = None
        self._told = self._trained = False
        self._snapshot_time = -_SNAPSHOT_SECONDS
        self._snapshot_step = 0

    # -- the whole -----------------------------------------------------------------------

    def run(self):
        """Trains. The model's Variables hold the last finished call's values however this ends."""
        callbacks = self.callbacks
        self.loan.open()
        try:
            callbacks.on_train_begin()
            logs = {}
            for epoch in range(self.initial_epoch, self.epochs):
                self._fresh_metrics()
                self._remember()
                callbacks.on_epoch_begin(epoch)
                last = self._epoch(epoch)
                if last is None:  # the input ran out
                    break
                epoch_logs = to_python(last)
                if self.after_epoch is not None:
                    self.after_epoch()
                if self.validate is not None and self.validate_at(epoch):
                    epoch_logs.update({f"val_{k}": v for k, v in self.validate(self.loan).items()})
                callbacks.on_epoch_end(epoch, epoch_logs)
                logs = epoch_logs
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

    def _epoch(self, epoch):
        """One pass. Returns the last logs, or None where there was no batch at all."""
        source = self.source
        try:
            if self._from_arrays():
                return self._epoch_of_arrays(source)
            return self._epoch_of_batches(epoch)
        finally:
            self.progress["epochs"] += 1

    def _from_arrays(self):
        source = self.source
        return hasattr(source, "order") and (self.steps_per_epoch is None or self.steps_per_epoch == source.steps)

    def _fresh_metrics(self):
        values = self.loan.ready()
        self.loan.values = (*values[:3], self.metrics(values[3] if self._trained else None))
        self._trained = True

    # -- arrays ---------------------------------------------------------------------------

    def _epoch_of_arrays(self, source):
        order = source.order(self.seed, self.progress["epochs"])
        size, total = source.batch_size, source.num_samples
        full, rest = divmod(total, size)
        logs, done = {}, 0
        if full and self._may_fuse(source):
            logs, done = self._many(source, order, full)
        chunk = self.steps_per_execution
        while done * size < total and not (done and self.should_stop()):
            begin = done
            self._begin(begin)
            for _ in range(chunk):
                if done * size >= total:
                    break
                logs = self._one(feed.rows_of(source, order, done * size, min(done * size + size, total)))
                done += 1
            logs = self._end(begin + chunk - 1, logs)
        return logs

    def _may_fuse(self, source):
        if not self.fuse or self.hooks and self.steps_per_execution == 1 or self.engine.eager:
            return False
        if self._data is None:
            if not feed.numeric(source.arrays) or not feed.fits_on_device(source.arrays):
                self._data = False
            else:
                batch = jax.eval_shape(lambda a: jax.tree.map(lambda x: x[:source.batch_size], a), source.arrays)
                self._data = feed.on_device(source.arrays) if self.engine.may_fuse(
                    "train", self.loan.ready(), self._counter(), self.key, batch) else False
        return self._data is not False

    def _many(self, source, order, full):
        explicit = self.steps_per_execution if self.steps_per_execution > 1 else None
        pace = Pace(explicit)
        indices, done, logs = feed.permutation(order), 0, {}
        full = _whole_calls(full, explicit, source)
        batch = jax.tree.map(lambda x: jax.ShapeDtypeStruct((source.batch_size, *x.shape[1:]), x.dtype), self._data)
        self.on_new_shapes("train", self.engine.note("train", batch), batch)
        while done < full:
            count = min(pace.steps, full - done)
            self._begin(done)
            values = self.loan.ready()
            values, counter, logs = self.engine.train_many(values, self._counter(), self.key, self._data, indices, np.int32(done),
                                                           np.int32(count), source.batch_size)
            self._took(values, counter, count)
            begin, done = done, done + count
            pace.after(logs)
            logs = self._end(begin + (explicit or count) - 1, logs)
            if self.should_stop():
                break
        return logs, done

    # -- batch by batch ----------------------------------------------------------------------

    def _epoch_of_batches(self, epoch):
        limit = self.steps_per_epoch or self.source.steps
        batches = self._batches(epoch)
        logs, done, pace = None, 0, Pace(1)
        with contextlib.closing(batches) if hasattr(batches, "close") and self._stream is None else contextlib.nullcontext():
            while limit is None or done < limit:
                begin = done
                chunk = []
                while len(chunk) < self.steps_per_execution and (limit is None or done + len(chunk) < limit):
                    batch = next(batches, None)
                    if batch is None:
                        break
                    chunk.append(batch)
                if not chunk:
                    break
                self._begin(begin)
                for batch in chunk:
                    logs = self._one(batch)
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
                warnings.warn(f"Your input ran out of data: `steps_per_epoch={limit}`, but the arrays give {self.source.steps} batches a pass. The "
                              "epoch ends there and the next one begins a new pass.", stacklevel=2)
            return logs
        if done == 0 and epoch == self.initial_epoch:
            raise UserInputError("The data given to `fit` holds no batch at all. If it is a generator, it may have been used up: make a new one "
                                 "for each call.")
        if limit is not None and done < limit:
            warnings.warn(f"Your input ran out of data; interrupting training. It should have given {limit} batches for each of {self.epochs} "
                          f"epochs; epoch {epoch + 1} got {done}.", stacklevel=2)
            if done == 0:
                return None
            self.epochs = min(self.epochs, epoch + 1)
            return logs
        if done == 0:
            warnings.warn(f"Your input ran out of data; interrupting training after {epoch} epochs.", stacklevel=2)
            return None
        return logs

    def _batches(self, epoch):
        source = self.source
        if hasattr(source, "order"):
            if self.steps_per_epoch is not None and self._stream is None:
                self._stream = iter(source.epoch(source.order(self.seed, self.progress["epochs"])))
            return self._stream if self._stream is not None else iter(source.epoch(source.order(self.seed, self.progress["epochs"])))
        if self.steps_per_epoch is not None and getattr(source, "steps", None) is None:
            if self._stream is None:  # goes on where the last epoch stopped
                self._stream = iter(source.epoch(epoch))
            return self._stream
        return iter(source.epoch(epoch))

    # -- a step and what surrounds it ------------------------------------------------------------

    def _counter(self):
        held = self.progress.get("counter")
        if held is None or held[0] != self.progress["steps"] or getattr(held[1], "is_deleted", lambda: False)():
            return jnp.asarray(self.progress["steps"], jnp.int32)
        return held[1]

    def _one(self, batch):
        seen = self.engine.note("train", batch)
        if seen:
            self.on_new_shapes("train", seen, batch)
        try:
            values, counter, logs = self.engine.train_one(self.loan.ready(), self._counter(), self.key, batch)
        except (ValueError, TypeError) as error:
            if seen:
                error.add_note(f"fkeras: this came with another shape than the batches before, at step {self.progress['steps'] + 1} of the model's "
                               "life.")
            raise
        self._took(values, counter, 1)
        return logs

    def _took(self, values, counter, count):
        self.loan.values = values
        self.progress["steps"] += count
        self.progress["counter"] = (self.progress["steps"], counter)
        if self.interrupts is not None:
            self.interrupts.check()

    def _begin(self, batch):
        self.callbacks.on_train_batch_begin(batch)

    def _end(self, batch, logs):
        shown = Logs(logs) if isinstance(logs, dict) else logs
        if self.hooks:
            shown = to_python(logs) if isinstance(logs, dict) else logs
        self.callbacks.on_train_batch_end(batch, shown)
        return shown if isinstance(shown, dict) else logs

    # -- when a device call fails --------------------------------------------------------------------

    def _remember(self):
        """Keeps a copy of the state that no call may consume: what is left if a step fails on the device."""
        now = time.monotonic()
        if now - self._snapshot_time >= _SNAPSHOT_SECONDS:
            self._snapshot = copy_tree(self.loan.ready())
            self._snapshot_time, self._snapshot_step = now, self.progress["steps"]

    def _recover(self, error):
        if self.loan.values is None or alive(self.loan.values):
            return
        failed = self.progress["steps"]
        self.loan.values, self.loan.seen = self._snapshot, False
        self.progress["steps"] = self._snapshot_step
        if hasattr(error, "add_note"):
            error.add_note(f"fkeras: a step after step {failed} of the model's life failed on the device and took its state with it. The model "
                           f"has the weights of step {self._snapshot_step} again.")


def _whole_calls(full, explicit, source):
    """How many full batches fused calls take: with explicit steps a call, the last call takes a smaller last batch along."""
    return full - full % explicit if explicit is not None and full * source.batch_size < source.num_samples else full


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


def evaluate(engine, source, fixed, *, metrics, key, callbacks, fuse=True, steps=None, steps_per_execution=1, interrupts=None,
             should_stop=lambda: False):
    """(logs, non-trainable values afterwards) of one pass over a source.

    Args:
        fixed: (trainable, non-trainable) values.
        metrics: fresh metric values.
    """
    callbacks.on_test_begin()
    hooks = callbacks.needs_batch_hooks("test")
    logs, done = {}, 0
    trainable, rest = fixed

    def end(index, logs):
        shown = to_python(logs) if hooks else Logs(logs)
        callbacks.on_test_batch_end(index, shown)
        if interrupts is not None:
            interrupts.check()
        return shown

    if hasattr(source, "order") and (steps is None or steps == source.steps):
        size, total = source.batch_size, source.num_samples
        full = total // size
        if full and fuse and not (hooks and steps_per_execution == 1) and not engine.eager and feed.numeric(source.arrays) and feed.fits_on_device(
                source.arrays):
            batch = jax.eval_shape(lambda a: jax.tree.map(lambda x: x[:size], a), source.arrays)
            if engine.may_fuse("test", (trainable, rest), metrics, key, jnp.zeros((), jnp.int32), batch):
                explicit = steps_per_execution if steps_per_execution > 1 else None
                full = _whole_calls(full, explicit, source)
                data, pace = _cached_on_device(source), Pace(explicit)
                while done < full:
                    begin, count = done, min(pace.steps, full - done)
                    callbacks.on_test_batch_begin(begin)
                    rest, metrics, logs = engine.test_many((trainable, rest), metrics, key, data, None, np.int32(done), np.int32(count), size)
                    done += count
                    pace.after(logs)
                    logs = end(begin + (explicit or count) - 1, logs)
        batches = (feed.rows_of(source, None, i * size, min(i * size + size, total)) for i in range(done, source.steps))
    else:
        batches = iter(source.epoch(0)) if not hasattr(source, "order") else feed.endless(source, 0, 0)
    pace, limit = Pace(1), steps if steps is not None else None
    while (limit is None or done < limit) and not should_stop():
        begin, chunk = done, []
        while len(chunk) < steps_per_execution and (limit is None or done + len(chunk) < limit):
            batch = next(batches, None)
            if batch is None:
                break
            chunk.append(batch)
        if not chunk:
            break
        callbacks.on_test_batch_begin(begin)
        for batch in chunk:
            rest, metrics, logs = engine.test_one((trainable, rest), metrics, key, np.int32(done), batch)
            done += 1
        pace.after(logs)
        logs = end(begin + steps_per_execution - 1, logs)
    if done == 0:
        raise UserInputError("The data given to `evaluate` holds no batch at all.")
    logs = to_python(logs)
    callbacks.on_test_end(logs)
    return logs, rest


def _cached_on_device(source):
    held = getattr(source, "_on_device", None)
    if held is None:
        held = source._on_device = feed.on_device(source.arrays)
    return held


def predict(engine, source, fixed, *, key, callbacks, progress, fuse=True, steps=None, steps_per_execution=1, interrupts=None,
            should_stop=lambda: False):
    """Outputs of all batches, joined, as NumPy arrays in the structure of the model's outputs."""
    callbacks.on_predict_begin()
    hooks = callbacks.needs_batch_hooks("predict")
    pieces, done = [], 0

    def keep(index, *outputs_of_batches):
        pieces.extend(outputs_of_batches)
        outputs = outputs_of_batches[-1]
        callbacks.on_predict_batch_end(index, {"outputs": map_structure(np.asarray, outputs)} if hooks else {"outputs": outputs})
        if interrupts is not None:
            interrupts.check()

    batches = None
    if hasattr(source, "order") and (steps is None or steps == source.steps):
        size, total = source.batch_size, source.num_samples
        full = total // size
        if full > 1 and fuse and not hooks and not engine.eager and feed.numeric(source.arrays) and feed.fits_on_device(source.arrays):
            batch = jax.eval_shape(lambda a: jax.tree.map(lambda x: x[:size], a), source.arrays)
            if engine.may_fuse("predict", fixed, key, jnp.zeros((), jnp.int32), batch):
                done = _predict_many(engine, fixed, key, _cached_on_device(source), size, full, callbacks, keep, progress.get("predicted", 0))
        batches = (feed.rows_of(source, None, i * size, min(i * size + size, total)) for i in range(done, source.steps))
    else:
        batches = iter(source.epoch(0)) if not hasattr(source, "order") else feed.endless(source, 0, 0)
    drawn = progress.get("predicted", 0)  # each prediction of the model's life draws numbers of its own, where it draws any
    while (steps is None or done < steps) and not should_stop():
        begin, made = done, []
        while len(made) < steps_per_execution and (steps is None or done < steps):
            batch = next(batches, None)
            if batch is None:
                break
            if not made:
                callbacks.on_predict_batch_begin(begin)
            made.append(engine.predict_one(fixed, key, np.int32((drawn + done) % (1 << 30)), batch))
            done += 1
        if not made:
            break
        keep(begin + steps_per_execution - 1, *made)
    if not pieces:
        raise UserInputError("The data given to `predict` holds no batch at all.")
    progress["predicted"] = drawn + done
    callbacks.on_predict_end()
    return join(pieces)


_PREDICT_ROWS = 1 << 13


def _predict_many(engine, fixed, key, data, size, full, callbacks, keep, drawn):
    """All full batches in a few device calls of equal numbers of batches. Returns how many were done."""
    count = max(1, min(full, _PREDICT_ROWS // size))
    done = 0
    while full - done >= count:
        callbacks.on_predict_batch_begin(done)
        outputs = engine.predict_many(fixed, key, data, np.int32(done * size), np.int32((drawn + done) % (1 << 30)), count, size)
        done += count
        keep(done - 1, outputs)
    return done


def join(pieces):
    """Outputs of batches, joined along the first axis."""
    if len(pieces) == 1:
        return map_structure(np.array, jax.device_get(pieces[0]))
    flat = [leaves(p) for p in pieces]
    joined = []
    for column in zip(*flat):
        arrays = [np.asarray(x) for x in column]
        shapes = {a.shape[1:] for a in arrays}
        if len(shapes) > 1:
            raise UserInputError(f"The batches' outputs have different shapes behind the batch axis: {sorted(shapes)}. Predict them one by one "
                                 "with `predict_on_batch`, or pad the inputs to one width.")
        joined.append(np.concatenate(arrays) if arrays[0].ndim else np.stack(arrays))
    rest = iter(joined)
    return map_structure(lambda _: next(rest), _in_leaf_order(pieces[0]))


def _in_leaf_order(structure):
    """Dicts in the order in which `leaves` visits them."""
    if isinstance(structure, dict):
        return {k: _in_leaf_order(structure[k]) for k in sorted(structure)}
    if isinstance(structure, (list, tuple)) and not hasattr(structure, "_fields"):
        return type(structure)(_in_leaf_order(v) for v in structure)
    return structure
