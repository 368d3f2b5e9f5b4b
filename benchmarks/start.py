"""What it costs to begin: imports and the building of models, each in a process of its own, in
turns.

An import is measured from outside, with the interpreter's own start. Building is measured inside,
without the imports: the model's construction until all its weights are there.
"""

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

from benchmarks.tables import table

NAME = "start-up"
_BUILD = "from benchmarks import start; start.build({0!r}, {1!r}, {2}, {3!r})"

# What -> (the package that it needs, code)
CASES = {
    "import jax": ("jax", "import jax"),
    "import flax.nnx": ("flax", "import flax.nnx"),
    "import fkeras and its layers, models, optimizers": (
        "fkeras",
        "import fkeras; fkeras.layers.Dense, fkeras.models.Model, fkeras.optimizers.Adam",
    ),
    "import keras": ("keras", "import keras"),
    **{
        f"build {what}, {module}": (module, _BUILD.format(module, network, shape, dtype))
        for what, network, shape, dtype in (
            ("a ResNet of 50 layers, 224x224x3", "resnet50", (1, 224, 224, 3), "float32"),
            ("a transformer of 12 blocks, 256 wide", "transformer12", (1, 128), "int32"),
        )
        for module in ("fkeras", "keras")
    },
}
COLUMNS = (NAME, "CPU, s", "wall, s", "fastest-slowest", "peak, MiB")


def build(module, network, shape, dtype) -> None:
    """Prints the CPU and wall seconds of building a network."""
    import jax
    import numpy as np

    from benchmarks import networks
    from benchmarks.contenders import touched

    keras = touched(importlib.import_module(module))
    x = np.zeros(shape, dtype)
    jax.block_until_ready(jax.numpy.zeros(1) + 1)  # JAX's own start
    wall, cpu = time.perf_counter(), time.process_time()
    model = networks.NETWORKS[network](keras, x)
    jax.block_until_ready([w.value for w in model.weights])
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
                "parameters": int(model.count_params()),
            }
        )
    )


def measure_code(code, environment) -> dict:
    """One process: its CPU and wall seconds, or those that it prints, and its peak MiB."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return {"skipped": f"failed with status {process.returncode}"}
    result = {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
    }
    return result | (json.loads(printed.splitlines()[-1]) if printed.strip() else {})


def run(rounds, environment) -> dict:
    """All cases in turns: medians by name."""
    runs = {name: [] for name, (package, _) in CASES.items() if importlib.util.find_spec(package)}
    for _ in range(rounds):
        for name, results in runs.items():
            results.append(measure_code(CASES[name][1], environment))
            print(f"start-up: {name}: {results[-1]}", file=sys.stderr, flush=True)
    return {name: medians(results) for name, results in runs.items()}


def medians(results) -> dict:
    good = [r for r in results if "skipped" not in r]
    if not good:
        return results[0]
    return {key: statistics.median(r[key] for r in good) for key in good[0]} | {
        "fastest": min(r["wall"] for r in good),
        "slowest": max(r["wall"] for r in good),
    }


def markdown(results) -> str:
    return table(
        COLUMNS,
        [
            (name, row["skipped"])
            if "skipped" in row
            else (
                name,
                f"{row['cpu']:.2f}",
                f"{row['wall']:.2f}",
                f"{row['fastest']:.2f}-{row['slowest']:.2f}",
                f"{row['peak']:.0f}",
            )
            for name, row in results.items()
        ],
        words=1,
    )
