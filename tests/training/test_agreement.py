import numpy as np
import pytest

from fkeras.core import placement
from fkeras.errors import UserInputError
from fkeras.training import agreement


class Stream:
    in_memory = False


class Arrays:
    in_memory = True


def test_one_process_agrees_with_itself():
    assert not agreement.is_needed()
    assert agreement.any_of(True) is True and agreement.any_of(False) is False
    batches = iter([1])
    assert agreement.shared(batches, Stream(), object()) is batches


@pytest.fixture
def two_processes(monkeypatch):
    """A second process beside this one, whose answers are given."""
    answers = []
    monkeypatch.setattr(agreement, "is_needed", lambda: True)

    def gather(value):
        return np.stack([value, np.asarray(answers.pop(0), value.dtype)])

    monkeypatch.setattr(placement, "gather_from_processes", gather)
    monkeypatch.setattr(placement, "join_batches", lambda batch, distribution: ("joined", batch))
    return answers


def test_bytes_of_different_lengths(two_processes):
    two_processes[:] = [3, list(b"abc")]
    assert agreement.gather_bytes(b"a") == [b"a", b"abc"]


def test_what_one_of_two_says_both_do(two_processes):
    two_processes[:] = [1, 0]
    assert agreement.any_of(False) is True and agreement.any_of(False) is False


def test_arrays_are_the_same_on_each_process(two_processes):
    batches = iter([1])
    assert agreement.shared(batches, Arrays(), object()) is batches
    assert agreement.shared(batches, Stream(), None) is batches


def test_streams_are_joined_until_the_first_ends(two_processes):
    own = [(np.zeros((4, 2)),), (np.ones((4, 2)),)]
    two_processes[:] = [4, -1]
    batches = agreement.shared(iter(own), Stream(), object())
    assert next(batches)[0] == "joined"
    with pytest.warns(UserWarning, match=r"processes \[1\] ended before"):
        assert next(batches, "end") == "end"


def test_streams_that_end_together_end_in_silence(two_processes):
    two_processes[:] = [-1]
    assert list(agreement.shared(iter([]), Stream(), object())) == []


def test_parts_of_different_sizes_are_an_error(two_processes):
    two_processes[:] = [3]
    batches = agreement.shared(iter([(np.zeros((4, 2)),)]), Stream(), object())
    with pytest.raises(UserInputError, match=r"as many rows a batch.*\[4, 3\]"):
        next(batches)
