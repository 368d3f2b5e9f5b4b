"""What `fit` was asked for, as the loop takes it."""

import dataclasses

import jax
import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError
from fkeras.training.fit_options import FitOptions, check_validation_freq, order_seed


def options(**changes):
    return FitOptions(key=jax.random.key(0), order_seed=0, **changes)


@pytest.mark.parametrize(
    ("freq", "expected"),
    [(1, [0, 1, 2, 3]), (2, [1, 3]), (5, []), ([1, 4], [0, 3]), (range(2, 4), [1, 2]), ({3}, [2])],
)
def test_epochs_that_are_validated(freq, expected):
    check_validation_freq(freq)
    chosen = options(validation_freq=freq)
    assert [epoch for epoch in range(4) if chosen.is_validation_epoch(epoch)] == expected


@pytest.mark.parametrize(
    ("freq", "words"), [(0, "at least 1. Received: 0"), (-2, "at least 1"), (1.5, "int, or a")]
)
def test_a_frequency_that_is_none_is_refused(freq, words):
    with pytest.raises(UserInputError, match=words):
        check_validation_freq(freq)


def test_options_do_not_change():
    chosen = options(epochs=7, initial_epoch=2, steps_per_execution=3)
    assert chosen.num_epochs == 5 and chosen.steps_of_call == 3
    assert options().steps_of_call is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        chosen.epochs = 8


def test_the_order_of_samples_follows_from_the_models_key():
    fkeras.utils.set_random_seed(4)
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    high, low = np.asarray(jax.random.key_data(model.build_key)).tolist()
    assert order_seed(model) == high * 2**32 + low
