"""What is left if a step fails on the device."""

import types

import jax.numpy as jnp
import pytest

from fkeras.training import snapshots as snapshots_module
from fkeras.training.progress import Progress
from fkeras.training.snapshots import Snapshots, is_alive


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

    monkeypatch.setattr(snapshots_module.time, "monotonic", lambda: Clock.now)
    return Clock


def loan_of(values):
    loan = types.SimpleNamespace(values=values, is_written_back=True)
    loan.values_to_donate = lambda: loan.values
    loan.lost = []
    loan.lose = loan.lost.append
    return loan


def test_values_that_live_are_left_alone(clock):
    loan, progress = loan_of(([jnp.ones(2)],)), Progress(steps=9)
    snapshots = Snapshots(loan, progress)
    snapshots.store(([jnp.zeros(2)],))
    error = ValueError()
    snapshots.recover(error)
    assert loan.values[0][0].tolist() == [1, 1] and not hasattr(error, "__notes__")


def test_consumed_values_fall_back_with_their_step_and_say_so(clock):
    loan, progress = loan_of(([jnp.ones(2)],)), Progress(steps=4)
    snapshots = Snapshots(loan, progress)
    snapshots.store(([jnp.zeros(2)],))
    progress.steps = 9
    loan.values[0][0].delete()
    error = ValueError()
    snapshots.recover(error)
    assert loan.values[0][0].tolist() == [0, 0]
    assert progress.steps == 4 and not loan.is_written_back
    assert "after step 9" in error.__notes__[0] and "weights of step 4" in error.__notes__[0]


def test_a_young_snapshot_is_not_replaced_and_an_old_one_by_a_copy(clock):
    array = jnp.ones(2)
    loan, progress = loan_of(([array],)), Progress()
    snapshots = Snapshots(loan, progress)
    snapshots.store(([jnp.zeros(2)],))
    clock.now, progress.steps = 1.0, 1
    snapshots.store_if_due()
    assert snapshots._steps == 0
    clock.now = 2.0
    snapshots.store_if_due()
    assert snapshots._steps == 1
    array.delete()  # the next call may consume what training goes on with
    snapshots.recover(ValueError())
    assert loan.values[0][0].tolist() == [1, 1]


def test_of_a_large_state_no_copy_is_made_and_a_failed_step_loses_it(clock, monkeypatch):
    monkeypatch.setattr(snapshots_module, "copy_tree", lambda tree: pytest.fail("a copy"))
    loan, progress = loan_of(([jnp.ones(2)],)), Progress(steps=7)
    snapshots = Snapshots(loan, progress)
    snapshots.store(None)
    clock.now = 100.0
    snapshots.store_if_due()
    snapshots.recover(KeyboardInterrupt())  # the values live
    assert loan.lost == []
    loan.values[0][0].delete()
    error = ValueError()
    snapshots.recover(error)
    (note,), (told,) = error.__notes__, loan.lost
    assert told in note and "after step 7" in note and "BackupAndRestore" in note


def test_a_fit_that_never_began_has_nothing_to_recover(clock):
    Snapshots(loan_of(None), Progress()).recover(ValueError())


def test_the_dead_are_told_from_the_living():
    array = jnp.ones(2)
    assert is_alive([array, 1, None, "a"])
    array.delete()
    assert not is_alive({"a": array})
