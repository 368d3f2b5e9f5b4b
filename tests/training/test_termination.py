"""SIGTERM: heard between device calls, or at once where the loop waits for data."""

import signal
import threading

import pytest

from fkeras.training import termination
from fkeras.training.termination import Terminated

from . import kills


@pytest.fixture(autouse=True)
def _handler_is_as_before():
    before = signal.getsignal(signal.SIGTERM)
    yield
    assert signal.getsignal(signal.SIGTERM) is before
    signal.signal(signal.SIGTERM, before)


def terminate():
    signal.raise_signal(signal.SIGTERM)


def test_a_signal_sets_the_flag_and_ends_the_process_with_143():
    with pytest.raises(SystemExit) as caught:
        with termination.watched() as watched:
            assert not watched.has_come()
            terminate()
            assert watched.has_come()
    assert caught.value.code == 143


def test_a_signal_while_waiting_for_data_acts_at_once():
    def batches():
        yield 1
        terminate()
        yield 2

    taken = []
    with pytest.raises(Terminated):
        with termination.watched() as watched:
            taken.extend(watched.while_waiting_for(batches()))
    assert taken == [1]
    with pytest.raises(Terminated):
        with termination.watched() as watched:
            for batch in watched.while_waiting_for(iter([1, 2])):
                taken.append(batch)
                terminate()  # in the middle of a step: heard before the next wait
    assert taken == [1, 1]


def test_the_users_handler_is_called_afterwards_and_stays():
    called = []
    before = signal.signal(signal.SIGTERM, lambda *arguments: called.append(arguments))
    mine = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(Terminated):
            with termination.watched():
                terminate()
                assert not called
        assert called == [(signal.SIGTERM, None)]
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_process_that_ignores_the_signal_and_other_threads_are_left_alone():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with termination.watched() as watched:
            terminate()
            assert not watched.has_come()
    finally:
        signal.signal(signal.SIGTERM, before)

    seen = []

    def look():
        with termination.watched():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_preempted_process_saves_and_the_next_one_goes_on(tmp_path):
    """Real processes, which are sent the signal in a hook, in a validation, and in a generator that
    waits for ever.
    """
    assert kills.run(kills.train_preempted, "nowhere", tmp_path / "whole") == 0
    expected = kills.result_of(tmp_path / "whole")
    for where in ("epoch", "validation", "waiting"):
        folder = tmp_path / where
        assert kills.run(kills.train_preempted, where, folder) == 143
        assert [path.name for path in folder.iterdir()] == ["latest.backup"]
        assert (tmp_path / f"{where}.heard").exists()
        assert kills.run(kills.train_preempted, "nowhere", folder) == 0
        kills.assert_same(kills.result_of(folder), expected)


def test_several_processes_do_not_lose_their_data_at_the_end_of_an_epoch(monkeypatch):
    monkeypatch.setattr(termination.agreement, "is_needed", lambda: True)
    data = (number for number in range(4))
    for expected in ([0, 1], [2, 3]):
        epoch = termination.Termination().while_waiting_for(data)
        assert [next(epoch), next(epoch)] == expected
        epoch.close()
