"""Trainings in processes that are killed, for tests and for benchmarks/kills.py.

A server imports the library once and forks a process for each run. A run that is killed leaves its
backups; the next one goes on. In the end weights and history must be those of a run that nobody
killed, and no file may be damaged at any moment.
"""

import collections
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

import fkeras
from fkeras import callbacks, layers
from fkeras.saving.backup_file import read_backup
from fkeras.saving.formats import format_at

FORMS = ("whole epochs", "many steps", "step by step")
X = np.random.default_rng(0).normal(size=(44, 4)).astype("float32")
Y = X[:, :2]
ROWS = 4
_context = multiprocessing.get_context("forkserver")


def run(function, *arguments):
    """The exit code of a process that calls a function of this module."""
    _context.set_forkserver_preload([__spec__.name])
    process = _context.Process(target=function, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def make_model():
    fkeras.utils.set_random_seed(0)
    model = fkeras.Sequential(
        [
            fkeras.Input((4,)),
            layers.Dense(4, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(2),
        ]
    )
    model.compile("adam", "mse")
    return model


def save_result(model, folder):
    weights = {str(i): weight for i, weight in enumerate(model.get_weights())}
    np.savez(f"{folder}.npz", history=json.dumps(model.history.history), **weights)


def result_of(folder):
    """Name -> array: what a run that came to its end has left."""
    with np.load(f"{folder}.npz") as file:
        return dict(file)


def assert_same(found, expected):
    assert sorted(found) == sorted(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


# -- SIGKILL at any moment -----------------------------------------------------


class KillLater(callbacks.Callback):
    """SIGKILL some seconds after training has begun."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_begin(self, logs=None):
        thread = threading.Thread(target=self.kill, daemon=True)
        thread.start()

    def kill(self):
        time.sleep(self.seconds)
        os.kill(os.getpid(), signal.SIGKILL)


def train_until_killed(form, folder, seconds, epochs):
    """Trains on from what is in a folder. `seconds` None: nobody kills it."""
    data = {"x": X, "y": Y, "batch_size": ROWS}
    if form == "step by step":
        data = {"x": _batches(), "steps_per_epoch": len(X) // ROWS}
    listed = [
        callbacks.BackupAndRestore(
            folder, {"whole epochs": "epoch"}.get(form, 7), double_checkpoint=True
        ),
        callbacks.ModelCheckpoint(f"{folder}-best.keras", monitor="loss", save_best_only=True),
        callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.05),
        callbacks.CSVLogger(f"{folder}.csv"),
    ]
    if seconds is not None:
        listed.append(KillLater(seconds))
    model = make_model()
    model.fit(**data, epochs=epochs, callbacks=listed, verbose=0)
    save_result(model, folder)


def _batches():
    for first in range(0, sys.maxsize, ROWS):
        at = first % len(X)
        yield X[at : at + ROWS], Y[at : at + ROWS]


def kill_often(times, folder, seed=0, epochs=40, longest=0.3):
    """Kills runs of all forms at random moments, and checks what is left each time.

    Returns:
        The number of kills that hit a run, by form.
    """
    draw = np.random.default_rng(seed)
    hits = collections.Counter()
    for form in FORMS:
        whole = Path(folder, f"{form} whole")
        assert run(train_until_killed, form, whole, None, epochs) == 0
        expected, lines = result_of(whole), Path(f"{whole}.csv").read_text()
        for session in range(times):
            place = Path(folder, f"{form} {session}")
            code = None
            while code != 0:
                is_enough = hits[form] >= times / len(FORMS)
                seconds = None if is_enough else float(draw.uniform(0, longest))
                code = run(train_until_killed, form, place, seconds, epochs)
                assert code in (0, -signal.SIGKILL), code
                hits[form] += code != 0
                assert_whole(place)
            assert_same(result_of(place), expected)
            assert Path(f"{place}.csv").read_text() == lines
            if is_enough:
                break
    return dict(hits)


def assert_whole(place):
    """Every file can be read."""
    for path in place.glob("*.backup") if place.exists() else ():
        read_backup(path)
    best = Path(f"{place}-best.keras")
    if best.exists():
        format_at(best).read(best)


# -- SIGTERM -------------------------------------------------------------------


class Preempted(callbacks.Callback):
    """Sends SIGTERM to its own process at one place."""

    reads_logs_only = True

    def __init__(self, where):
        super().__init__()
        self.where = where

    def on_epoch_end(self, epoch, logs=None):
        self.act("epoch", epoch == 1)

    def on_test_batch_end(self, batch, logs=None):
        self.act("validation", self.model.training_progress["steps"] == 6)

    def act(self, place, now):
        if self.where == place and now:
            os.kill(os.getpid(), signal.SIGTERM)


def train_preempted(where, folder):
    """Trains on from what is in a folder until SIGTERM comes, at a place or nowhere."""

    def batches():
        for number, batch in enumerate(_batches()):
            if where == "waiting" and number == 7:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(600)
            yield batch

    signal.signal(signal.SIGTERM, lambda *_: Path(f"{folder}.heard").touch())
    model = make_model()
    model.fit(
        batches(),
        epochs=4,
        steps_per_epoch=3,
        validation_data=(X, Y),
        validation_batch_size=ROWS,
        callbacks=[callbacks.BackupAndRestore(folder, False), Preempted(where)],
        verbose=0,
    )
    save_result(model, folder)
