"""Frames and series whose rows carry the same labels in another order."""

import numpy as np
import pytest

from fkeras.data import make_source, train_validation_split
from fkeras.errors import UserInputError

pd = pytest.importorskip("pandas")

NAMES = ["ann", "bob", "eve", "joe"]
DATES = pd.date_range("2026-01-01", periods=4)
PAIRS = pd.MultiIndex.from_product([["a", "b"], [1, 2]])


def frame(index):
    return pd.DataFrame({"a": np.arange(4.0), "b": np.ones(4)}, index=index)


def series(index):
    return pd.Series(np.arange(4.0), index=index)


# x, y, sample_weight, what the message says
WRONG = {
    "names": (
        frame(NAMES),
        series(NAMES[::-1]),
        None,
        "y .* labels of x .*row 0: 'ann' in x",
    ),
    "ints": (frame([3, 1, 2, 0]), series([0, 1, 2, 3]), None, r"y = y.loc\[x.index\]"),
    "dates": (frame(DATES), series(DATES[::-1]), None, "y.to_numpy"),
    "pairs": (frame(PAIRS), series(PAIRS[::-1]), None, "another order"),
    "a frame of targets": (frame(NAMES), frame(NAMES[::-1]), None, "another order"),
    "two swapped": (frame(NAMES), series(["ann", "bob", "joe", "eve"]), None, "row 2: 'eve' in x"),
    "weights": (frame(NAMES), series(NAMES), series(NAMES[::-1]), "sample_weight has the row"),
    "a dict": ({"in": frame(NAMES), "more": frame(NAMES[::-1])}, None, None, r"x\['more'\] has"),
    "x an array": (np.ones(4), series(NAMES), series(NAMES[::-1]), "sample_weight .* labels of y"),
}


@pytest.mark.parametrize("x, y, weight, words", WRONG.values(), ids=WRONG)
def test_the_same_labels_in_another_order_are_refused(x, y, weight, words):
    with pytest.raises(UserInputError, match=words):
        make_source(x, y, weight)
    with pytest.raises(UserInputError, match=words):
        train_validation_split((x, y, weight), 0.5)


RIGHT = {
    "the same order": (frame(NAMES), series(NAMES)),
    "x only counted": (frame(None), series([3, 2, 1, 0])),
    "y only counted": (frame([3, 2, 1, 0]), series(None)),
    "both counted": (frame(None), series(None)[::-1]),
    "other labels": (frame(NAMES), series(["p1", "p2", "p3", "p4"])),
    "some other labels": (frame(NAMES), series(["ann", "joe", "eve", "p4"])),
    "one an array": (frame(NAMES), np.arange(4.0)),
    "one label": (frame(["train"] * 4), series(["train"] * 4)),
}


@pytest.mark.parametrize("x, y", RIGHT.values(), ids=RIGHT)
def test_rows_count_by_position_else(x, y):
    assert np.array_equal(make_source(x, y).arrays[1].ravel(), np.asarray(y))


def test_what_mends_it_gives_the_right_rows():
    x, y = frame(NAMES), series(NAMES)[::-1]
    assert make_source(x, y.loc[x.index]).arrays[1].tolist() == [[0], [1], [2], [3]]
