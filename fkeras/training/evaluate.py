"""The loop behind `evaluate` and validation."""

import numpy as np

from fkeras.errors import UserInputError
from fkeras.training import device_batches
from fkeras.training.logs import Logs, to_python
from fkeras.training.pace import Pace

_FIRST_STEPS, _MOST_STEPS = 64, 4096


def evaluate(
    engine,
    source,
    fixed,
    *,
    metrics,
    key,
    callbacks,
    fuse=True,
    steps=None,
    steps_per_execution=1,
    interrupts=None,
    should_stop=lambda: False,
    keep=False,
):
    """(logs, non-trainable values afterwards) of one pass over a source.

    Args:
        engine: the `Engine`. source: where batches come from.
        fixed: (trainable, non-trainable) values.
        metrics: fresh metric values. key: the model's key.
        callbacks: a `CallbackList`. interrupts: `Interrupts` of a running `fit`.
        should_stop: function that tells whether somebody set `stop_evaluating`.
        fuse: whether calls of many steps are allowed. steps: batches to take, None for all.
            steps_per_execution: what the user asked for.
        keep: whether the same source will be evaluated again.
    """
    callbacks.on_test_begin()
    hooks = callbacks.needs_batch_hooks("test")
    logs, done = {}, 0
    trainable, rest = fixed

    def end(index, logs):
        shown = Logs(logs) if isinstance(logs, dict) else logs
        callbacks.on_test_batch_end(index, shown)
        if interrupts is not None:
            interrupts.check()
        return shown

    whole = hasattr(source, "order") and (steps is None or steps == source.steps)
    if (
        whole
        and fuse
        and not (hooks and steps_per_execution == 1)
        and source.num_samples >= source.batch_size
        and engine.may_fuse("test", source, fixed, metrics, key, np.int32(0))
    ):
        explicit, size = steps_per_execution if steps_per_execution > 1 else None, source.batch_size
        full = whole_calls(source.num_samples // size, explicit, source)
        first = max(1, min(_FIRST_STEPS, int(engine.steps_a_call("test", source))))
        pace = Pace(explicit) if explicit else Pace(first, _MOST_STEPS)
        data = device_batches.placed(source, again=full > pace.steps or keep)
        while done < full:
            begin, count = done, min(pace.steps, full - done)
            callbacks.on_test_batch_begin(begin)
            rest, metrics, logs = engine.test_many(
                (trainable, rest),
                metrics,
                key,
                data,
                np.int32(done * size),
                np.int32(count),
                size,
                np.int32(done),
            )
            done += count
            pace.after(logs)
            logs = end(begin + (explicit or count) - 1, logs)
    batches = device_batches.batches(source, done, endless=not whole)
    pace = Pace(1)
    while (steps is None or done < steps) and not should_stop():
        begin, chunk = done, device_batches.chunk(batches, steps_per_execution, done, steps)
        if not chunk:
            break
        callbacks.on_test_batch_begin(begin)
        for batch in chunk:
            rest, metrics, logs = engine.test_one(
                (trainable, rest), metrics, key, np.int32(done), batch
            )
            done += 1
        pace.after(logs)
        logs = end(begin + steps_per_execution - 1, logs)
    if done == 0:
        raise UserInputError("The data given to `evaluate` holds no batch at all.")
    logs = to_python(logs)
    callbacks.on_test_end(logs)
    return logs, rest


def warm(engine, source, fixed, *, metrics, key, fuse):
    """Compiles what `evaluate` calls for a source of arrays, and evaluates nothing but one batch of
    each size, whose results are dropped.
    """
    sizes = device_batches.sizes(source)
    if (
        fuse
        and source.num_samples >= source.batch_size
        and engine.may_fuse("test", source, fixed, metrics, key, np.int32(0))
    ):
        engine.test_many(
            fixed,
            list(metrics),
            key,
            device_batches.placed(source, again=False),
            np.int32(0),
            np.int32(0),
            source.batch_size,
            np.int32(0),
        )
        sizes = sizes[1:]
    for size in sizes:
        if 0 < size <= source.num_samples:
            engine.test_one(fixed, list(metrics), key, np.int32(0), source.batch(slice(0, size)))


def whole_calls(full, explicit, source):
    """How many full batches fused calls take: with explicit steps a call, the last call takes a
    smaller last batch along.
    """
    return (
        full - full % explicit
        if explicit is not None and full * source.batch_size < source.num_samples
        else full
    )
