"""`Fit` over fake executables: which form an epoch takes, and what is counted."""

import jax
import numpy as np
import pytest

from fkeras.data import make_source
from fkeras.training import loan, training_steps
from fkeras.training.fit import Fit
from fkeras.training.fit_options import FitOptions
from fkeras.training.interrupts import Interrupts
from fkeras.training.progress import Progress
from fkeras.training.training_steps import TrainingSteps
from fkeras.training.warmup import warm_up

from .fakes import FakeCallbacks, FakeExecutables

X = np.zeros((11, 2), "float32")
KEY = jax.random.key(0)


def fit(source=None, *, fuses=True, hooks=False, validation=None, check=lambda: None, **options):
    executables, callbacks, progress = FakeExecutables(fuses), FakeCallbacks(hooks), Progress()
    source = make_source(X, batch_size=2) if source is None else source
    options = FitOptions(key=KEY, order_seed=0, **options)
    return Fit(
        executables,
        source,
        callbacks,
        progress,
        options,
        validation=validation,
        check_interrupts=check,
    )


FORMS = [
    ({}, [("train_many", 0, 4), ("train_many", 4, 1), ("train_one", 5, 1)]),
    ({"fuse": False}, [("train_one", i, 1) for i in range(6)]),
    ({"hooks": True}, [("train_one", i, 1) for i in range(6)]),
    (
        {"hooks": True, "steps_per_execution": 2},
        [("train_many", 0, 2), ("train_many", 2, 2), ("train_one", 4, 1), ("train_one", 5, 1)],
    ),
    ({"steps_per_epoch": 2}, [("train_one", 0, 1), ("train_one", 1, 1)]),
]


@pytest.mark.parametrize(("arguments", "expected"), FORMS)
def test_an_epoch_takes_the_widest_form_that_no_hook_minds(arguments, expected):
    run = fit(**arguments)
    run.run()
    assert run.executables.calls == expected
    assert run.progress.steps == sum(count for *_, count in expected) and run.progress.epochs == 1


def test_metrics_begin_anew_in_each_epoch_and_logs_are_those_of_its_end():
    run = fit(epochs=2)
    run.run()
    assert run.callbacks.logs["epoch_end 0"] == run.callbacks.logs["epoch_end 1"] == {"rows": 11.0}
    assert run.callbacks.logs["train_end"] == {"rows": 11.0}


def test_hooks_come_in_keras_order():
    run = fit(make_source(X[:4], batch_size=2), fuses=False, validation=make_source(X[:2]))
    run.run()
    assert run.callbacks.events == [
        *("train_begin", "epoch_begin 0"),
        *("train_batch_begin 0", "train_batch_end 0", "train_batch_begin 1", "train_batch_end 1"),
        *("test_begin", "test_batch_begin 0", "test_batch_end 0", "test_end"),
        *("epoch_end 0", "train_end"),
    ]
    assert run.callbacks.logs["epoch_end 0"] == {"rows": 4.0, "val_rows": 2.0}


def test_only_some_epochs_are_validated():
    run = fit(epochs=4, validation=make_source(X), validation_freq=2)
    run.run()
    with_validation = [i for i in range(4) if "val_rows" in run.callbacks.logs[f"epoch_end {i}"]]
    assert with_validation == [1, 3]


@pytest.mark.parametrize("fuses", [True, False])
def test_a_wish_to_stop_is_heard_behind_the_call(fuses):
    run = fit(epochs=5, fuses=fuses, should_stop=lambda: True)
    run.run()
    assert run.progress.steps == (4 if fuses else 1)  # one call, and the epoch ends properly
    assert run.callbacks.events[-2:] == ["epoch_end 0", "train_end"]


def test_a_stream_that_runs_out_ends_the_training():
    run = fit(make_source((X[i : i + 1],) for i in range(3)), epochs=4)
    with pytest.warns(UserWarning, match="ran out of data; interrupting training after 1"):
        run.run()
    assert run.progress.steps == 3 and "epoch_end 1" not in run.callbacks.events


def test_an_epoch_that_is_cut_short_is_the_last():
    batches = ((X[i : i + 1],) for i in range(3))
    run = fit(make_source(batches, steps_per_epoch=2), epochs=4, steps_per_epoch=2)
    with pytest.warns(UserWarning, match="epoch 2 got 1"):
        run.run()
    assert run.callbacks.events[-2:] == ["epoch_end 1", "train_end"] and run.progress.steps == 3


def test_finish_is_called_behind_the_last_epoch_and_after_epoch_behind_each():
    seen = []
    run = fit(epochs=2, finish=lambda: seen.append("end"), after_epoch=lambda: seen.append("epoch"))
    run.run()
    assert seen == ["epoch", "epoch", "end"]


def test_an_interrupt_leaves_the_steps_counted_and_ends_the_loan():
    flag = Interrupts()
    flag.is_requested = True
    run = fit(fuses=False, check=flag.check)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert run.progress.steps == 1 and run.loan.values is None
    assert run.progress.epochs == 1  # it was begun: its order of samples does not come again


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [("train_many", 0, 0), ("train_one", 0, 1)]),
        ({"fuse": False}, [("train_one", 0, 1), ("train_one", 0, 1)]),
        ({"validation": make_source(X[:4], batch_size=2), "fuse": False}, [("test_one", 0, 1)]),
    ],
)
def test_warming_up_makes_the_calls_and_counts_no_step(arguments, expected):
    run = fit(**arguments)
    warm_up(run)
    assert run.executables.calls[-len(expected) :] == expected
    assert run.progress == Progress() and run.callbacks.events == []


def test_warming_up_plain_python_does_nothing():
    run = fit()
    run.executables.eager = True
    warm_up(run)
    assert run.executables.calls == []


def test_steps_number_themselves_by_the_models_life():
    executables, progress = FakeExecutables(), Progress(steps=7)
    steps = TrainingSteps(executables, progress, KEY)
    steps.loan.take_over()
    steps.one(0, (X,))
    steps.many((X,), None, 2)(3, 4)
    assert executables.calls == [("train_one", 7, 1), ("train_many", 3, 4)]
    assert progress.steps == 12
    steps.reset_metrics(is_first=True)
    assert steps.loan.values[3] == [0]


@pytest.mark.parametrize(("limit", "expected"), [(-1, 2), (2**20, 0)])
def test_memory_is_given_back_behind_the_first_call_of_each_form(monkeypatch, limit, expected):
    given = []
    monkeypatch.setattr(loan, "LARGE_STATE", limit)
    monkeypatch.setattr(training_steps, "give_back", lambda: given.append(1))
    run = fit(epochs=3)  # many steps in a call, and the smaller last batch
    run.run()
    assert len(given) == expected
