"""Callbacks that change and that a backup cannot take along are told of."""

import warnings

import pytest

from fkeras import callbacks
from fkeras.training.forgetful import Forgetful


class Counter(callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.count, self.seen, self.name = 0, [], "counter"


class Remembers(Counter):
    def get_state(self):
        return {"count": self.count}


@pytest.mark.parametrize("attribute", ["count", "seen"])
def test_a_change_is_told_once(attribute):
    counter = Counter()
    forgetful = Forgetful([counter])
    counter.count = 5
    forgetful.look()
    forgetful.warn()  # nothing has changed since
    setattr(counter, attribute, {"count": 6, "seen": [1]}[attribute])
    with pytest.warns(UserWarning, match=f"Counter changes its attribute '{attribute}'"):
        forgetful.warn()
    forgetful.warn()


@pytest.mark.parametrize("make", [Remembers, callbacks.EarlyStopping, callbacks.ProgbarLogger])
def test_who_remembers_and_who_is_the_librarys_own_is_left_alone(make):
    callback = make()
    forgetful = Forgetful([callback])
    callback.count = callback.seen = 7
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forgetful.warn()
