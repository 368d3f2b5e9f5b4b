"""The table of workloads: what is trained, on what, for how long. Nothing here knows who runs it.

A workload names an architecture (`networks.py` builds it from any Keras-like library, `by_hand.py`
from plain JAX) and holds data.
"""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Workload:
    """One row of the table.

    Args:
        name: row's name.
        network: key of `networks.NETWORKS` and `by_hand.NETWORKS`.
        data: function (rows) -> (x, y).
        rows: rows to train on, or to predict or evaluate. quick_rows: the same under `--quick`.
        kind: 'fit', 'predict' or 'evaluate'.
        batch_size: rows a step.
        epochs: timed epochs of 'fit', or timed calls of 'predict' and 'evaluate'. quick_epochs: the
            same under `--quick`.
        validate: whether `fit` validates each epoch on the last fifth of the rows.
        reads_loss: whether the user's own code looks at the loss after each batch of `fit`.
        generated: whether `fit` gets a Python generator of batches instead of arrays.
        needs: layers that the network needs; a contender without them is left out.
    """

    name: str
    network: str
    data: Callable
    rows: int
    quick_rows: int
    kind: str = "fit"
    batch_size: int = 32
    epochs: int = 3
    quick_epochs: int = 1
    validate: bool = False
    reads_loss: bool = False
    generated: bool = False
    needs: tuple[str, ...] = ()


def table(width, classes):
    def make(rows):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(rows, width)).astype("float32")
        return x, (x @ rng.normal(size=(width, classes))).argmax(1).astype("int32")

    return make


def images(size, channels):
    def make(rows):
        rng = np.random.default_rng(0)
        return rng.random((rows, size, size, channels), "float32"), rng.integers(
            0, 10, rows
        ).astype("int32")

    return make


def tokens(length, vocabulary):
    def make(rows):
        rng = np.random.default_rng(0)
        return rng.integers(0, vocabulary, (rows, length)).astype("int32"), rng.integers(
            0, 2, rows
        ).astype("int32")

    return make


def batches(x, y, size):
    """Batches without end, each pass in an order of its own: what a user's generator looks like."""
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(len(x))
        for at in range(0, len(x), size):
            rows = order[at : at + size]
            yield x[rows], y[rows]


WORKLOADS = [
    Workload(
        "MLP, iris-sized: 150 rows, validated",
        "small_mlp",
        table(4, 3),
        150,
        150,
        epochs=50,
        quick_epochs=50,
        validate=True,
    ),
    Workload("MLP, 100k rows of 32", "mlp", table(32, 10), 100_000, 20_000, batch_size=128),
    Workload(
        "MLP, 100k rows, the loss read each batch",
        "mlp",
        table(32, 10),
        100_000,
        20_000,
        batch_size=128,
        epochs=2,
        reads_loss=True,
    ),
    Workload(
        "MLP, 100k rows, from a generator",
        "mlp",
        table(32, 10),
        100_000,
        20_000,
        batch_size=128,
        epochs=2,
        generated=True,
    ),
    Workload("wide MLP, 8 layers of 1024", "wide_mlp", table(1024, 10), 1024, 256),
    Workload("convnet, 28x28x1", "convnet", images(28, 1), 4096, 512, batch_size=64),
    Workload("ResNet-20, 32x32x3", "resnet", images(32, 3), 256, 64, batch_size=32, epochs=2),
    Workload("LSTM, 64 tokens", "lstm", tokens(64, 1000), 1024, 256, needs=("Embedding", "LSTM")),
    Workload(
        "transformer block, 64 tokens",
        "transformer",
        tokens(64, 1000),
        1024,
        256,
        needs=("Embedding", "MultiHeadAttention", "LayerNormalization"),
    ),
    Workload(
        "predict, one row", "mlp", table(32, 10), 1, 1, kind="predict", epochs=200, quick_epochs=50
    ),
    Workload(
        "predict, 100k rows", "mlp", table(32, 10), 100_000, 20_000, kind="predict", batch_size=128
    ),
    Workload(
        "evaluate with metrics, 100k rows",
        "mlp",
        table(32, 10),
        100_000,
        20_000,
        kind="evaluate",
        batch_size=128,
    ),
]
