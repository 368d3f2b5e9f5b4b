"""Saving while training."""

import os

import numpy as np
import pytest

import fkeras
from fkeras import callbacks
from fkeras.errors import UnknownNameError, UserInputError

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def model():
    made = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    made.compile(fkeras.optimizers.SGD(0.01), "mse")
    return made


def fit(made, *added, **options):
    defaults = {"epochs": 3, "batch_size": 4, "verbose": 0}
    return made.fit(X, Y, callbacks=list(added), **{**defaults, **options})


NAMES = [
    ("{epoch:02d}.keras", {}, ["01.keras", "02.keras", "03.keras"]),
    ("{epoch}.weights.h5", {"save_weights_only": True}, [f"{i}.weights.h5" for i in (1, 2, 3)]),
    ("all.h5", {}, ["all.h5"]),
    ("all.hdf5", {}, ["all.hdf5"]),
    ("directory", {}, ["directory"]),
    ("last.ckpt", {"save_weights_only": True}, ["last.ckpt"]),
    ("{epoch}-{batch}.keras", {"save_freq": 3}, ["2-1.keras", "3-2.keras"]),
    ("{epoch}.keras", {"save_freq": 2}, ["1.keras", "2.keras", "3.keras"]),
]


@pytest.mark.parametrize("pattern, options, names", NAMES)
def test_names_and_times(tmp_path, pattern, options, names):
    made = model()
    fit(made, callbacks.ModelCheckpoint(tmp_path / "new" / pattern, **options))
    assert sorted(os.listdir(tmp_path / "new")) == names
    last = tmp_path / "new" / names[-1]
    again = model() if options.get("save_weights_only") else fkeras.saving.load_model(last)
    again.load_weights(last)
    if "save_freq" not in options:
        np.testing.assert_array_equal(again.get_weights()[0], made.get_weights()[0])


class Scripted(callbacks.Callback):
    """Puts values of the test's own into the logs."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.values[epoch]


@pytest.mark.parametrize(
    "values, mode, saved",
    [
        ([3.0, 1.0, 2.0], "auto", [1, 2]),
        ([3.0, 1.0, 2.0], "max", [1]),
        ([float("nan"), 2.0, float("nan"), 1.0], "min", [2, 4]),
        ([float("nan")], "max", []),
    ],
)
def test_only_improvements_are_saved_and_nan_is_none(tmp_path, values, mode, saved):
    path = tmp_path / "{epoch}.keras"
    best = callbacks.ModelCheckpoint(path, save_best_only=True, mode=mode)
    fit(model(), Scripted(values), best, epochs=len(values))
    assert sorted(os.listdir(tmp_path)) == [f"{i}.keras" for i in saved]


def test_a_threshold_has_to_be_improved_on_first(tmp_path):
    path = tmp_path / "{epoch}.keras"
    best = callbacks.ModelCheckpoint(path, save_best_only=True, initial_value_threshold=1.5)
    fit(model(), Scripted([2.0, 1.0]), best, epochs=2)
    assert os.listdir(tmp_path) == ["2.keras"]


def test_the_best_value_is_remembered_over_a_restart():
    best = callbacks.ModelCheckpoint("best.keras", save_best_only=True)
    best.best = 0.25
    again = callbacks.ModelCheckpoint("best.keras", save_best_only=True)
    again.set_state(best.get_state())
    assert again.best == 0.25


def test_without_validation_all_are_saved_and_that_is_said(tmp_path):
    with pytest.warns(UserWarning, match="every model is saved"):
        fit(model(), callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras", save_best_only=True))
    assert len(os.listdir(tmp_path)) == 3


WRONG = [
    ({"save_freq": "batch"}, {}, UserInputError, "Unrecognized save_freq"),
    ({"save_freq": 0}, {}, UserInputError, "Unrecognized save_freq"),
    ({}, {"filepath": "{epoch}-{val_acc}.keras"}, UnknownNameError, "'val_acc'"),
    ({}, {"filepath": "{epoch.keras"}, UserInputError, "no pattern"),
    ({"monitor": "val_los", "save_best_only": True}, {}, UnknownNameError, "'val_los'"),
]


@pytest.mark.parametrize("options, place, error, message", WRONG)
def test_mistakes_are_told_before_training(tmp_path, options, place, error, message):
    made = model()
    path = tmp_path / place.get("filepath", "m.keras")
    with pytest.raises(error, match=message):
        fit(made, callbacks.ModelCheckpoint(path, **options), validation_data=(X, Y))
    assert made.training_progress["steps"] == 0


def test_a_place_that_cannot_be_written_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("x")
    made = model()
    with pytest.raises(OSError):
        fit(made, callbacks.ModelCheckpoint(tmp_path / "file" / "m.keras"))
    assert made.training_progress["steps"] == 0


def test_a_failed_save_leaves_the_file_before(tmp_path, monkeypatch):
    made, path = model(), tmp_path / "m.keras"
    fit(made, callbacks.ModelCheckpoint(path), epochs=1)
    good = path.read_bytes()
    full = OSError(28, "No space left on device")
    monkeypatch.setattr("zipfile.ZipFile.writestr", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(OSError, match="No space left"):
        fit(made, callbacks.ModelCheckpoint(path), epochs=1)
    assert path.read_bytes() == good and os.listdir(tmp_path) == ["m.keras"]


def test_it_says_what_it_does(tmp_path, capsys):
    best = callbacks.ModelCheckpoint(tmp_path / "m.keras", save_best_only=True, verbose=1)
    fit(model(), Scripted([2.0, 3.0]), best, epochs=2)
    text = capsys.readouterr().out
    assert "Epoch 1: val_loss improved from None to 2.00000, saving model to" in text
    assert "Epoch 2: val_loss did not improve from 2.00000" in text


def test_saving_by_epochs_lets_fit_run_many_steps_a_call():
    listed = callbacks.CallbackList([callbacks.ModelCheckpoint("m.keras")])
    assert not listed.needs_batch_hooks("train")
    assert callbacks.CallbackList([callbacks.ModelCheckpoint("m.keras", save_freq=2)]).callbacks
    assert callbacks.CallbackList(
        [callbacks.ModelCheckpoint("m.keras", save_freq=2)]
    ).needs_batch_hooks("train")
