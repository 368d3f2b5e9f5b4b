"""`init`, `apply` and what JAX makes of them: gradients, an ensemble, a scanned loop, per-example
gradients.

Nothing here changes the layer objects: they describe a computation, the arrays are yours.

Expected: about 10 s on two slow cores; the loss falls below a tenth of where it began.
"""

import jax
import jax.numpy as jnp
import optax

import fkeras
from fkeras import layers

model = fkeras.Sequential(
    [layers.Dense(16, activation="tanh"), layers.Dropout(0.1), layers.Dense(1)]
)
x = jax.random.normal(jax.random.key(0), (64, 3))
y = jnp.sin(x).sum(axis=1, keepdims=True)

# init and apply: pure functions of a key, and of a dict of arrays.
variables = model.init(jax.random.key(1), x)
print(jax.tree.map(jnp.shape, variables))
outputs, state = model.apply(variables, x)
noisy, _ = model.apply(variables, x, training=True, rngs=jax.random.key(2))
assert outputs.shape == (64, 1) and not jnp.allclose(outputs, noisy)


def loss(params, x, y):
    outputs, _ = model.apply({**variables, "params": params}, x)
    return jnp.mean((outputs - y) ** 2)


# grad
params = variables["params"]
gradients = jax.grad(loss)(params, x, y)
assert jax.tree.structure(gradients) == jax.tree.structure(params)

# scan: a whole training run is one compiled call.
optimizer = optax.adam(0.02)


def step(carry, _):
    params, opt_state = carry
    value, gradients = jax.value_and_grad(loss)(params, x, y)
    updates, opt_state = optimizer.update(gradients, opt_state)
    return (optax.apply_updates(params, updates), opt_state), value


@jax.jit
def train(params):
    return jax.lax.scan(step, (params, optimizer.init(params)), length=300)


(trained, _), losses = train(params)
print(f"scan: loss {losses[0]:.3f} -> {losses[-1]:.4f} in {len(losses)} steps")
assert losses[-1] < losses[0] / 10

# vmap over keys: an ensemble of eight, trained at once.
ensemble = jax.vmap(lambda key: model.init(key, x)["params"])(
    jax.random.split(jax.random.key(3), 8)
)
(_, _), losses = jax.vmap(train)(ensemble)
print("ensemble: last losses", losses[:, -1].round(4))
assert losses.shape == (8, 300) and (losses[:, -1] < losses[:, 0] / 10).all()

# vmap of grad: one gradient for each example.
each = jax.vmap(jax.grad(loss), in_axes=(None, 0, 0))(params, x[:, None], y[:, None])
mean = jax.tree.map(lambda g: g.mean(axis=0), each)
norms = jnp.sqrt(sum(jnp.sum(g.reshape(64, -1) ** 2, axis=1) for g in jax.tree.leaves(each)))
print(f"per-example gradient norms: {norms.min():.3f} to {norms.max():.3f}")
assert all(
    jnp.allclose(a, b, atol=1e-5)
    for a, b in zip(jax.tree.leaves(mean), jax.tree.leaves(gradients), strict=True)
)
