"""A variational autoencoder in parts: `apply(..., method=)` calls any method or sub-layer.

One set of variables serves the whole model, its encoder and its decoder; each part is a pure
function under `jit` and `vmap`.

Expected: about 10 s on two slow cores; the loss falls, 5 new samples of 8 values are drawn.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import fkeras
from fkeras import layers

rng = np.random.default_rng(0)
codes = rng.normal(size=(512, 2)).astype("float32")
data = np.tanh(codes @ rng.normal(size=(2, 8))).astype("float32")


class Autoencoder(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(16, activation="tanh")
        self.moments = layers.Dense(4)
        self.decoder = fkeras.Sequential([layers.Dense(16, activation="tanh"), layers.Dense(8)])

    def encode(self, x):
        return jnp.split(self.moments(self.hidden(x)), 2, axis=-1)

    def call(self, x):
        mean, log_variance = self.encode(x)
        noise = fkeras.random.normal(mean.shape)
        self.add_loss(0.01 * jnp.mean(mean**2 + jnp.exp(log_variance) - log_variance - 1))
        return self.decoder(mean + jnp.exp(log_variance / 2) * noise)


model = Autoencoder()
params = model.init(jax.random.key(0), data[:1])["params"]
optimizer = optax.adam(0.01)


@jax.jit
def train(params, opt_state, key):
    def loss(params):
        outputs, _, losses = model.apply({"params": params}, data, rngs=key, return_losses=True)
        return jnp.mean((outputs - data) ** 2) + sum(losses)

    value, gradients = jax.value_and_grad(loss)(params)
    updates, opt_state = optimizer.update(gradients, opt_state)
    return optax.apply_updates(params, updates), opt_state, value


opt_state = optimizer.init(params)
values = []
for step in range(300):
    params, opt_state, value = train(params, opt_state, jax.random.key(step))
    values.append(float(value))
print(f"loss {values[0]:.3f} -> {values[-1]:.3f}")

# The parts, with the same variables.
(mean, _), _ = model.apply({"params": params}, data[:4], method="encode")
again, _ = model.apply({"params": params}, mean, method="decoder")
print("reconstruction error of 4 rows:", float(jnp.mean((again - data[:4]) ** 2)))
samples = jax.random.normal(jax.random.key(1), (5, 2))
print("new samples:", model.apply({"params": params}, samples, method=model.decoder)[0].shape)
assert values[-1] < values[0] / 2
