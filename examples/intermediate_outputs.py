"""Intermediate outputs of a model by the paths of its layers, without touching the model.

`apply(..., capture="blocks/*")` returns the outputs of all layers whose structural path matches,
under `jit` too: feature maps, activations for probing, statistics for debugging.

Expected: about 5 s on two slow cores; shapes and spreads of three feature maps.
"""

import jax
import jax.numpy as jnp
import numpy as np

import fkeras
from fkeras import layers

images = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype("float32")

model = fkeras.Sequential(
    [
        fkeras.Input((16, 16, 3)),
        layers.Conv2D(8, 3, padding="same", activation="relu", name="first"),
        layers.MaxPooling2D(name="pool"),
        layers.Conv2D(16, 3, padding="same", activation="relu", name="second"),
        layers.GlobalAveragePooling2D(name="mean"),
        layers.Dense(10, name="head"),
    ]
)
variables = model.init(jax.random.key(0), images)


@jax.jit
def features(variables, images):
    outputs, _, captured = model.apply(variables, images, capture=["first", "second", "mean"])
    return outputs, {path: calls[0] for path, calls in captured.items()}


logits, maps = features(variables, images)
for path, value in maps.items():
    print(f"{path}: {value.shape}, standard deviation {float(jnp.std(value)):.3f}")
assert logits.shape == (4, 10) and set(maps) == {"first", "second", "mean"}
