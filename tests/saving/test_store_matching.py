"""Keras's files: what is said of weights that do not fit, and of the optimizer."""

import dataclasses

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


class Blocks(fkeras.Model):
    """Its layers are found under `layers` too, behind `blocks`."""

    def __init__(self):
        super().__init__()
        self.blocks = [(layers.Dense(2),), (layers.Dense(2),)]

    def call(self, x):
        for (layer,) in self.blocks:
            x = layer(x)
        return x


def test_an_attribute_of_another_name_that_gives_the_same_layer_counts():
    """Files of earlier releases of Keras have no containers inside of containers."""
    model, other = Blocks(), Blocks()
    model(X), other(X)
    saved = record(model)
    moved = {
        "blocks/container/dense": "layers/dense",
        "blocks/container_1/dense": "layers/dense_1",
    }
    assert moved.keys() <= saved.stores.keys()
    stores = {moved.get(path, path): store for path, store in saved.stores.items()}
    assert restore_weights(other, dataclasses.replace(saved, stores=stores)) == []
    for a, b in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_objects_to_skip_stay_as_they_are_with_all_below_them(tmp_path):
    def make():
        inner = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(2)], name="inner")
        return fkeras.Sequential([fkeras.Input((3,)), layers.Dense(4), inner])

    model, target = make(), make()
    before = target.get_weights()
    model.save_weights(tmp_path / "all.weights.h5")
    model.save_weights(tmp_path / "part.weights.h5", objects_to_skip=[model.layers[1]])
    for name in ("all", "part"):
        skipped = [target.layers[1]]
        target.load_weights(tmp_path / f"{name}.weights.h5", objects_to_skip=skipped)
        expected = [*model.get_weights()[:2], *before[2:]]
        for a, b in zip(target.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(
        IncompatibleFileError, match="layers/sequential/layers/dense/kernel.*: not in the file"
    ):
        target.load_weights(tmp_path / "part.weights.h5")
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="objects_to_skip"):
        target.load_weights(tmp_path / "model.keras", objects_to_skip=[])
    with pytest.raises(ValueError, match="objects_to_skip"):
        model.save_weights(tmp_path / "model.h5", objects_to_skip=[])
