"""How much a device call takes, by a clock that the test holds."""

import jax.numpy as jnp
import pytest

from fkeras.training import pace as paces
from fkeras.training.pace import Pace


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by `clock.now`."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(paces.time, "perf_counter", lambda: Clock.now)
    return Clock


def after_calls(pace, clock, *seconds):
    """Steps of the next call after calls that took so long."""
    for duration in (0.0, *seconds):  # the first call starts the clock
        clock.now += duration
        pace.after({"loss": jnp.zeros(())})
    return pace.steps


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([], 8),
        ([0.01], 16),
        ([0.01, 0.01, 0.01, 0.01], 64),  # never more than the most
        ([0.05], 8),  # what it aims at
        ([1.0], 4),
        ([1.0] * 9, 1),  # never none
        ([0.01, 1.0], 8),
    ],
)
def test_short_calls_grow_and_long_ones_shrink(clock, seconds, expected):
    assert after_calls(Pace(8, most=64, in_flight=0), clock, *seconds) == expected


def test_a_number_that_the_user_chose_stays(clock):
    assert after_calls(Pace(8, in_flight=0), clock, 0.001, 9.0) == 8


def test_time_between_passes_teaches_nothing(clock):
    pace = Pace(8, most=64, in_flight=0)
    after_calls(pace, clock)
    clock.now += 100.0
    pace.begin()
    assert after_calls(pace, clock) == 8


class Result:
    """Stands for an array under way."""

    def __init__(self):
        self.waited = 0

    def block_until_ready(self):
        self.waited += 1


def test_the_host_runs_so_many_calls_ahead_and_waits_for_the_oldest(monkeypatch):
    monkeypatch.setattr(paces.jax, "Array", Result)
    pace, results = Pace(1, in_flight=2), [Result() for _ in range(4)]
    for result in results:
        pace.after({"loss": result})
    assert [r.waited for r in results] == [1, 1, 0, 0]


def test_results_without_arrays_are_not_waited_for():
    pace = Pace(1, in_flight=0)
    for result in (None, {}, {"loss": 1.0}, [{"a": "text"}]):
        pace.after(result)
