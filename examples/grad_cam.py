"""Grad-CAM: which parts of an image speak for the class that a network chose.

A sub-model gives the last feature maps, another one goes on from there, and `jax.grad` tells how
much the score of the class hangs on each map (Selvaraju et al., 2017, arXiv:1610.02391).
"""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

import fkeras
from fkeras import layers

fkeras.utils.set_random_seed(0)
digits = load_digits()
images = digits.images[..., None].astype("float32") / 16

inputs = fkeras.Input((8, 8, 1))
hidden = layers.Conv2D(16, 3, activation="relu", padding="same")(inputs)
maps = layers.Conv2D(16, 3, activation="relu", padding="same", name="maps")(hidden)
pooled = layers.GlobalMaxPooling2D()(maps)
scores = layers.Dense(10, name="scores")(pooled)
model = fkeras.Model(inputs, scores)
loss = fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(fkeras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
model.fit(images, digits.target, epochs=5, batch_size=64, verbose=2)

to_maps = fkeras.Model(model.inputs, model.get_layer("maps").output)
from_maps = fkeras.Model(model.get_layer("maps").output, model.output)


@jax.jit
def heatmap(image):
    """(8, 8): how much each place speaks for the class with the highest score."""
    features = to_maps(image[None])  # (1, 8, 8, maps)
    chosen = jnp.argmax(from_maps(features))
    gradients = jax.grad(lambda x: from_maps(x)[0, chosen])(features)
    weights = gradients.sum(axis=(1, 2), keepdims=True)  # of each map
    return jax.nn.relu((weights * features).sum(axis=-1))[0]


image = images[3]
heat = np.asarray(heatmap(image))
for drawn, warm in zip(image[..., 0], heat / heat.max()):
    bars = "".join(" .:-=+*#%@"[int(9 * value)] for value in drawn)
    print(bars, "  ", "".join(" .:-=+*#%@"[int(9 * value)] for value in warm))

# Without the warm half of the places the score falls by more than without the cold half.
is_warm = (heat >= np.median(heat))[..., None]
full, without_warm, without_cold = model(
    jnp.stack([image, np.where(is_warm, 0, image), np.where(is_warm, image, 0)])
)
chosen = int(jnp.argmax(full))
print(f"score of {chosen}: {full[chosen]:.1f}")
print(f"without the warm half {without_warm[chosen]:.1f}, the cold {without_cold[chosen]:.1f}")
assert without_warm[chosen] < without_cold[chosen]
