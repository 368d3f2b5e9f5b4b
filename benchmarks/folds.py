"""What many equal models cost: ten-fold cross-validation with a fresh model each.

Each contender is a process of its own, which prints the CPU seconds of all ten folds: making the
model, `fit` of ten epochs with validation, `evaluate`, `predict`.
"""

import importlib.util
import statistics
import sys

from benchmarks.start import measure_code
from benchmarks.tables import table

NAME = "ten folds"
_MODULES = ("fkeras", "keras")
_KINDS = {"layers of built-in kinds": "builtin", "a layer of one's own": "own"}
COLUMNS = (NAME, "contender", "CPU, s", "of Keras's", "wall, s", "first fold, CPU s", "others")


def cross_validate(module, kind) -> None:
    """Prints what ten folds over 600 made rows took."""
    import json
    import time

    import numpy as np

    keras = importlib.import_module(module)
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 20)).astype("float32")
    y = (x[:, :2].sum(axis=1) > 0).astype("float32")
    make = _BUILDERS[kind]
    make(keras)  # loads what is loaded lazily
    wall, seconds = time.perf_counter(), []
    for part in np.array_split(random.permutation(len(x)), 10):
        begin = time.process_time()
        others = np.setdiff1d(np.arange(len(x)), part)
        model = make(keras)
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        validation = (x[part], y[part])
        model.fit(x[others], y[others], epochs=10, validation_data=validation, verbose=0)
        model.evaluate(*validation, verbose=0)
        model.predict(x[part], verbose=0)
        seconds.append(time.process_time() - begin)
    result = {
        "wall": time.perf_counter() - wall,
        "cpu": sum(seconds),
        "first": seconds[0],
        "others": statistics.median(seconds[1:]),
    }
    print(json.dumps(result))


def _builtin(keras):
    return keras.Sequential(
        [
            keras.Input((20,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


def _own(keras):
    class Gate(keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

        def call(self, x):
            return x * keras.ops.sigmoid(self.scale)

    return keras.Sequential(
        [
            keras.Input((20,)),
            keras.layers.Dense(32, activation="relu"),
            Gate(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )


_BUILDERS = {"builtin": _builtin, "own": _own}


def run(rounds, environment) -> dict:
    """All contenders in turns: medians by kind and module."""
    modules = [module for module in _MODULES if importlib.util.find_spec(module)]
    runs = {(name, module): [] for name in _KINDS for module in modules}
    for _ in range(rounds):
        for (name, module), results in runs.items():
            call = f"folds.cross_validate({module!r}, {_KINDS[name]!r})"
            results.append(measure_code(f"from benchmarks import folds; {call}", environment))
            print(f"folds: {name}, {module}: {results[-1]}", file=sys.stderr, flush=True)
    return {
        f"{name}, {module}": {
            key: statistics.median(result[key] for result in results)
            for key in ("cpu", "wall", "first", "others")
        }
        for (name, module), results in runs.items()
    }


def markdown(results) -> str:
    rows = []
    for place, row in results.items():
        name, module = place.rsplit(", ", 1)
        base = results.get(f"{name}, keras")
        share = "" if base is None else f"{row['cpu'] / base['cpu']:.2f}"
        figures = [f"{row['cpu']:.2f}", share, f"{row['wall']:.2f}"]
        rows.append((name, module, *figures, f"{row['first']:.2f}", f"{row['others']:.2f}"))
    return table(COLUMNS, rows, words=2)
