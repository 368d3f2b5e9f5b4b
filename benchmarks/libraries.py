"""Training on a CPU beside libraries that do not use JAX: PyTorch, and Keras on TensorFlow.

    python -m benchmarks.libraries [--quick] [--only WORD] [--rounds 5]

Each contender runs in a process of its own, in turns; one that is not installed is left out. `fit`
(a plain loop for PyTorch) trains with Adam on data in memory; what is timed is an epoch after an
untimed one. CPU seconds of all threads are less disturbed by other programs than those of the wall
clock; the table has medians of both and, last, CPU over that of fkeras. OpenMP's threads, which
PyTorch uses, are told to sleep while they wait: on busy cores they burn ten times its work.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

from benchmarks.tables import table

ROOT = pathlib.Path(__file__).parent.parent
COLUMNS = ("workload", "contender", "step, CPU ms", "step, ms", "fastest-slowest", "CPU to fkeras")
# Name, the package that it needs, the backend of Keras.
CONTENDERS = {
    "fkeras": ("fkeras", None),
    "fkeras, keep_freed_memory": ("fkeras", None),
    "Keras 3 (JAX)": ("keras", "jax"),
    "Keras 3 (TensorFlow)": ("tensorflow", "tensorflow"),
    "PyTorch": ("torch", None),
}
# Workload: rows a step, steps an epoch.
SIZES = {
    "convnet, 28x28x1": (128, 40),
    "LSTM, 80 tokens": (32, 100),
    "LSTM, 80 tokens, masked": (32, 100),
    "transformer, 2 blocks of 128": (32, 40),
    "MLP, 100k rows": (128, 780),
}
VOCABULARY, TOKENS, WIDTH, HEADS = 5000, 80, 128, 4


def data(name, rows):
    """(x, y); texts end with padding (0) where the workload masks it."""
    rng = np.random.default_rng(0)
    if name.startswith("convnet"):
        return rng.random((rows, 28, 28, 1), "float32"), rng.integers(0, 10, rows).astype("int32")
    if name.startswith("MLP"):
        x = rng.normal(size=(rows, 32)).astype("float32")
        return x, rng.integers(0, 10, rows).astype("int32")
    x = rng.integers(1, VOCABULARY, (rows, TOKENS)).astype("int32")
    if "masked" in name:
        x *= np.arange(TOKENS) < rng.integers(TOKENS // 4, TOKENS + 1, (rows, 1))
    return x, rng.integers(0, 2, rows).astype("int32")


def network(keras, name, x):
    """A model in Keras's words; it ends in logits."""
    layers = keras.layers
    if name.startswith("transformer"):
        inputs = keras.Input(x.shape[1:], dtype="int32")
        h = layers.Embedding(VOCABULARY, WIDTH)(inputs)
        for _ in range(2):
            attended = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(h, h)
            h = layers.LayerNormalization()(h + attended)
            hidden = layers.Dense(2 * WIDTH, activation="relu")(h)
            h = layers.LayerNormalization()(h + layers.Dense(WIDTH)(hidden))
        return keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(h)))
    relu = {"activation": "relu"}
    stacks = {
        "convnet": lambda: [
            layers.Conv2D(32, 3, **relu),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, **relu),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, **relu),
            layers.Dense(10),
        ],
        "LSTM": lambda: [
            layers.Embedding(VOCABULARY, 64, mask_zero="masked" in name),
            layers.LSTM(64),
            layers.Dense(2),
        ],
        "MLP": lambda: [
            layers.Dense(128, **relu),
            layers.Dense(128, **relu),
            layers.Dense(10),
        ],
    }
    stack = stacks[name.split(",")[0]]()
    return keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), *stack])


def keras_like(name, contender, x, y, size):
    """A function that trains for an epoch."""
    if contender.startswith("fkeras"):
        import fkeras as keras

        if contender != "fkeras" and not keras.config.keep_freed_memory():
            raise SystemExit("not in effect here")
    else:
        import keras
    model = network(keras, name, x)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    return lambda: model.fit(x, y, batch_size=size, verbose=0)


def by_torch(name, contender, x, y, size):
    """The same networks and the usual loop of PyTorch."""
    import torch
    from torch import nn

    class Last(nn.Module):
        """The last state of an LSTM, of each text's own length where they are padded."""

        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(VOCABULARY, 64, padding_idx=0 if "masked" in name else None)
            self.lstm = nn.LSTM(64, 64, batch_first=True)

        def forward(self, x):
            h = self.table(x)
            if "masked" in name:
                h = nn.utils.rnn.pack_padded_sequence(
                    h, (x != 0).sum(1), batch_first=True, enforce_sorted=False
                )
            return self.lstm(h)[1][0][0]

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean(1)

    def block():
        return nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, dropout=0.0, batch_first=True)

    networks = {
        "convnet": lambda: [
            nn.Conv2d(1, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(1600, 128),
            nn.ReLU(),
            nn.Linear(128, 10),
        ],
        "LSTM": lambda: [Last(), nn.Linear(64, 2)],
        "transformer": lambda: [
            nn.Embedding(VOCABULARY, WIDTH),
            block(),
            block(),
            Mean(),
            nn.Linear(WIDTH, 2),
        ],
        "MLP": lambda: [
            nn.Linear(32, 128),
            nn.ReLU(),
            nn.Linear(128, 128),
            nn.ReLU(),
            nn.Linear(128, 10),
        ],
    }
    model = nn.Sequential(*networks[name.split(",")[0]]())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_of = nn.CrossEntropyLoss()
    if name.startswith("convnet"):
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    x = torch.from_numpy(x) if x.dtype == np.float32 else torch.from_numpy(x).long()
    y = torch.from_numpy(y).long()

    def epoch():
        order = torch.randperm(len(x))
        for at in range(0, len(x), size):
            rows = order[at : at + size]
            optimizer.zero_grad()
            loss_of(model(x[rows]), y[rows]).backward()
            optimizer.step()

    return epoch


def measure(name, contender, quick) -> dict:
    """One process's work: seconds a step, of the CPU and of the clock."""
    size, steps = SIZES[name]
    steps = max(5, steps // 4) if quick else steps
    x, y = data(name, size * steps)
    make = by_torch if contender == "PyTorch" else keras_like
    epoch = make(name, contender, x, y, size)
    epoch()
    begin = time.perf_counter(), time.process_time()
    epoch()
    return {
        "wall": (time.perf_counter() - begin[0]) / steps,
        "cpu": (time.process_time() - begin[1]) / steps,
    }


def in_process(name, contender, quick) -> dict:
    backend = CONTENDERS[contender][1]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OMP_WAIT_POLICY": "PASSIVE",
        **({"KERAS_BACKEND": backend} if backend else {}),
    }
    code = ["-m", "benchmarks.libraries", "--one", name, contender, *(["--quick"] * quick)]
    done = subprocess.run(
        [sys.executable, *code], capture_output=True, text=True, env=environment, timeout=1800
    )
    if done.returncode:
        raise RuntimeError(f"{contender}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.splitlines()[-1])


def markdown(results) -> str:
    rows = []
    for name, contenders in results.items():
        median = lambda runs, key: statistics.median(run[key] for run in runs)
        base = median(contenders["fkeras"], "cpu")
        for contender, runs in contenders.items():
            walls = [run["wall"] * 1e3 for run in runs]
            cpu = median(runs, "cpu")
            rows.append(
                (
                    name,
                    contender,
                    f"{cpu * 1e3:.2f}",
                    f"{statistics.median(walls):.2f}",
                    f"{min(walls):.2f}-{max(walls):.2f}",
                    f"{cpu / base:.2f}",
                )
            )
    return table(COLUMNS, rows, words=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the steps, one round")
    parser.add_argument("--only", default="", help="workloads with this word in their names")
    parser.add_argument("--rounds", type=int, help="processes for each; 5, or 1 with --quick")
    parser.add_argument("--one", nargs=2, metavar=("WORKLOAD", "CONTENDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one, options.quick)))
        return
    present = [
        name for name, (package, _) in CONTENDERS.items() if importlib.util.find_spec(package)
    ]
    results = {}
    for name in (name for name in SIZES if options.only.lower() in name.lower()):
        results[name] = {contender: [] for contender in present}
        for _ in range(options.rounds or (1 if options.quick else 5)):
            for contender in present:
                found = in_process(name, contender, options.quick)
                results[name][contender].append(found)
                print(name, contender, found, file=sys.stderr, flush=True)
    print(markdown(results))


if __name__ == "__main__":
    main()
