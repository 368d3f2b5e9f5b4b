"""What devices cost: a step of a network on 1 to 8 virtual devices of one CPU, by hand and through
`fkeras.distribution`.

A sanity table: the devices share the same cores, so that no step can become faster. What shows is
the price of laying out and of communication, with one batch dealt out to all devices (strong
scaling) and with as many rows for each (weak scaling). All in one process, in turns; medians.
"""

import functools
import json
import statistics
import subprocess
import sys
import time

from benchmarks.tables import table

NAME = "devices"
COUNTS = (1, 2, 4, 8)
ROWS, WIDTH = 512, 256  # of a batch, in all; of the layers
STRATEGIES = ("DataParallel", "pmap", "FSDP")
COLUMNS = (NAME, "rows", "by hand, ms", *(f"{name}, ratio" for name in STRATEGIES))
STEPS = 20
# (devices, rows of a batch)
PLACES = (
    *((count, ROWS) for count in COUNTS),
    *((count, ROWS // COUNTS[-1] * count) for count in COUNTS[:-1]),
)


def by_hand(count, rows_of_batch):
    """Function that takes `STEPS` Adam steps of a sharded loop written with Optax."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from jax.sharding import NamedSharding, PartitionSpec

    mesh = jax.sharding.Mesh(np.array(jax.devices()[:count]), ("rows",))
    replicated, rows = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((), ("rows",)))
    keys = jax.random.split(jax.random.key(0), 3)
    sizes = ((WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, 1))
    params = [
        (jax.random.normal(key, size) / size[0] ** 0.5, jnp.zeros(size[1]))
        for key, size in zip(keys, sizes)
    ]
    optimizer = optax.adam(1e-3)

    def loss_of(params, x, y):
        for kernel, bias in params[:-1]:
            x = jax.nn.relu(x @ kernel + bias)
        kernel, bias = params[-1]
        return jnp.mean((x @ kernel + bias - y) ** 2)

    def step(state, batch):
        params, slots = state
        loss, gradients = jax.value_and_grad(loss_of)(params, *batch)
        updates, slots = optimizer.update(gradients, slots)
        return (optax.apply_updates(params, updates), slots), loss

    step = jax.jit(step, donate_argnums=0)
    state = jax.device_put((params, optimizer.init(params)), replicated)
    x, y = data(rows_of_batch)

    def run():
        nonlocal state
        for _ in range(STEPS):
            state, loss = step(state, jax.device_put((x, y), rows))
        jax.block_until_ready(loss)

    return run


def with_fkeras(strategy, count, rows_of_batch):
    """Function that fits for `STEPS` batches from the host, step by step."""
    import fkeras
    from fkeras import distribution, layers

    class Watcher(fkeras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    devices = distribution.list_devices()[:count]
    chosen = {
        "DataParallel": lambda: distribution.DataParallel(devices=devices),
        "pmap": lambda: distribution.DataParallel(devices=devices, strategy="pmap"),
        "FSDP": lambda: distribution.FSDP(devices=devices),
    }[strategy]()
    with chosen.scope():
        hidden = [layers.Dense(WIDTH, activation="relu") for _ in range(2)]
        model = fkeras.Sequential([fkeras.Input((WIDTH,)), *hidden, layers.Dense(1)])
        model.compile("adam", "mse")
    batch, watcher = data(rows_of_batch), Watcher()

    def stream():
        for _ in range(STEPS):
            yield batch

    return lambda: model.fit(stream(), verbose=0, callbacks=[watcher])


def data(rows):
    import numpy as np

    x = np.random.default_rng(0).normal(size=(rows, WIDTH)).astype("float32")
    return x, x[:, :1]


def measure(rounds) -> list:
    """[(devices, rows, medians of seconds a step by contender), ...]."""
    contenders = {
        "by hand": by_hand,
        **{name: functools.partial(with_fkeras, name) for name in STRATEGIES},
    }
    runs = {(*place, name): make(*place) for place in PLACES for name, make in contenders.items()}
    seconds = {key: [] for key in runs}
    for run in runs.values():
        run()
    for _ in range(rounds):
        for key, run in runs.items():
            begin = time.perf_counter()
            run()
            seconds[key].append((time.perf_counter() - begin) / STEPS)
    return [
        (*place, {name: statistics.median(seconds[*place, name]) for name in contenders})
        for place in PLACES
    ]


def run(rounds, environment) -> list:
    """`measure` in a process of its own, with eight virtual devices."""
    code = (
        f"import json; from benchmarks import {NAME} as b; print(json.dumps(b.measure({rounds})))"
    )
    environment = {**environment, "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    return json.loads(done.stdout.splitlines()[-1])


def markdown(results) -> str:
    """A table; ratios are over the loop by hand on as many devices."""
    rows = [
        (
            f"{count} devices" if count > 1 else "1 device",
            str(rows_of_batch),
            f"{row['by hand'] * 1e3:.2f}",
            *(f"{row[name] / row['by hand']:.2f}" for name in STRATEGIES),
        )
        for count, rows_of_batch, row in results
    ]
    return table(COLUMNS, rows, words=1)
