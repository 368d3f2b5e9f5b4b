"""Two processes train one model: each runs this script, and gives its own rows.

Started without arguments it starts both, as a launcher (SLURM, Kubernetes, mpirun) would do on two
machines.
"""

import os
import socket
import subprocess
import sys

if len(sys.argv) == 1:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    workers = [
        subprocess.Popen([sys.executable, __file__, address, str(number)], env=environment)
        for number in range(2)
    ]
    sys.exit(max(worker.wait() for worker in workers))

import numpy as np

import fkeras
from fkeras import layers

address, number = sys.argv[1], int(sys.argv[2])
fkeras.distribution.initialize(address, num_processes=2, process_id=number)
fkeras.distribution.set_distribution(fkeras.distribution.DataParallel())
fkeras.utils.set_random_seed(0)

x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
y = x @ np.arange(8.0, dtype="float32")[:, None]


def own_rows(batch=32):
    """This process's half of each batch, as if from its own files."""
    half = batch // 2
    for start in range(0, len(x), batch):
        rows = slice(start + number * half, start + (number + 1) * half)
        yield x[rows], y[rows]


model = fkeras.Sequential([fkeras.Input((8,)), layers.Dense(1)])
model.compile(fkeras.optimizers.SGD(0.1), "mse")
for _ in range(5):
    history = model.fit(own_rows(), verbose=0)  # the first process prints, where any does
loss = model.evaluate(x, y, verbose=0)  # arrays: the same on each process
weights = model.get_weights()  # all processes ask
if number == 0:
    print(f"{len(fkeras.distribution.list_devices())} devices, loss {loss:.4f}")
assert loss < 1.0 and weights[0].shape == (8, 1)
