import numpy as np
import pytest

from fkeras.data import train_validation_split
from fkeras.errors import UserInputError


def test_last_rows_are_cut_off():
    x, y = np.arange(101), list(range(101))
    train, validation = train_validation_split((x, y, None), 0.2)
    assert len(train[0]) == len(train[1]) == 80 and train[2] is None
    assert validation[0].tolist() == validation[1] == list(range(80, 101))
    assert np.shares_memory(train[0], x)


def test_structures_are_split_alike():
    (x,), (x_val,) = train_validation_split(({"a": [np.arange(4), [1, 2, 3, 4]]},), 0.5)
    assert x_val["a"][0].tolist() == [2, 3] and x_val["a"][1] == [3, 4]


@pytest.mark.parametrize("split", [0.0, 1.0, 1.5, -0.1, "0.2", True, float("nan")])
def test_fraction_must_be_one(split):
    with pytest.raises(UserInputError, match="fraction between 0 and 1"):
        train_validation_split((np.arange(10),), split)


@pytest.mark.parametrize(
    "data, split, words",
    [
        ((np.arange(3),), 0.9, "3 samples, which is not sufficient"),
        ((np.arange(1),), 0.5, "not sufficient"),
        ((np.arange(3), np.arange(4)), 0.5, "x: 3, y: 4"),
        ((iter([1]),), 0.5, "only supported for arrays"),
        ((np.zeros(0),), 0.5, "0 samples"),
    ],
)
def test_what_cannot_be_split(data, split, words):
    with pytest.raises(UserInputError, match=words):
        train_validation_split(data, split)


@pytest.mark.parametrize("split, which", [(0.1, "validation"), (0.85, "training")])
def test_one_sample_warns(split, which):
    with pytest.warns(UserWarning, match=f"leaves 1 sample for {which}"):
        train_validation_split((np.arange(10),), split)
