"""A small transformer whose weights are cut over the devices, two ways.

`FSDP` cuts each weight over the devices that the rows are dealt out to; `tensor_parallel` gives
rules that cut attention by heads and dense layers in pairs, over an axis of their own.
"""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import numpy as np

import fkeras
from fkeras import distribution, layers

tokens = np.random.default_rng(0).integers(0, 50, (64, 12))
targets = np.roll(tokens, -1, axis=1)


def transformer():
    fkeras.utils.set_random_seed(0)
    inputs = fkeras.Input((12,), dtype="int32")
    x = layers.Embedding(50, 32)(inputs)
    for _ in range(2):
        attended = layers.MultiHeadAttention(4, 8)(x, x, use_causal_mask=True)
        x = layers.LayerNormalization()(x + attended)
        hidden = layers.Dense(64, activation="gelu")(x)
        x = layers.LayerNormalization()(x + layers.Dense(32)(hidden))
    return fkeras.Model(inputs, layers.Dense(50)(x))


def loss_of(model):
    loss = fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(fkeras.optimizers.Adam(1e-2), loss)
    return model.fit(tokens, targets, batch_size=16, epochs=2, verbose=0).history["loss"][-1]


alone = loss_of(transformer())

with distribution.FSDP(min_size=256).scope():
    model = transformer()
    fully_sharded = loss_of(model)
kernel = max(model.weights, key=lambda weight: weight.size)
print("FSDP:", kernel.path, kernel.shape, "->", kernel.value.addressable_shards[0].data.shape)

mesh = distribution.DeviceMesh((2, 4), ["batch", "model"])
model = transformer()
rules = distribution.tensor_parallel(model, mesh)
with distribution.ModelParallel(layout_map=rules).scope():
    tensor_parallel = loss_of(model)
query = next(weight for weight in model.weights if weight.path.endswith("query/kernel"))
print("by heads:", query.path, query.shape, "->", query.value.addressable_shards[0].data.shape)

print(f"loss: {alone:.5f} alone, {fully_sharded:.5f} FSDP, {tensor_parallel:.5f} by heads")
np.testing.assert_allclose([fully_sharded, tensor_parallel], alone, rtol=1e-4)
