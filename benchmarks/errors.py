"""What a wrong use prints, in fkeras and in Keras 3: nothing at all, or how many lines.

    python -m benchmarks.errors

Each row is a mistake that ordinary code makes. `silent` means: no error and no warning, and a
number comes out. Lines are those of the traceback and the message in a terminal.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile

# A model that follows each mistake: `k` is the library.
_HEAD = """
import warnings
import numpy as np
x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
ids = np.arange(32) % 3
def model(units, activation=None, loss="mse", **options):
    m = k.Sequential([k.Input((4,)), k.layers.Dense(units, activation=activation)])
    m.compile("sgd", loss, **options)
    return m
class Net(k.Model):
    def __init__(self):
        super().__init__()
        self.dense = k.layers.Dense(1)
def net(call, **methods):
    m = type("Mine", (Net,), {"call": call, **methods})()
    m.compile("sgd", "mse")
    return m
"""

MISTAKES = {
    "labels 1..3 for three classes": "model(3, 'softmax', 'sparse_categorical_crossentropy')"
    ".fit(x, ids + 1, verbose=0)",
    "labels 0, 1, 2 in a binary loss": "model(1, 'sigmoid', 'binary_crossentropy')"
    ".fit(x, ids.astype('float32'), verbose=0)",
    "probabilities wanted, no activation": "model(1, None, 'binary_crossentropy')"
    ".fit(x, (ids > 0).astype('float32'), verbose=0)",
    "one-hot targets in a sparse loss": "model(3, 'softmax', 'sparse_categorical_crossentropy')"
    ".fit(x, np.eye(3)[ids], verbose=0)",
    "targets (32, 7) for outputs (32, 1)": "model(1).fit(x, np.zeros((32, 7)), verbose=0)",
    "NaN in the inputs": "model(1).fit(x * np.nan, x[:, :1], verbose=0)",
    "no targets": "model(1).fit(x, verbose=0)",
    "rows of x and y differ": "model(1).fit(x, x[:7, :1], verbose=0)",
    "another number of features": "model(1).fit(x[:, :3], x[:, :1], verbose=0)",
    "a misspelt optimizer": "k.Sequential([k.layers.Dense(1)]).compile('adm', 'mse')",
    "a misspelt metric": "model(1, metrics=['acuracy']).fit(x, x[:, :1], verbose=0)",
    "a misspelt monitor": "model(1).fit(x, x[:, :1], verbose=0, callbacks=["
    "k.callbacks.EarlyStopping('los')])",
    "an unknown argument of fit": "model(1).fit(x, x[:, :1], epoch=3)",
    "a loss without `return`": "model(1, loss=lambda y, p: None).fit(x, x[:, :1], verbose=0)",
    "NumPy in a loss": "model(1, loss=lambda y, p: np.tanh(p)).fit(x, x[:, :1], verbose=0)",
    "NumPy in `call`": "net(lambda self, x: np.tanh(self.dense(x))).fit(x, x[:, :1], verbose=0)",
    "`if` on a tensor in `call`": "net(lambda self, x: self.dense(x) if x.sum() > 0 else x)"
    ".fit(x, x[:, :1], verbose=0)",
    "`call` without `return`": "net(lambda self, x: None).fit(x, x[:, :1], verbose=0)",
    "a loss that has no gradient": "model(3, loss=lambda y, p: k.ops.cast(k.ops.argmax(p, -1), "
    "'float32')).fit(x, ids, verbose=0)",
}

_ONE = """
import traceback, sys
code = {code!r}
exec({head!r})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        exec(code)
    except Exception as error:
        lines = "".join(traceback.format_exception(error)).strip().splitlines()
        result = len(lines)
    else:
        own = [w for w in caught if issubclass(w.category, UserWarning)]
        result = -1 if own else 0
"""


def measure(library: str) -> dict[str, int]:
    """For each mistake the lines of its error; 0 where it is silent, -1 for a warning."""
    script = [f"import {library} as k, json, sys", "results = {}"]
    for name, code in MISTAKES.items():
        script += [_ONE.format(code=code, head=_HEAD), f"results[{name!r}] = result"]
    script.append("json.dump(results, open(sys.argv[1], 'w'))")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    with tempfile.TemporaryDirectory() as folder:
        program, out = f"{folder}/mistakes.py", f"{folder}/results.json"
        with open(program, "w") as file:
            file.write("\n".join(script))
        subprocess.run([sys.executable, program, out], env=environment, check=True)
        with open(out) as file:
            return json.load(file)


def table() -> str:
    """The results as a table of Markdown."""
    found = {"fkeras": measure("fkeras"), "Keras 3": measure("keras")}
    rows = ["| mistake | fkeras | Keras 3 |", "| --- | --- | --- |"]
    for name in MISTAKES:
        rows.append(f"| {name} | " + " | ".join(_shown(r[name]) for r in found.values()) + " |")
    silent = [sum(value == 0 for value in r.values()) for r in found.values()]
    lines = [statistics.median(v for v in r.values() if v > 0) for r in found.values()]
    rows.append(f"| **silent** | **{silent[0]}** | **{silent[1]}** |")
    rows.append(f"| **lines of an error, median** | **{lines[0]:g}** | **{lines[1]:g}** |")
    return "\n".join(rows)


def _shown(value: int) -> str:
    return {0: "silent", -1: "a warning"}.get(value, f"error, {value} lines")


if __name__ == "__main__":
    print(table())
