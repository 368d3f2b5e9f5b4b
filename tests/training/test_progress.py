"""The lifetime counts of a model."""

import pickle

import jax.numpy as jnp
import numpy as np

from fkeras.training.progress import Progress


def test_the_counter_of_the_last_step_is_used_as_it_lies_on_the_device():
    progress = Progress()
    assert progress.counter() == np.int32(0) and isinstance(progress.counter(), np.int32)
    counter = jnp.int32(3)
    progress.advance(3, counter)
    assert progress.steps == 3 and progress.counter() is counter


def test_a_counter_that_is_stale_or_consumed_is_sent_again():
    progress, counter = Progress(), jnp.int32(3)
    progress.advance(3, counter)
    progress.steps += 1  # `train_on_batch`
    assert progress.counter() == np.int32(4)
    progress.steps = 3
    counter.delete()
    assert progress.counter() == np.int32(3) and isinstance(progress.counter(), np.int32)


def test_plain_values_go_both_ways():
    progress = Progress(steps=5, epochs=2, predicted=7)
    assert progress.to_plain() == {"steps": 5, "epochs": 2}
    other = Progress()
    other.update({"steps": np.int64(5), "epochs": "2"})
    assert (other.steps, other.epochs) == (5, 2) and type(other.steps) is int


def test_a_pickle_leaves_the_device_behind():
    progress = Progress(steps=1, predicted=7)
    progress.advance(1, jnp.int32(2))
    copy = pickle.loads(pickle.dumps(progress))
    assert copy == Progress(steps=2, predicted=7)
