"""What a pipeline costs, without any model: `fkeras.data.Dataset` beside tf.data, Grain and
PyTorch's DataLoader.

    python -m benchmarks.pipelines [--quick]

Each contender runs in a process of its own, in turns; one that is not installed is left out. Times
are of a pass over all data after a first pass, the median over the rounds; the last column is that
time over fkeras's. A contender that has no such step by its own means is left out of that row.
"""

import argparse
import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from benchmarks.tables import table

BATCH = 128
WINDOW = 30
COLUMNS = ("pipeline", "contender", "a pass, ms", "fastest-slowest", "over fkeras")
CONTENDERS = {"fkeras": "fkeras", "tf.data": "tensorflow", "Grain": "grain", "DataLoader": "torch"}


def scale(x, y):
    """A user's function of an element or a batch."""
    return x / 255.0, y


def with_names_of_tf_data(dataset_class, autotune, decode, x, y, files):
    """The pipelines of whoever has tf.data's names; functions () -> an iterator of NumPy values."""
    n = len(x)
    rows = lambda: dataset_class.from_tensor_slices((x, y))
    paths = lambda: dataset_class.from_tensor_slices(files)
    series = lambda: dataset_class.range(n).window(WINDOW, shift=1, drop_remainder=True)
    made = {
        "shuffle, batch": lambda: rows().shuffle(n).batch(BATCH),
        "shuffle, batch, map of batches": lambda: rows().shuffle(n).batch(BATCH).map(scale),
        "map of elements, shuffle, batch": lambda: (
            rows().map(scale, num_parallel_calls=autotune).shuffle(1000).batch(BATCH)
        ),
        "windows of a series": lambda: (
            series().flat_map(lambda w: w.batch(WINDOW)).map(lambda w: (w[:-1], w[-1])).batch(BATCH)
        ),
        "PNG files": lambda: (
            paths().map(decode, num_parallel_calls=autotune).batch(32).prefetch(autotune)
        ),
    }
    return {name: lambda f=f: f().as_numpy_iterator() for name, f in made.items()}


def read_png(path):
    """The pixels of a file."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image)


def fkeras_pipelines(x, y, files):
    from fkeras.data import AUTOTUNE, Dataset

    return with_names_of_tf_data(Dataset, AUTOTUNE, read_png, x, y, files)


def tf_pipelines(x, y, files):
    import tensorflow as tf

    decode = lambda path: tf.io.decode_png(tf.io.read_file(path))
    return with_names_of_tf_data(tf.data.Dataset, tf.data.AUTOTUNE, decode, x, y, files)


class Pairs:
    """Rows of arrays by index."""

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


def grain_pipelines(x, y, files):
    import grain

    rows = grain.MapDataset.source(Pairs(x, y)).shuffle(seed=0)
    paths = grain.MapDataset.source(files)
    return {
        "shuffle, batch": lambda: rows.batch(BATCH),
        "shuffle, batch, map of batches": lambda: rows.batch(BATCH).map(lambda e: scale(*e)),
        "map of elements, shuffle, batch": lambda: rows.map(lambda e: scale(*e)).batch(BATCH),
        "PNG files": lambda: paths.map(read_png).to_iter_dataset().batch(32),
    }


def torch_pipelines(x, y, files):
    import torch
    from torch.utils.data import DataLoader, Dataset, TensorDataset

    class Scaled(Pairs, Dataset):
        def __getitem__(self, index):
            return scale(*super().__getitem__(index))

    rows = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    return {
        "shuffle, batch": lambda: DataLoader(rows, BATCH, shuffle=True),
        "map of elements, shuffle, batch": lambda: DataLoader(Scaled(x, y), BATCH, shuffle=True),
    }


PIPELINES = {
    "fkeras": fkeras_pipelines,
    "tf.data": tf_pipelines,
    "Grain": grain_pipelines,
    "DataLoader": torch_pipelines,
}


def measure(contender, rows, folder):
    """Prints the seconds of a pass of each pipeline."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 28, 28)).astype("float32")
    y = np.arange(rows, dtype="int32")
    files = sorted(map(str, pathlib.Path(folder).glob("*.png")))
    seconds = {}
    for name, make in PIPELINES[contender](x, y, files).items():
        for _ in range(2):
            start = time.perf_counter()
            for _ in make():
                pass
            seconds[name] = time.perf_counter() - start
    print(json.dumps(seconds))


def write_images(folder, count):
    """Photograph-like files of 128x128 pixels."""
    from PIL import Image

    draw = np.random.default_rng(0)
    for number in range(count):
        pixels = draw.integers(0, 256, (16, 16, 3)).astype("uint8")
        Image.fromarray(pixels).resize((128, 128)).save(f"{folder}/{number}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few rows, one round")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = 1000 if options.quick else 20000
    if options.contender:
        measure(options.contender, rows, options.folder)
        return
    here = [name for name, module in CONTENDERS.items() if importlib.util.find_spec(module)]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        write_images(folder, 20 if options.quick else 400)
        for _ in range(1 if options.quick else 5):
            for contender in here:
                command = [sys.executable, "-m", "benchmarks.pipelines", "--contender", contender]
                command += ["--folder", folder, *(["--quick"] if options.quick else [])]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                for name, seconds in json.loads(done.stdout.splitlines()[-1]).items():
                    found.setdefault(name, {}).setdefault(contender, []).append(seconds * 1e3)
    lines = []
    for name, times in found.items():
        own = statistics.median(times["fkeras"])
        for contender, values in times.items():
            middle = statistics.median(values)
            spread = f"{min(values):.1f}-{max(values):.1f}"
            lines.append([name, contender, f"{middle:.1f}", spread, f"{middle / own:.1f}"])
    print(table(COLUMNS, lines, 2))


if __name__ == "__main__":
    main()
