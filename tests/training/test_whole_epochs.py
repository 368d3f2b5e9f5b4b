"""Whole epochs in a device call, with steps that only say what they were asked for."""

import types

import jax
import numpy as np
import pytest

from fkeras.data import make_source
from fkeras.training.fit_options import FitOptions
from fkeras.training.loop import drive
from fkeras.training.progress import Progress
from fkeras.training.whole_epochs import WholeEpochs

from .fakes import FakeCallbacks, FakeExecutables

X = np.zeros((10, 2), "float32")


class FakeSteps:
    """Logs of epoch i are i, those of its validation -i."""

    def __init__(self):
        self.progress, self.executables, self.calls = Progress(), FakeExecutables(), []

    def epochs(self, steps, count, fresh, data, orders, validation, *counts):
        self.calls.append((steps, count, orders, [int(c) for c in counts[:-1]], counts[-1]))
        numbers = np.arange(self.progress.epochs, self.progress.epochs + 8)  # room for the most
        return {"loss": numbers}, {} if validation is None else {"loss": -numbers}


def run(callbacks, *, epochs=5, validation=True, epochs_a_call=(2, 8), shuffle=False, **options):
    source = make_source(X, batch_size=4, shuffle=shuffle)
    held_out = make_source(X[:6], batch_size=3) if validation else None
    steps, ended = FakeSteps(), []

    def end_epoch(epoch, logs, validate):
        callbacks.events.append(f"epoch_end {epoch}")
        ended.append((epoch, logs["loss"], validate()["loss"] if validation else None))
        return logs

    options = FitOptions(key=jax.random.key(0), order_seed=3, epochs=epochs, **options)
    plan = WholeEpochs(steps, source, held_out, callbacks, options, epochs_a_call, end_epoch)
    snapshots = []
    logs = drive(
        plan.calls(lambda: snapshots.append(len(ended))), before=plan.before, after=plan.after
    )
    return types.SimpleNamespace(steps=steps, ended=ended, logs=logs, snapshots=snapshots)


def test_hooks_come_before_and_behind_the_call_where_a_callback_looks():
    callbacks = FakeCallbacks(waits=False)
    result = run(callbacks, epochs=2)
    assert [count for _, count, *_ in result.steps.calls] == [1, 1]
    assert callbacks.events[:8] == [
        *("epoch_begin 0", "train_batch_begin 0", "train_batch_end 2", "epoch_end 0"),
        *("test_begin", "test_batch_begin 0", "test_batch_end 1", "test_end"),
    ]
    assert result.ended == [(0, 0, 0), (1, 1, -1)] and result.logs == {"loss": 1}


def test_several_epochs_are_one_call_where_all_callbacks_wait():
    waiting, watching = FakeCallbacks(waits=True), FakeCallbacks(waits=False)
    together, apart = run(waiting), run(watching)
    counts = [count for _, count, *_ in together.steps.calls]
    assert sum(counts) == 5 and counts[0] == 2
    assert together.ended == apart.ended and waiting.events == watching.events
    assert together.snapshots[:2] == [0, 2]


def test_what_must_be_done_after_each_epoch_keeps_them_apart():
    result = run(FakeCallbacks(waits=True), epochs=2, after_epoch=lambda: None)
    assert [count for _, count, *_ in result.steps.calls] == [1, 1]


def test_counts_are_only_known_at_run_time_and_sizes_are_static():
    calls = run(FakeCallbacks(waits=True), epochs=2).steps.calls
    assert calls == [(3, 2, None, [2, 2, 2, 1], (8, (4, 2), (3, 0)))]
    calls = run(FakeCallbacks(waits=True), epochs=1, validation=False).steps.calls
    assert calls == [(3, 1, None, [1, 2, 0, 1], (8, (4, 2), (0, 0)))]


def test_orders_are_those_of_the_models_epochs():
    ((_, _, orders, *_), *_) = run(FakeCallbacks(waits=True), epochs=2, shuffle=True).steps.calls
    source = make_source(X, batch_size=4, shuffle=True)
    assert orders.shape == (8, 10) and orders.dtype == np.int32
    for epoch in range(2):
        np.testing.assert_array_equal(orders[epoch], source.order(3, epoch))


@pytest.mark.parametrize("initial", [0, 3, 5])
def test_epochs_begin_where_the_user_said(initial):
    result = run(FakeCallbacks(), initial_epoch=initial)
    assert [epoch for epoch, *_ in result.ended] == list(range(initial, 5))
    assert (result.logs is None) is (initial == 5)
