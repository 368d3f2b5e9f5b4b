"""`OrbaxCheckpoint`: when it saves, what stays, and what becomes of failures."""

import os

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.callbacks import Callback, OrbaxCheckpoint
from fkeras.errors import SaveError, UserInputError
from fkeras.saving.formats import orbax_directory

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(12, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def net():
    fkeras.utils.set_random_seed(0)
    model = fkeras.Sequential(
        [fkeras.Input((3,)), layers.Dense(4), layers.Dropout(0.5), layers.Dense(1)]
    )
    model.compile(fkeras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def steps(path):
    return sorted(int(name) for name in os.listdir(path))


class Scripted(Callback):
    """Puts values into the logs of epochs, before others look at them."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = self.values[epoch]


SAVES = [
    ({}, [2]),
    ({"max_to_keep": 2}, [1, 2]),
    ({"max_to_keep": None}, [0, 1, 2]),
    ({"max_to_keep": None, "save_freq": 2}, [2, 4, 6, 8]),
    ({"max_to_keep": 2, "save_freq": 2}, [6, 8]),
    ({"max_to_keep": None, "save_on_background": False}, [0, 1, 2]),
]


@pytest.mark.parametrize("options, expected", SAVES)
def test_which_checkpoints_there_are(tmp_path, options, expected):
    net().fit(X, Y, 4, 3, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path, **options)])
    assert steps(tmp_path) == expected


BEST = [
    ({"mode": "max"}, [0.5, 0.7, 0.6], [0, 1]),
    ({"mode": "min"}, [0.5, 0.7, 0.4], [0, 2]),
    ({"mode": "max"}, [float("nan"), 0.7, float("nan")], [1]),
    ({"mode": "max", "initial_value_threshold": 0.6}, [0.5, 0.7, 0.6], [1]),
]


@pytest.mark.parametrize("options, values, expected", BEST)
def test_only_the_best_are_saved(tmp_path, options, values, expected):
    save = OrbaxCheckpoint(tmp_path, "score", save_best_only=True, max_to_keep=None, **options)
    save.check_monitor = lambda *arguments: None  # it is there at the end of the epoch only
    net().fit(X, Y, 4, 3, verbose=0, callbacks=[Scripted(values), save])
    assert steps(tmp_path) == expected


def test_without_the_monitored_value_nothing_is_saved(tmp_path):
    save = OrbaxCheckpoint(tmp_path, save_best_only=True)
    with pytest.warns(UserWarning, match=r"OrbaxCheckpoint\(monitor='val_loss'\)"):
        net().fit(X, Y, verbose=0, callbacks=[save])
    assert steps(tmp_path) == []


def test_a_training_goes_on_from_its_checkpoint(tmp_path):
    """The epochs after are those of the run that was not interrupted."""
    model = net()
    model.fit(X, Y, 6, 2, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path)])
    again = fkeras.saving.load_model(tmp_path)
    assert again.training_progress == model.training_progress
    histories = [m.fit(X, Y, 6, 2, verbose=0).history for m in (model, again)]
    assert histories[0] == histories[1]


def test_weights_alone(tmp_path):
    model = net()
    model.fit(X, Y, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path, save_weights_only=True)])
    other = net()
    other.load_weights(tmp_path)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    with pytest.raises(UserInputError, match="weights without an architecture"):
        fkeras.saving.load_model(tmp_path)


@pytest.mark.parametrize("epochs, told_in", [(1, 1), (3, 2)])
def test_a_failure_in_the_background_is_raised(tmp_path, monkeypatch, epochs, told_in):
    """At the end of `fit`, or at the next checkpoint."""

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    save, model = OrbaxCheckpoint(tmp_path), net()
    model.fit(X, Y, verbose=0, callbacks=[save])
    monkeypatch.setattr(orbax_directory, "_write_files", fail)
    with pytest.raises(SaveError, match=r"(?s)OrbaxCheckpoint: .*No space left.*is '.*/0'"):
        model.fit(X, Y, epochs=epochs + 1, initial_epoch=1, verbose=0, callbacks=[save])
    assert model.training_progress["epochs"] == 1 + told_in
    assert steps(tmp_path) == [0]
    assert fkeras.saving.load_model(tmp_path).training_progress["epochs"] == 1


def test_what_killed_processes_left_goes(tmp_path):
    (tmp_path / ".3-x81z" / "new").mkdir(parents=True)
    net().fit(X, Y, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path)])
    assert os.listdir(tmp_path) == ["0"]


WRONG = [
    ({"save_freq": "never"}, "Unrecognized save_freq"),
    ({"save_freq": 0}, "Unrecognized save_freq"),
    ({"max_to_keep": 0}, "`max_to_keep` must be"),
    ({"mode": "most"}, "`mode` must be"),
]


@pytest.mark.parametrize("options, message", WRONG)
def test_wrong_arguments_are_told(tmp_path, options, message):
    with pytest.raises(UserInputError, match=message):
        OrbaxCheckpoint(tmp_path, **options)


def test_a_place_that_is_a_file_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("x")
    model = net()
    with pytest.raises(OSError):
        model.fit(X, Y, verbose=0, callbacks=[OrbaxCheckpoint(tmp_path / "file")])
    assert model.training_progress["steps"] == 0


def test_one_process_is_the_first_one(tmp_path):
    save = OrbaxCheckpoint(tmp_path)
    assert save.is_primary_host() and not save.is_multihost_enabled()
