"""Single layers beside the same thing written by hand in JAX and beside Keras 3 on JAX: forward,
and forward with the gradients to weights and inputs.

All in one process, with the same weights and inputs: each round runs the three one after the other,
and a ratio is the median of the rounds' ratios, so that a busy machine falls on all. Times are of
the CPU, all threads together, which other programs disturb less than the clock on the wall.
"""

import dataclasses
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.tables import table

NAME = "layers"
FORMS = ("forward", "gradient")
COLUMNS = (
    f"{NAME}: batch and shape",
    *(
        column
        for form in FORMS
        for column in (f"{form}, CPU ms", "to the hand-written", "to Keras's")
    ),
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One layer.

    Args:
        name: the row's name.
        make: function (layers of a Keras-like library) -> layer.
        by_hand: key of `layers_by_hand`.
        shape: of the inputs, batch first.
        masked: whether the steps after a random length are masked.
        training: whether it is called for training; then its new state is computed too.
        ids: how many different ints the inputs hold; None for floats.
    """

    name: str
    make: Callable
    by_hand: str
    shape: tuple[int, ...]
    masked: bool = False
    training: bool = False
    ids: int | None = None


TEXT = (32, 64, 32)
IMAGES = (32, 28, 28, 32)
ROWS = [
    Row("Dense 128", lambda layers: layers.Dense(128), "dense", (512, 128)),
    Row("Conv2D 32, 3x3", lambda layers: layers.Conv2D(32, 3, padding="same"), "conv", IMAGES),
    Row(
        "Conv2D 32, 3x3, of one channel",
        lambda layers: layers.Conv2D(32, 3, padding="same"),
        "conv",
        (64, 28, 28, 1),
    ),
    Row(
        "DepthwiseConv2D 3x3",
        lambda layers: layers.DepthwiseConv2D(3, padding="same"),
        "depthwise",
        (8, 28, 28, 32),
    ),
    Row(
        "SeparableConv2D 32, 3x3",
        lambda layers: layers.SeparableConv2D(32, 3, padding="same"),
        "separable",
        (8, 28, 28, 32),
    ),
    Row("LSTM 64", lambda layers: layers.LSTM(64), "lstm", TEXT),
    Row("LSTM 64, masked", lambda layers: layers.LSTM(64), "lstm", TEXT, masked=True),
    Row("GRU 64", lambda layers: layers.GRU(64), "gru", TEXT),
    Row("GRU 64, masked", lambda layers: layers.GRU(64), "gru", TEXT, masked=True),
    Row(
        "SimpleRNN 64, masked",
        lambda layers: layers.SimpleRNN(64),
        "simple_rnn",
        TEXT,
        masked=True,
    ),
    Row(
        "Bidirectional LSTM 64",
        lambda layers: layers.Bidirectional(layers.LSTM(64)),
        "bidirectional",
        TEXT,
    ),
    Row(
        "Bidirectional LSTM 64, masked",
        lambda layers: layers.Bidirectional(layers.LSTM(64)),
        "bidirectional",
        TEXT,
        masked=True,
    ),
    Row(
        "MultiHeadAttention 4 x 16",
        lambda layers: Attending(layers.MultiHeadAttention(4, 16)),
        "attention",
        (32, 64, 64),
    ),
    Row(
        "BatchNormalization, training",
        lambda layers: layers.BatchNormalization(),
        "batch_normalization",
        IMAGES,
        training=True,
    ),
    Row(
        "LayerNormalization",
        lambda layers: layers.LayerNormalization(),
        "layer_normalization",
        (64, 64, 128),
    ),
    Row(
        "Embedding 10000 x 64",
        lambda layers: layers.Embedding(10_000, 64),
        "embedding",
        (32, 64),
        ids=10_000,
    ),
]


class Attending:
    """Self-attention under the face of a layer with one input."""

    def __init__(self, layer):
        self.layer = layer

    def build(self, shape):
        self.layer.build(shape, shape)

    def __getattr__(self, name):
        return getattr(self.layer, name)

    def stateless_call(self, trainable, non_trainable, x, **options):
        return self.layer.stateless_call(trainable, non_trainable, x, x, **options)


def made(row, layers, weights):
    """The built layer, with the weights of another library's or its own first ones."""
    layer = row.make(layers)
    layer.build(row.shape)
    if weights is not None:
        layer.set_weights(weights)
    return layer


def of_library(row, layer, mask):
    """`function(trainable, non_trainable, x)` of a layer of a Keras-like library."""
    options = {"mask": mask} if row.masked else {}
    if row.training:
        options["training"] = True

    def call(trainable, non_trainable, x):
        y, state = layer.stateless_call(trainable, non_trainable, x, **options)
        return (y, tuple(state)) if row.training else y

    return call


def programs(row):
    """Form -> contender -> function that runs a compiled program and waits for it."""
    import jax
    import jax.numpy as jnp
    import keras
    import numpy as np

    from benchmarks import layers_by_hand
    from fkeras import layers

    rng = np.random.default_rng(0)
    x = rng.normal(size=row.shape).astype("float32")
    if row.ids is not None:
        x = rng.integers(0, row.ids, row.shape).astype("int32")
    mask = np.arange(row.shape[1]) < rng.integers(row.shape[1] // 4, row.shape[1] + 1, (len(x), 1))
    ours = made(row, layers, None)
    theirs = made(row, keras.layers, ours.get_weights())
    values = lambda variables: [jnp.asarray(np.asarray(v)) for v in variables]
    trainable = values(ours.trainable_variables)
    moving = values(ours.non_trainable_variables)
    # What else the libraries keep, such as the state of a generator, is theirs.
    kept = {
        "fkeras": moving,
        "by hand": moving if row.training else [],
        "keras": values(theirs.non_trainable_variables),
    }
    by_hand = getattr(layers_by_hand, row.by_hand)
    functions = {
        "fkeras": of_library(row, ours, mask),
        "by hand": lambda trainable, rest, x: by_hand(
            [*trainable, *rest], x, mask if row.masked else None
        ),
        "keras": of_library(row, theirs, mask),
    }
    is_float = x.dtype == np.float32

    def scored(function):
        def score(differentiated, rest, x):
            trainable, floats = differentiated
            y = function(trainable, rest, floats if is_float else x)
            y, state = y if row.training else (y, ())
            return jnp.sum(jnp.square(y)), state

        return jax.grad(score, has_aux=True)

    first = {"forward": trainable, "gradient": (trainable, x if is_float else ())}
    found = {form: {} for form in FORMS}
    results = {form: {} for form in FORMS}
    for name, function in functions.items():
        for form, traced in (("forward", function), ("gradient", scored(function))):
            given = jax.device_put((first[form], kept[name], x))
            compiled = jax.jit(traced).lower(*given).compile()
            results[form][name] = compiled(*given)
            found[form][name] = lambda run=compiled, a=given: jax.block_until_ready(run(*a))
    for by_name in results.values():  # the same numbers, or the comparison says nothing
        for name in ("by hand", "keras"):
            jax.tree.map(
                lambda a, b: np.testing.assert_allclose(
                    a, b, rtol=1e-2, atol=1e-3 * (1 + np.abs(a).max())
                ),
                jax.tree.leaves(by_name["fkeras"]),
                jax.tree.leaves(by_name[name]),
            )
    return found


def measure(row, rounds) -> dict:
    """Form -> (CPU seconds, ratio to the hand-written, ratio to Keras's)."""
    found = {}
    for form, runs in programs(row).items():
        begin = time.perf_counter()
        for run in runs.values():
            run()
        calls = max(1, round(0.006 * len(runs) / (time.perf_counter() - begin)))

        def seconds(run, calls=calls):
            begin = time.process_time()
            for _ in range(calls):
                run()
            return (time.process_time() - begin) / calls

        rows = [{name: seconds(run) for name, run in runs.items()} for _ in range(rounds)]
        found[form] = [
            statistics.median(r["fkeras"] for r in rows),
            *(
                statistics.median(r["fkeras"] / r[name] for r in rows)
                for name in ("by hand", "keras")
            ),
        ]
    return found


def main(rounds) -> None:
    """Prints JSON, as `run` reads it."""
    found = {}
    for row in ROWS:
        found[row.name] = {"shape": row.shape, **measure(row, rounds)}
        print(row.name, found[row.name], file=sys.stderr, flush=True)
    print(json.dumps(found))


def run(rounds, environment) -> dict:
    """`main` in a process of its own, with 15 pairs for each round."""
    code = f"from benchmarks import layers; layers.main({15 * rounds})"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    return json.loads(done.stdout.splitlines()[-1])


def markdown(results) -> str:
    """A table; ratios below 1 are faster."""
    rows = []
    for name, row in results.items():
        cells = [
            cell
            for form in FORMS
            for cell in (f"{row[form][0] * 1e3:.3f}", *(f"{ratio:.2f}" for ratio in row[form][1:]))
        ]
        rows.append((f"{name}: {'x'.join(map(str, row['shape']))}", *cells))
    return table(COLUMNS, rows, words=1)
