"""Keras's files: what is said of weights that do not fit, and of the optimizer."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import IncompatibleFileError
from fkeras.saving.record import record_weights
from fkeras.saving.restoring import restore_weights
from tests.saving.models import X, Y, dense


def record(model):
    return record_weights(model, include_optimizer=True, layout="stores")


PROBLEMS = [
    (dense((5, 1)), r"layers/dense/kernel.*: file \(3, 4\), model \(3, 5\)"),
    (dense((4,), (None,)), r"layers/dense_1/vars/0: file \(4, 1\) of '\w+', not in the model"),
    (dense((4, 1, 2), (None,) * 3), r"layers/dense_2/kernel.*not in the file, model \(1, 2\)"),
]


@pytest.mark.parametrize("model, problem", PROBLEMS)
def test_all_that_does_not_fit_is_named_and_nothing_is_set(model, problem):
    before = model.get_weights()
    with pytest.raises(IncompatibleFileError, match=f"(?s)do not fit the model:\n.*{problem}"):
        restore_weights(model, record(dense()))
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert restore_weights(model, record(dense()), skip_mismatch=True)


def test_the_name_of_a_layer_is_told_where_the_path_does_not_say_it():
    with pytest.raises(IncompatibleFileError, match="layers/dense_1/kernel of layer 'head'"):
        restore_weights(dense((4, 2), (None, "head")), record(dense()))


def test_skip_mismatch_with_nothing_that_fits_is_an_error():
    with pytest.raises(IncompatibleFileError, match="None of the weights"):
        restore_weights(dense((5, 5)), record(dense((2, 2))), skip_mismatch=True)


def test_a_trained_models_optimizer_is_restored_too():
    model = dense(compiled=True)
    model.fit(X, Y, verbose=0)
    saved = record(model)
    after = model.optimizer.get_weights() if hasattr(model.optimizer, "get_weights") else None
    values = [np.asarray(v) for v in model.optimizer.variables]
    model.fit(X, Y, verbose=0)
    assert restore_weights(model, saved) == []
    for a, b in zip(values, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert after is None or len(after) == len(values)


def test_an_optimizer_that_was_not_trained_keeps_its_state_and_that_is_said():
    trained, fresh = dense(compiled=True), dense()
    trained.fit(X, Y, verbose=0)
    assert restore_weights(fresh, record(trained)) == []  # no optimizer, no word
    fresh.compile(fkeras.optimizers.SGD(0.5), "mse")
    with pytest.warns(UserWarning, match="optimizer that is not the one.*'sgd', not built yet"):
        restore_weights(fresh, record(trained))
    assert float(fresh.optimizer.learning_rate) == 0.5


def test_layers_without_arrays_of_their_own_do_not_matter():
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(4), layers.ReLU(), layers.Dense(1)])
    assert restore_weights(model, record(dense())) == []
