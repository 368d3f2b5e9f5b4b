"""Which batches an epoch takes where it is run step by step."""

import itertools

import jax
import numpy as np
import pytest

from fkeras.data import make_source
from fkeras.errors import UserInputError
from fkeras.training.epoch_batches import EpochBatches
from fkeras.training.fit_options import FitOptions
from fkeras.training.progress import Progress

X = np.arange(10, dtype="float32").reshape(5, 2)


def epoch_batches(source, **options):
    options = FitOptions(key=jax.random.key(0), order_seed=0, epochs=3, **options)
    return EpochBatches(source, options, Progress())


def taken(batches, epoch):
    """First numbers of the batches that an epoch takes."""
    with batches.opened(epoch) as iterator:
        return [int(b[0][0, 0]) for b in itertools.islice(iterator, batches.limit)]


def generator(count):
    for i in range(count):
        yield (np.full((1, 2), i, "float32"),)


def test_a_number_of_steps_cuts_arrays_into_epochs_that_go_on():
    batches = epoch_batches(make_source(X, batch_size=1), steps_per_epoch=2)
    assert [taken(batches, i) for i in range(3)] == [[0, 2], [4, 6], [8]]
    with pytest.warns(UserWarning, match="the arrays give 5 batches a pass"):
        assert batches.ran_out(2, 1) is False  # the epoch ends there
    assert taken(batches, 3) == [0, 2]  # a new pass
    assert batches.ran_out(3, 2) is False
    batches.ran_out(4, 1)  # warned of once


def test_a_pass_that_ended_with_an_epoch_begins_anew():
    batches = epoch_batches(make_source(X[:4], batch_size=2), steps_per_epoch=2)
    assert taken(batches, 0) == [0, 4] and taken(batches, 1) == []
    assert batches.restart()
    assert taken(batches, 1) == [0, 4]


def test_a_generator_goes_on_and_ends():
    batches = epoch_batches(make_source(generator(5), steps_per_epoch=2), steps_per_epoch=2)
    assert [taken(batches, i) for i in range(3)] == [[0, 1], [2, 3], [4]]
    with pytest.warns(UserWarning, match="2 batches for each of 3 epochs; epoch 3 got 1"):
        assert batches.ran_out(2, 1) is True
    assert not batches.restart()


def test_what_is_used_up_ends_the_training():
    batches = epoch_batches(make_source(generator(2)))
    assert taken(batches, 0) == [0, 1] and taken(batches, 1) == []
    assert batches.ran_out(0, 2) is False
    with pytest.warns(UserWarning, match="interrupting training after 1 epochs"):
        assert batches.ran_out(1, 0) is True


def test_no_batch_at_all_is_an_error():
    batches = epoch_batches(make_source(generator(2)), initial_epoch=1)
    with pytest.raises(UserInputError, match="holds no batch at all"):
        batches.ran_out(1, 0)


def test_a_stream_that_is_left_early_is_closed():
    closed = []

    class Stream:
        in_memory, steps = False, None

        def epoch(self, index):
            try:
                yield (X,)
                yield (X,)
            finally:
                closed.append(index)

    batches = epoch_batches(Stream())
    with batches.opened(4) as iterator:
        next(iterator)
        assert closed == []
    assert closed == [4]
