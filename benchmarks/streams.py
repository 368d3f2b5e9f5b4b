"""What streams cost: `fit` over sources of batches that take their time, as reading files does.

The device computes a batch while the next one is made, so that an epoch should take as long as the
slower half. The source sleeps, so that it takes no processor from the step. Both halves alone and
`fit` run in turns in one process; medians of the turns.
"""

import importlib.util
import json
import statistics
import sys
import time

import numpy as np

from benchmarks.start import measure_code
from benchmarks.tables import table

NAME = "streams"
_TURNS, _BATCHES, _ROWS = 3, 25, 32
COLUMNS = (
    NAME,
    "a batch made alone, ms",
    "a step alone, ms",
    "fit, ms",
    "to the slower half",
)


def _batches(delay):
    """A function of the number of a batch that takes so many seconds."""
    random = np.random.default_rng(0)
    x = random.normal(size=(_ROWS, 1024)).astype("float32")
    y = random.integers(0, 10, _ROWS).astype("int32")

    def make(i):
        if delay:
            time.sleep(delay)
        return x, y

    return make


def _generator(make):
    return (make(i) for i in range(_BATCHES))


def _py_dataset(make, **options):
    import fkeras

    class Batches(fkeras.utils.PyDataset):
        __len__ = lambda self: _BATCHES
        __getitem__ = lambda self, i: make(i)

    return Batches(**options)


class _Items:
    """A source of random access whose items are batches."""

    def __init__(self, make):
        self.make = make

    __len__ = lambda self: _BATCHES
    __getitem__ = lambda self, i: self.make(i)


def _grain(make):
    import grain

    return grain.MapDataset.source(_Items(make)).to_iter_dataset(
        grain.ReadOptions(num_threads=1, prefetch_buffer_size=2)
    )


def _torch(make):
    import torch

    return torch.utils.data.DataLoader(_Items(make), batch_size=None)


SOURCES = {
    "generator": (None, _generator),
    "PyDataset": (None, _py_dataset),
    "PyDataset, 2 workers": (None, lambda make: _py_dataset(make, workers=2)),
    "Grain, 1 thread": ("grain", _grain),
    "DataLoader": ("torch", _torch),
}


def measure() -> None:
    """Prints seconds a batch by source and delay."""
    import fkeras
    from benchmarks import networks

    def timed(function, *args):
        begin = time.perf_counter()
        function(*args)
        return (time.perf_counter() - begin) / _BATCHES

    def fit(source):
        model.fit(source, verbose=0)

    model = networks.NETWORKS["wide_mlp"](fkeras, _batches(0)(0)[0])
    model.compile("adam", fkeras.losses.SparseCategoricalCrossentropy(from_logits=True))
    fit(_generator(_batches(0)))
    step = statistics.median(timed(fit, _generator(_batches(0))) for _ in range(_TURNS))
    results = {}
    for share in (1.0, 3.0):
        make = _batches(step * share)
        for name, (package, source_of) in SOURCES.items():
            if package is not None and importlib.util.find_spec(package) is None:
                continue
            rows = {"source": [], "step": [], "fit": [], "ratio": []}
            for _ in range(_TURNS):
                # Made anew each time: a generator is spent, and threads begin where one iterates.
                alone = timed(list, map(make, range(_BATCHES)))
                if "workers" in name:
                    alone /= 2
                now = timed(fit, _generator(_batches(0)))
                took = timed(fit, source_of(make))
                for key, value in zip(rows, (alone, now, took, took / max(alone, now))):
                    rows[key].append(value)
            title = f"{name}, {share:g} of a step"
            results[title] = {key: statistics.median(values) for key, values in rows.items()}
    print(json.dumps({"streams": results}))


def run(rounds, environment) -> dict:
    """Medians over rounds by source."""
    runs = []
    for _ in range(rounds):
        runs.append(measure_code("from benchmarks import streams; streams.measure()", environment))
        print(f"{NAME}: {runs[-1]}", file=sys.stderr, flush=True)
    runs = [each["streams"] for each in runs]
    return {
        title: {key: statistics.median(each[title][key] for each in runs) for key in row}
        for title, row in runs[0].items()
    }


def markdown(results) -> str:
    return table(
        COLUMNS,
        [
            (
                title,
                *(f"{row[key] * 1e3:.1f}" for key in ("source", "step", "fit")),
                f"{row['ratio']:.2f}",
            )
            for title, row in results.items()
        ],
        words=1,
    )
