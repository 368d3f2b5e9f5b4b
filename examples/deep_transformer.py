"""A deep transformer as one repeated block: `layers.Repeat` traces and compiles the block once.

The same model as a list of separate blocks computes the same numbers, but its program has each
block written out. `remat=True` keeps one block's intermediate values instead of all.

Expected: about 30 s on two slow cores; the repeated model is traced about five times faster.
"""

import time

import jax
import numpy as np

import fkeras
from fkeras import layers

DEPTH = 12


class Block(layers.Layer):
    def __init__(self):
        super().__init__()
        self.norm = layers.LayerNormalization()
        self.attention = layers.MultiHeadAttention(2, 8)
        self.inner = fkeras.Sequential(
            [layers.LayerNormalization(), layers.Dense(32, activation="gelu"), layers.Dense(16)]
        )
        self.dropout = layers.Dropout(0.1)

    def call(self, x):
        normed = self.norm(x)
        x = x + self.attention(normed, normed)
        return x + self.dropout(self.inner(x))


def model_with(body):
    return fkeras.Sequential(
        [
            fkeras.Input((8,), dtype="int32"),
            layers.Embedding(16, 16),
            body,
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
        ]
    )


fkeras.utils.set_random_seed(0)
repeated = model_with(layers.Repeat(Block(), DEPTH, remat=True))
separate = model_with(fkeras.Sequential([Block() for _ in range(DEPTH)]))

# Weights go one by one, block after block: those of either model fit the other.
separate.set_weights(repeated.get_weights())

rng = np.random.default_rng(0)
x = rng.integers(0, 16, (256, 8)).astype("int32")
y = (x == 3).any(axis=1).astype("float32")[:, None]
np.testing.assert_allclose(
    repeated.predict(x, verbose=0), separate.predict(x, verbose=0), atol=1e-4
)


def seconds_to_trace(model):
    variables = model.init(jax.random.key(0))
    begin = time.perf_counter()
    jax.jit(jax.grad(lambda v: model.apply(v, x)[0].sum())).trace(variables)
    return time.perf_counter() - begin


print(f"traced: separate {seconds_to_trace(separate):.2f} s")
print(f"traced: repeated {seconds_to_trace(repeated):.2f} s")

# Lamb looks at the norm of each weight: of each block, not of the stack.
loss = fkeras.losses.BinaryCrossentropy(from_logits=True)
repeated.compile(fkeras.optimizers.Lamb(0.01), loss, metrics=["accuracy"])
history = repeated.fit(x, y, batch_size=64, epochs=10, verbose=0).history
print(f"loss {history['loss'][0]:.3f} -> {history['loss'][-1]:.3f}")
assert history["loss"][-1] < history["loss"][0]

# The pure form has the stacks, with an axis for blocks.
kernel = repeated.train_state().params["repeat"]["blocks"]["inner"]["dense"]["kernel"]
assert kernel.shape == (DEPTH, 16, 32)
