"""One of several processes that train together. Arguments: this process, how many, port, folder.

Every scenario's numbers go into one file, to be compared with those of a single process on as many
devices.
"""

import os
import pathlib
import signal
import sys
import time
import warnings

import numpy as np

import fkeras
from fkeras import distribution, layers

# A launcher in the background may have set Ctrl-C to be ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

PROCESS, COUNT, PORT, FOLDER = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(61, 8)).astype("float32"), RNG.integers(0, 3, 61)


class Watcher(fkeras.callbacks.Callback):
    """Goes step by step; `act` is called at the end of the third batch, by the last process."""

    def __init__(self, act=None):
        super().__init__()
        self.act = act

    def on_train_batch_end(self, batch, logs=None):
        if self.act is not None and batch == 2 and PROCESS == COUNT - 1:
            self.act(self.model)


def model():
    fkeras.utils.set_random_seed(1)
    net = fkeras.Sequential(
        [
            fkeras.Input((8,)),
            layers.Dense(32, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ]
    )
    optimizer = fkeras.optimizers.Adam(1e-2, global_clipnorm=1.0)
    net.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net


def own_part(batches=3, wait=0.0):
    """Batches of 16 rows over all processes, of which this one gives its part."""
    rows = 16 // COUNT
    for i in range(batches):
        time.sleep(wait)
        start = 16 * i + PROCESS * rows
        yield X[start : start + rows], Y[start : start + rows]


def whole_epochs(net):
    net.fit(X, Y, batch_size=13, epochs=2, validation_split=0.2, verbose=2)


def step_by_step(net):
    net.fit(X, Y, batch_size=13, verbose=0, callbacks=[Watcher()])


def from_own_parts(net):
    net.fit(own_part(), verbose=0)


def one_is_slow(net):
    net.fit(own_part(wait=0.2 * PROCESS), verbose=0)


def one_is_short(net):
    is_short = COUNT > 1 and PROCESS == COUNT - 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(own_part(2 if is_short or COUNT == 1 else 3), verbose=0)
    assert COUNT == 1 or any("processes [1] ended before" in str(w.message) for w in caught)


def goes_on_from_its_checkpoint(net):
    folder = pathlib.Path(FOLDER) / f"{COUNT} of {type(distribution.distribution()).__name__}"
    save = fkeras.callbacks.OrbaxCheckpoint(folder, max_to_keep=2)
    net.fit(X, Y, batch_size=13, epochs=3, verbose=0, callbacks=[save])
    again = fkeras.saving.load_model(folder)
    again.fit(X, Y, batch_size=13, verbose=0)
    net.set_weights(again.get_weights())


class PowerCut(fkeras.callbacks.Callback):
    """Ends all processes at their fourth step, as losing their machines does."""

    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == 4:
            raise OSError("power cut")

    def get_state(self):
        return {}


def goes_on_from_its_backup(net):
    kind = f"{COUNT} of {type(distribution.distribution()).__name__}, backup"
    back = lambda: fkeras.callbacks.BackupAndRestore(pathlib.Path(FOLDER) / kind, save_freq=2)
    try:
        model().fit(X, Y, epochs=3, verbose=0, callbacks=[back(), PowerCut()])
        raise AssertionError("the power was not cut")
    except OSError:
        net.fit(X, Y, epochs=3, verbose=0, callbacks=[back()])


def one_stops(net):
    stop = lambda trained: setattr(trained, "stop_training", True)
    net.fit(X, Y, batch_size=13, epochs=3, verbose=0, callbacks=[Watcher(stop)])


def one_is_interrupted(net):
    press = lambda trained: os.kill(os.getpid(), signal.SIGINT)
    try:
        net.fit(X, Y, batch_size=13, epochs=3, verbose=0, callbacks=[Watcher(press)])
    except KeyboardInterrupt:
        return
    raise AssertionError("the interrupt was lost")


SCENARIOS = [
    whole_epochs,
    step_by_step,
    goes_on_from_its_checkpoint,
    goes_on_from_its_backup,
    from_own_parts,
    one_is_slow,
    one_is_short,
    one_stops,
    one_is_interrupted,
]
STRATEGIES = {
    "data parallel": distribution.DataParallel,
    "fsdp": lambda: distribution.FSDP(min_size=0),
}


def main():
    if COUNT > 1:
        distribution.initialize(f"127.0.0.1:{PORT}", COUNT, PROCESS)
    results = {}
    for name, strategy in STRATEGIES.items():
        distribution.set_distribution(strategy())
        for scenario in SCENARIOS if name == "data parallel" else SCENARIOS[:5]:
            net = model()
            scenario(net)
            # A weight that lies on several processes is gathered: each of them asks.
            values = [*net.get_weights(), *(v.numpy() for v in net.optimizer.variables)]
            values.append(net.predict(X, verbose=0))
            values.append(np.array(net.evaluate(X, Y, batch_size=13, verbose=0)))
            for i, value in enumerate(values):
                results[f"{name}: {scenario.__name__}/{i}"] = value
    if PROCESS == 0:
        np.savez(pathlib.Path(FOLDER) / f"{COUNT}.npz", **results)
    print("finished", PROCESS)


main()
