"""Flax modules as layers, and a layer inside a Flax module.

Expected: about 15 s on two slow cores; both models reach an accuracy above 0.9, and every module's
weights were trained.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx

import fkeras
from fkeras import layers

fkeras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x = rng.normal(size=(512, 6)).astype("float32")
y = (x[:, 0] + x[:, 1] > 0).astype("int32")


class LinenBlock(linen.Module):
    @linen.compact
    def __call__(self, x, train=False):
        x = linen.BatchNorm(use_running_average=not train)(linen.Dense(16)(x))
        return linen.Dropout(0.1, deterministic=not train)(linen.relu(x))


# In a Sequential: an nnx module, a linen module, a Keras layer.
model = fkeras.Sequential(
    [
        fkeras.Input((6,)),
        layers.FlaxLayer(nnx.Linear(6, 16, rngs=nnx.Rngs(0))),
        layers.FlaxLayer(LinenBlock()),
        layers.Dense(2),
    ]
)
before = model.get_weights()
model.compile(
    "adam", fkeras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
)
model.fit(x, y, epochs=15, verbose=0)
accuracy = model.evaluate(x, y, verbose=0)[1]
print(
    f"Flax inside fkeras: accuracy {accuracy:.3f} with {len(model.trainable_weights)} trainable "
    "weights"
)
assert accuracy > 0.9
assert all(
    (a != b).any() for a, b in zip(before, model.get_weights(), strict=True)
)  # batch statistics, too


# The other way round: fkeras layers inside an nnx.Module, trained by plain NNX.
class Net(nnx.Module):
    def __init__(self, rngs):
        self.hidden = layers.Dense(16, activation="relu")
        self.hidden.build((None, 6))
        self.head = nnx.Linear(16, 2, rngs=rngs)

    def __call__(self, x):
        return self.head(self.hidden(x))


net = Net(nnx.Rngs(0))
first = net.hidden.get_weights()[0]
graph, params = nnx.split(net, nnx.Param)


def loss(params):
    logits = nnx.merge(graph, params)(x)
    return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(y)), y])


@jax.jit
def step(params):
    return jax.tree.map(lambda p, g: p - 0.5 * g, params, jax.grad(loss)(params))


for _ in range(100):
    params = step(params)
nnx.update(net, params)
accuracy = float(jnp.mean(net(x).argmax(axis=1) == y))
print(f"fkeras inside Flax: accuracy {accuracy:.3f}")
assert accuracy > 0.9 and (net.hidden.get_weights()[0] != first).any()
