"""What files cost: a model of 100 million parameters to `.weights.h5`, to an Orbax directory and to
`.keras`, beside h5py's own writing and reading of the same arrays and beside Keras; and how long a
checkpoint in the background stops a training, beside a copy of its state.

In turns, medians; the disk's cache holds what is read, for all alike.
"""

import functools
import importlib.util
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.tables import table

NAME = "files"
DEPTH, WIDTH = 24, 2048  # 100.7 million parameters
BASE = "h5py alone"
FORMS = ("save", "load")
COLUMNS = (f"{NAME}: 100M parameters", "save, s", "load, s", "save to the base", "load to the base")
# Row -> the row that it is compared with.
BASES = {
    BASE: BASE,
    "`.weights.h5`": BASE,
    "Orbax directory, weights": BASE,
    "`.keras`, Keras 3 (JAX)": "`.keras`, Keras 3 (JAX)",
    "`.keras`, fkeras": "`.keras`, Keras 3 (JAX)",
    "a copy of the state": "a copy of the state",
    "a checkpoint in the background stops for": "a copy of the state",
}


def network(keras):
    """Wide layers behind each other."""
    stack = [keras.layers.Dense(WIDTH) for _ in range(DEPTH)]
    return keras.Sequential([keras.Input((WIDTH,)), *stack])


def seconds(function) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def write_by_h5py(path, arrays) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for i, array in enumerate(arrays):
            file.create_dataset(str(i), data=array)


def read_by_h5py(path) -> list:
    import h5py

    with h5py.File(path, "r") as file:
        return [file[name][()] for name in file]


def measure(rounds) -> dict:
    """Seconds by row and form, of fkeras and of h5py."""
    import jax
    import numpy as np

    import fkeras
    from fkeras.saving.background import CheckpointWriter
    from fkeras.training.loan import copy_tree

    model = network(fkeras)
    model.compile("sgd", "mse")
    arrays = [np.asarray(weight) for weight in model.weights]
    found = {name: {form: [] for form in FORMS} for name in BASES if "Keras" not in name}
    folder = pathlib.Path(tempfile.mkdtemp(dir="."))
    state = model.train_state()
    jax.block_until_ready(copy_tree(state.params))
    writer = CheckpointWriter(folder / "checkpoints")

    def note(name, form, function):
        found[name][form].append(seconds(function))

    def stop():
        """As the loop does: what a callback has read is never given away, so it is copied."""
        writer.save(model, 0)
        jax.block_until_ready(copy_tree([weight.value for weight in model.weights]))

    def load(path):
        model.load_weights(path)
        jax.block_until_ready([weight.value for weight in model.weights])

    def load_model(path):
        again = fkeras.saving.load_model(path)
        jax.block_until_ready([weight.value for weight in again.weights])

    for _ in range(rounds + 1):  # the first round is not counted: imports
        note(BASE, "save", lambda: write_by_h5py(folder / "a.h5", arrays))
        note(BASE, "load", lambda: read_by_h5py(folder / "a.h5"))
        for name, path in {
            "`.weights.h5`": folder / "model.weights.h5",
            "Orbax directory, weights": folder / "weights",
        }.items():
            note(name, "save", functools.partial(model.save_weights, path))
            note(name, "load", functools.partial(load, path))
        note("`.keras`, fkeras", "save", lambda: model.save(folder / "model.keras"))
        note("`.keras`, fkeras", "load", lambda: load_model(folder / "model.keras"))
        copy = lambda: jax.block_until_ready(copy_tree(state.params))
        note("a copy of the state", "save", copy)
        note("a checkpoint in the background stops for", "save", stop)
        writer.wait()
    shutil.rmtree(folder)
    return medians(found)


def measure_keras(rounds) -> dict:
    """Seconds of Keras for its own format."""
    import keras

    model = network(keras)
    model.compile("sgd", "mse")
    found = {"`.keras`, Keras 3 (JAX)": {form: [] for form in FORMS}}
    folder = pathlib.Path(tempfile.mkdtemp(dir="."))
    (times,) = found.values()
    for _ in range(rounds + 1):
        times["save"].append(seconds(lambda: model.save(folder / "model.keras")))
        times["load"].append(seconds(lambda: keras.saving.load_model(folder / "model.keras")))
    shutil.rmtree(folder)
    return medians(found)


def medians(found) -> dict:
    return {
        name: {form: statistics.median(times[1:]) for form, times in forms.items() if times}
        for name, forms in found.items()
    }


def run(rounds, environment) -> dict:
    """Each library in a process of its own."""
    results = {}
    functions = ["measure", *(["measure_keras"] if importlib.util.find_spec("keras") else [])]
    for function in functions:
        code = (
            f"import json; from benchmarks import files; print(json.dumps(files.{function}("
            f"{rounds})))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "KERAS_BACKEND": "jax", "PYTHONPATH": os.getcwd()},
        )
        results |= json.loads(done.stdout.splitlines()[-1])
    return results


def markdown(results) -> str:
    """A table; its last columns are over the row that each is compared with."""
    rows = []
    for name, base in BASES.items():
        if name in results and base in results:
            row, compared = results[name], results[base]
            cells = [f"{row[form]:.3f}" if form in row else "" for form in FORMS]
            ratios = [f"{row[f] / compared[f]:.2f}" if f in row else "" for f in FORMS]
            rows.append((name, *cells, *ratios))
    return table(COLUMNS, rows, words=1)
