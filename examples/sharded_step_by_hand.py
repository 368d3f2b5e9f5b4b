"""The pure step over eight devices, with shardings given by hand."""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import fkeras
from fkeras import layers

model = fkeras.Sequential(
    [fkeras.Input((16,)), layers.Dense(64, activation="relu"), layers.Dense(1)]
)
model.compile("adam", "mse")

mesh = jax.make_mesh((8,), ("batch",))
state_sharding = model.state_sharding(mesh)  # a TrainState of shardings: all of it on each device
rows = NamedSharding(mesh, PartitionSpec("batch"))

step = jax.jit(
    model.step,
    in_shardings=(state_sharding, rows),
    out_shardings=(state_sharding, None),
    donate_argnums=0,
)

x = np.random.default_rng(0).normal(size=(256, 16)).astype("float32")
batch = jax.device_put((x, x[:, :1]), rows)
state = jax.device_put(model.train_state(), state_sharding)
losses = []
for _ in range(20):
    state, logs = step(state, batch)
    losses.append(float(logs["loss"]))
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f} on {len(mesh.devices)} devices")
assert losses[-1] < losses[0]

model.set_train_state(state)  # and back to the facade
assert np.isfinite(model.predict(x, verbose=0)).all()
