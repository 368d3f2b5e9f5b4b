"""Training that is killed and goes on as if nothing had happened. Run it with
`python killed_and_resumed.py`.

Expected: about 20 s on two slow cores. A process is killed in the middle of its training, a second
one goes on from the backup, and a third one trains without interruption: the weights of the last
two are the same, bit by bit, and so are their histories.
"""

import json
import multiprocessing
import os
import signal
import tempfile

import numpy as np

import fkeras
from fkeras import callbacks, layers

rng = np.random.default_rng(0)
x = rng.normal(size=(512, 8)).astype("float32")
y = np.sin(x).sum(axis=1, keepdims=True).astype("float32")


class Kill(callbacks.Callback):
    """Ends the process at once, as a power cut or the kernel would."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 7:
            os.kill(os.getpid(), signal.SIGKILL)


def train(folder, *others):
    """The same script each time: it begins anew, or goes on where a backup is found."""
    fkeras.utils.set_random_seed(0)
    model = fkeras.Sequential(
        [
            fkeras.Input((8,)),
            layers.Dense(32, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    backup = callbacks.BackupAndRestore(folder, save_freq=5)  # after each fifth batch
    slower = callbacks.ReduceLROnPlateau("loss", patience=1)
    model.fit(x, y, epochs=10, callbacks=[slower, backup, *others], verbose=0)
    np.savez(f"{folder}.npz", *model.get_weights(), history=json.dumps(model.history.history))


def run(*arguments):
    process = multiprocessing.get_context("spawn").Process(target=train, args=arguments)
    process.start()
    process.join()
    return process.exitcode


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        killed, whole = os.path.join(place, "killed"), os.path.join(place, "whole")
        print("first process ended with", run(killed, Kill()))
        print("it left", os.listdir(killed))
        print("second process ended with", run(killed))
        run(whole)
        with np.load(f"{killed}.npz") as resumed, np.load(f"{whole}.npz") as expected:
            print("epochs:", len(json.loads(str(resumed["history"]))["loss"]))
            same = all(np.array_equal(resumed[name], expected[name]) for name in expected)
        print("same weights and history:", same)
        assert same
