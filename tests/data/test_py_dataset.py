"""Batches by index."""

import itertools

import numpy as np
import pytest

import fkeras
from fkeras.data import PyDataset


class Counting(PyDataset):
    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return np.full((2, 3), float(index)), np.full(2, index)


class Endless(Counting):
    num_batches = None


def test_settings_are_attributes():
    dataset = Counting(3, workers=4, use_multiprocessing=True, max_queue_size=7)
    assert (dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size) == (4, True, 7)
    dataset.workers = 2
    assert dataset.workers == 2
    assert Counting(1).workers == 1 and Counting(1).max_queue_size == 10


def test_the_length_is_the_number_of_batches():
    assert Counting(3).num_batches == 3
    assert [int(y[0]) for _, y in Counting(3)] == [0, 1, 2]


def test_none_is_without_end():
    assert [int(y[0]) for _, y in itertools.islice(Endless(0), 4)] == [0, 1, 2, 3]


def test_the_two_methods_must_be_defined():
    with pytest.raises(NotImplementedError, match="PyDataset must define `__getitem__"):
        PyDataset()[0]
    with pytest.raises(NotImplementedError, match="You need to implement `__len__`"):
        _ = PyDataset().num_batches


@pytest.mark.parametrize(
    "name, default", [("workers", 1), ("use_multiprocessing", False), ("max_queue_size", 10)]
)
def test_a_forgotten_constructor_is_told_once(name, default):
    class Careless(Counting):
        def __init__(self):
            pass

    dataset = Careless()
    with pytest.warns(UserWarning, match=r"call `super\(\).__init__.*not those of `fit") as caught:
        assert getattr(dataset, name) == default
    assert caught[0].filename == __file__
    assert getattr(dataset, name) == default  # warnings are errors here


def test_a_model_trains_on_one():
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(Counting(3, workers=2), epochs=2, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == 6
    assert model.predict(Counting(3), verbose=0).shape == (6, 1)


def test_keras_calls_it_sequence_too():
    assert fkeras.utils.Sequence is fkeras.utils.PyDataset is PyDataset
