"""What loops of one's own cost: `train_on_batch` on a small network, as in scripts of GANs and
reinforcement learning, and the answer for a single row.

All contenders run in one process, in turns; a process of its own for each round. CPU time of all
threads and wall time, medians of the turns.
"""

import importlib.util
import json
import statistics
import sys
import time

import numpy as np

from benchmarks.start import measure_code
from benchmarks.tables import table

NAME = "on batch"
_TURNS, _CALLS, _ROWS = 40, 50, 32
_BASE = "JAX + Optax, by hand"
COLUMNS = (NAME, "contender", "CPU, us", "wall, us", "CPU to by hand")


def measure() -> None:
    """Prints medians by job and contender."""
    jobs = _jobs()
    for contenders in jobs.values():
        for call in contenders.values():
            for i in range(20):
                call(i)
    results = {
        job: {name: {"cpu": [], "wall": []} for name in contenders}
        for job, contenders in jobs.items()
    }
    for _ in range(_TURNS):
        for job, contenders in jobs.items():
            for name, call in contenders.items():
                call(0)
                cpu, wall = time.process_time(), time.perf_counter()
                for i in range(_CALLS):
                    call(i)
                row = results[job][name]
                row["cpu"].append((time.process_time() - cpu) / _CALLS)
                row["wall"].append((time.perf_counter() - wall) / _CALLS)
    print(json.dumps({"jobs": _medians(results)}))


def _medians(results):
    return {
        job: {
            name: {key: statistics.median(values) for key, values in row.items()}
            for name, row in contenders.items()
        }
        for job, contenders in results.items()
    }


def _jobs():
    """By job and contender, a function of the number of the batch."""
    import jax

    random = np.random.default_rng(0)
    x = random.normal(size=(_CALLS * _ROWS, 32)).astype("float32")
    y = random.integers(0, 10, len(x)).astype("int32")
    train, predict = _by_hand(x)
    training = {_BASE: lambda i: train(x[i : i + _ROWS], y[i : i + _ROWS])}
    predicting = {_BASE: lambda i: np.asarray(predict(x[i : i + 1]))}
    calling = {_BASE: lambda i: predict(x[i : i + 1]).block_until_ready()}
    for module in ("fkeras", "keras"):
        if importlib.util.find_spec(module) is None:
            continue
        model = _compiled(module, x)
        training[module] = lambda i, model=model: model.train_on_batch(
            x[i : i + _ROWS], y[i : i + _ROWS]
        )
        predicting[f"{module}, predict_on_batch"] = lambda i, model=model: model.predict_on_batch(
            x[i : i + 1]
        )
        predicting[f"{module}, predict"] = lambda i, model=model: model.predict(
            x[i : i + 1], verbose=0
        )
        calling[module] = lambda i, model=model: jax.block_until_ready(model(x[i : i + 1]))
    return {
        "train_on_batch, 32 rows": training,
        "predict, one row": predicting,
        "model(x), one row": calling,
    }


def _compiled(module, x):
    from benchmarks import networks

    keras = importlib.import_module(module)
    model = networks.NETWORKS["mlp"](keras, x)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    return model


def _by_hand(x):
    """(one step that reads its loss, outputs): the usual jitted functions, the step donated."""
    import jax
    import optax

    from benchmarks import by_hand

    make, forward = by_hand.NETWORKS["mlp"]
    optimizer = optax.adam(1e-3, eps=1e-7)

    def loss_of(params, x, y):
        logits, _ = forward(params, x, True)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    def step(carry, x, y):
        params, state = carry
        loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
        updates, state = optimizer.update(gradients, state)
        return (optax.apply_updates(params, updates), state), loss

    step = jax.jit(step, donate_argnums=0)
    outputs = jax.jit(lambda params, x: forward(params, x, False)[0])
    params = jax.jit(lambda key: make(key, x))(jax.random.key(0))
    kept = {"carry": (params, optimizer.init(params))}

    def train(x, y):
        kept["carry"], loss = step(kept["carry"], x, y)
        return float(loss)

    return train, lambda x: outputs(kept["carry"][0], x)


def run(rounds, environment) -> dict:
    """Medians over rounds by job and contender."""
    runs = []
    for _ in range(rounds):
        runs.append(
            measure_code("from benchmarks import on_batch; on_batch.measure()", environment)
        )
        print(f"{NAME}: {runs[-1]}", file=sys.stderr, flush=True)
    runs = [each["jobs"] for each in runs]
    return _medians(
        {
            job: {
                name: {key: [each[job][name][key] for each in runs] for key in ("cpu", "wall")}
                for name in contenders
            }
            for job, contenders in runs[0].items()
        }
    )


def markdown(results) -> str:
    rows = []
    for job, contenders in results.items():
        base = contenders[_BASE]["cpu"]
        for name, row in contenders.items():
            figures = [f"{row[key] * 1e6:.0f}" for key in ("cpu", "wall")]
            rows.append((job, name, *figures, f"{row['cpu'] / base:.2f}"))
    return table(COLUMNS, rows, words=2)
