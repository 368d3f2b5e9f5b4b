"""The passes behind `evaluate` and validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.errors import UserInputError
from fkeras.training import agreement, device_batches
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

if TYPE_CHECKING:
    import jax

    from fkeras.callbacks import CallbackList
    from fkeras.data import ArraySource, Source
    from fkeras.training.executables import Executables
    from fkeras.training.variable_groups import WeightValues

_FIRST_STEPS, _MOST_STEPS = 64, 4096  # of a fused call


def evaluate(
    executables: Executables,
    source: Source,
    read_weights: Callable[[], WeightValues],
    options: PassOptions,
    *,
    key: jax.Array,
    callbacks: CallbackList,
    check_interrupts: Callable[[], None] = lambda: None,
    should_stop: Callable[[], bool] = lambda: False,
    keep_state: Callable[[list[jax.Array]], None] = lambda non_trainable: None,
) -> dict[str, Any]:
    """One pass over a source, with fresh metrics.

    Args:
        executables: the compiled steps.
        source: where batches come from.
        read_weights: gives (trainable, non-trainable) values, once the first hook has run: it may
            put others in their place.
        options: how the pass is cut into calls.
        key: the model's key.
        callbacks: the callbacks.
        check_interrupts: raises where Ctrl-C was pressed during a `fit`.
        should_stop: whether a callback has set `stop_evaluating`.
        keep_state: takes the non-trainable values afterwards, before the last hook runs.
    """
    callbacks.on_test_begin()
    evaluation = _Evaluation(executables, source, read_weights(), options, key)

    def after(batch, logs):
        shown = Logs(logs) if isinstance(logs, dict) else logs
        callbacks.on_test_batch_end(batch, shown)
        return shown

    logs = drive(
        evaluation.calls(hooks=callbacks.needs_batch_hooks("test")),
        before=callbacks.on_test_batch_begin,
        after=after,
        check_interrupts=check_interrupts,
        should_stop=should_stop,
    )
    if logs is None:
        raise UserInputError("The data given to `evaluate` holds no batch at all.")
    logs = to_python(logs)
    keep_state(evaluation.non_trainable)
    callbacks.on_test_end(logs)
    return logs


class _Evaluation:
    """The values that one evaluation has in hand, and the device calls that change them."""

    def __init__(self, executables, source, weights, options, key):
        executables.warn_of_small_batches(source)
        self.executables = executables
        self.source = source
        self.options = options
        self.key = key
        self.trainable, self.non_trainable = weights
        self.metrics = executables.fresh_metrics()

    @property
    def weights(self):
        return self.trainable, self.non_trainable

    def calls(self, hooks: bool) -> Iterator[Call]:
        """The plan: fused calls as far as they go, then single steps."""
        source, options = self.source, self.options
        takes_all = options.takes_all_of(source)
        fused = 0
        if takes_all and not (hooks and options.steps_of_call is None) and self._may_fuse():
            fused = full_batches_in_fused_calls(
                source.num_samples, source.batch_size, options.steps_of_call
            )
            pace = self._pace_of_fused_calls()
            again = fused > pace.steps or options.again
            run = self._many(device_batches.placed(source, again, self.executables.distribution))
            yield from fused_steps(run, fused, pace, options.steps_of_call)
        yield from single_steps(
            device_batches.batches_of(source, first=fused)
            if takes_all
            else agreement.shared(
                device_batches.endless_batches(source), source, self.executables.distribution
            ),
            self._one,
            group=options.steps_per_execution,
            first=fused,
            limit=options.steps,
        )

    def _may_fuse(self):
        return may_fuse_evaluation(
            self.executables,
            self.source,
            self.weights,
            self.metrics,
            self.key,
            fuse=self.options.fuse,
        )

    def _pace_of_fused_calls(self):
        if self.options.steps_of_call is not None:
            return Pace(self.options.steps_of_call)
        estimate = int(self.executables.steps_a_call("test", self.source))
        return Pace(max(1, min(_FIRST_STEPS, estimate)), _MOST_STEPS)

    def _one(self, index, batch):
        self.non_trainable, self.metrics, logs = self.executables.test_one(
            (self.trainable, self.non_trainable), self.metrics, self.key, np.int32(index), batch
        )
        return logs

    def _many(self, data):
        size = self.source.batch_size

        def run(first, count):
            self.non_trainable, self.metrics, logs = self.executables.test_many(
                self.weights,
                self.metrics,
                self.key,
                data,
                np.int32(first * size),
                np.int32(count),
                size,
                np.int32(first),
            )
            return logs

        return run


def may_fuse_evaluation(
    executables: Executables,
    source: ArraySource,
    weights: WeightValues,
    metrics: list[jax.Array],
    key: jax.Array,
    fuse: bool,
) -> bool:
    """Whether a pass over arrays is run many steps in a call.

    Args:
        fuse: whether that is allowed.
    """
    return (
        fuse
        and source.num_samples >= source.batch_size
        and executables.may_fuse("test", source, weights, metrics, key, np.int32(0))
    )


def warm_up_evaluation(
    executables: Executables,
    source: ArraySource,
    weights: WeightValues,
    *,
    key: jax.Array,
    fuse: bool,
) -> None:
    """Compiles what `evaluate` calls for a source of arrays, and evaluates nothing but one batch of
    each size, whose results are dropped.
    """
    metrics = executables.fresh_metrics()
    sizes = device_batches.batching_of(source)
    if may_fuse_evaluation(executables, source, weights, metrics, key, fuse=fuse):
        executables.test_many(
            weights,
            list(metrics),
            key,
            device_batches.placed(source, False, executables.distribution),
            np.int32(0),
            np.int32(0),
            source.batch_size,
            np.int32(0),
        )
        sizes = sizes[1:]
    for size in sizes:
        if 0 < size <= source.num_samples:
            batch = source.batch(slice(0, size))
            executables.test_one(weights, list(metrics), key, np.int32(0), batch)
