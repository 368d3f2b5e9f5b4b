"""What devices cost: a step of a network on 1 to 8 virtual devices of one CPU, by hand and through
`fkeras.distribution`.

A sanity table: the devices share the same cores, so that no step can become faster. What shows is
the price of laying out and of communication. All in one process, in turns; medians.
"""

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
COLUMNS = (f"{NAME}: batch of {ROWS}", "by hand, ms", *(f"{name}, ratio" for name in STRATEGIES))
STEPS = 20


def by_hand(count):
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
    x, y = data()

    def run():
        nonlocal state
        for _ in range(STEPS):
            state, loss = step(state, jax.device_put((x, y), rows))
        jax.block_until_ready(loss)

    return run


def with_fkeras(strategy, count):
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
    batch, watcher = data(), Watcher()

    def stream():
        for _ in range(STEPS):
            yield batch

    return lambda: model.fit(stream(), verbose=0, callbacks=[watcher])


def data():
    import numpy as np

    x = np.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype("float32")
    return x, x[:, :1]


def measure(rounds) -> dict:
    """Medians of seconds a step, by number of devices and contender."""
    runs = {
        (count, name): by_hand(count) if name == "by hand" else with_fkeras(name, count)
        for count in COUNTS
        for name in ("by hand", *STRATEGIES)
    }
    seconds = {place: [] for place in runs}
    for run in runs.values():
        run()
    for _ in range(rounds):
        for place, run in runs.items():
            begin = time.perf_counter()
            run()
            seconds[place].append((time.perf_counter() - begin) / STEPS)
    return {
        count: {name: statistics.median(seconds[count, name]) for name in ("by hand", *STRATEGIES)}
        for count in COUNTS
    }


def run(rounds, environment) -> dict:
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
            f"{count} devices" if int(count) > 1 else "1 device",
            f"{row['by hand'] * 1e3:.2f}",
            *(f"{row[name] / row['by hand']:.2f}" for name in STRATEGIES),
        )
        for count, row in results.items()
    ]
    return table(COLUMNS, rows, words=1)
