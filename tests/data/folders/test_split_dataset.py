import numpy as np
import pytest

import fkeras
from fkeras.data import Dataset
from fkeras.errors import UserInputError

split = fkeras.utils.split_dataset
X, Y = np.arange(20.0).reshape(10, 2), np.arange(10)


def ids(dataset):
    return [int(np.ravel(e[1])[0]) for e in dataset.as_numpy_iterator()]


class TorchLike:
    """What a `torch.utils.data.Dataset` is."""

    __len__ = lambda self: len(X)

    def __getitem__(self, index):
        return X[index], Y[index]


@pytest.mark.parametrize(
    "data", [[X, Y], (X, Y), Dataset.from_tensor_slices((X, Y)), TorchLike()], ids=lambda d: ""
)
@pytest.mark.parametrize(
    "sizes, left",
    [((0.8, None), 8), ((None, 0.3), 7), ((2, None), 2), ((0.5, 2), 5), ((None, 4), 6)],
)
def test_sizes(data, sizes, left):
    first, second = split(data, *sizes)
    right = 2 if sizes == (0.5, 2) else 10 - left
    assert ids(first) == list(range(left)) and ids(second) == list(range(10 - right, 10))
    assert len(first) == left and first.element_spec[0].shape == (2,)


def test_batches_dicts_and_single_arrays():
    batched = Dataset.from_tensor_slices({"a": X, "b": Y}).batch(4).prefetch(1)
    first, second = split(batched, left_size=6)
    assert [e["b"].tolist() for e in first] == [[0, 1, 2, 3], [4, 5]]
    assert [e["a"].shape for e in second] == [(4, 2)]
    assert [int(v) for v in split(Y, right_size=2)[1]] == [8, 9]


def test_a_seeded_order_is_keras_s():
    import random

    order = list(range(10))
    random.Random(3).shuffle(order)
    state = random.getstate()
    first, second = split((X, Y), left_size=7, shuffle=True, seed=3)
    assert ids(first) + ids(second) == order
    assert random.getstate() == state  # Keras seeds the process's generator
    assert sorted(ids(split((X, Y), 9, shuffle=True)[0]) + [0])[1:] != []


ERRORS = [
    ([X, Y], {}, "At least one"),
    ([X, Y], {"left_size": 0.5, "right_size": 0.6}, "greater than 1"),
    ([X, Y], {"left_size": 6, "right_size": 6}, "smaller than the 10"),
    ([X, Y], {"left_size": 10}, "positive integer smaller than 10"),
    ([X, Y], {"right_size": 1.0}, "float within the range"),
    ([X, Y], {"left_size": 0}, "positive integer"),
    ([X, Y], {"left_size": "a"}, "Invalid `left_size` Type"),
    ([X, Y], {"left_size": 0.01}, "one part will be empty"),
    ([X, Y[:3]], {"left_size": 1}, "different lengths.*index 1"),
    ([[1], [2]], {"left_size": 1}, "index 0"),
    ([], {"left_size": 1}, "empty list"),
    (Dataset.range(0), {"left_size": 1}, "empty"),
    (3, {"left_size": 1}, "must be a dataset"),
]


@pytest.mark.parametrize("data, sizes, message", ERRORS)
def test_errors(data, sizes, message):
    with pytest.raises(UserInputError, match=message):
        split(data, **sizes)
