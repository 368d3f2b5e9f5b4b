import importlib
import random

import numpy as np
import pytest

from fkeras.data.word_pairs import make_sampling_table, skipgrams

TEXT = [1, 5, 0, 3, 2, 2, 4, 1, 3]


@pytest.fixture(scope="module")
def theirs(keras):
    return importlib.import_module("keras.src.legacy.preprocessing.sequence")


@pytest.mark.parametrize("arguments", [(50,), (50, 1e-3)])
def test_probabilities_by_rank(theirs, arguments):
    np.testing.assert_array_equal(
        make_sampling_table(*arguments), theirs.make_sampling_table(*arguments)
    )


@pytest.mark.filterwarnings("ignore:non-integer arguments to randrange:DeprecationWarning")
@pytest.mark.parametrize(
    "arguments",
    [
        {"seed": 3},
        {"window_size": 1, "negative_samples": 2.5, "seed": 3},
        {"negative_samples": 0, "shuffle": False},
        {"categorical": True, "seed": 1},
        {"sampling_table": np.linspace(0.2, 0.9, 6), "seed": 1},
    ],
)
def test_pairs(theirs, arguments):
    results = []
    for function in (skipgrams, theirs.skipgrams):
        random.seed(4)
        results.append(function(TEXT, 6, **arguments))
    assert results[0] == results[1]


def test_without_a_seed_the_order_is_drawn():
    random.seed(4)
    couples, labels = skipgrams(TEXT, 6)
    assert len(couples) == len(labels) and set(labels) == {0, 1}
    assert skipgrams([0], 6) == ([], [])
