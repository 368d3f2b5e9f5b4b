"""An evaluation loop of your own: `test`, `predict` and `reset_metrics` as functions of a state.

The loop decides what is measured and how batches are joined; nothing on the model changes. One
program evaluates the weights of training and their average beside each other.

Expected: about 10 s on two slow cores; the same accuracy as `model.evaluate`.
"""

import jax
import jax.numpy as jnp
import numpy as np

import fkeras
from fkeras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(300, 6)).astype("float32")
y = (x[:, 0] * x[:, 1] > 0).astype("int32")
batches = [(x[start : start + 100], y[start : start + 100]) for start in (0, 100, 200)]

fkeras.utils.set_random_seed(0)
model = fkeras.Sequential(
    [fkeras.Input((6,)), layers.Dense(32, activation="relu"), layers.Dense(2)]
)
loss = fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss, metrics=["accuracy"])

# -- training, with an average of the weights beside them ----------------------------------------

step = jax.jit(model.step)
state = model.train_state()  # the model is built: no batch is needed
average = state.params
for _ in range(100):
    for batch in batches:
        state, logs = step(state, batch)
        average = jax.tree.map(lambda a, b: 0.98 * a + 0.02 * b, average, state.params)
print("the last batch alone:", {name: round(float(value), 4) for name, value in logs.items()})

# -- evaluation of both at once ------------------------------------------------------------------

both = jax.tree.map(lambda a, b: jnp.stack([a, b]), state, state.replace(params=average))
evaluate_batch = jax.jit(jax.vmap(model.test, in_axes=(0, None)))

both = jax.vmap(model.reset_metrics)(both)
for batch in batches:
    both, logs_of_batch = evaluate_batch(both, batch)  # of this batch alone
measured = jax.vmap(model.running_logs)(both)  # of all of them
by_hand, by_average = map(float, measured["accuracy"])

# -- something that no metric measures: the rows that are most certain and wrong -----------------

logits = jnp.concatenate([jax.jit(model.predict)(state, rows) for rows, _ in batches])
certainty = jax.nn.softmax(logits).max(axis=-1)
wrong = logits.argmax(axis=-1) != y
worst = np.argsort(np.where(wrong, -certainty, 0))[:3]
print("most certain and wrong:", [int(row) for row in worst if wrong[row]])

model.set_train_state(state)
_, by_facade = model.evaluate(x, y, verbose=0)
print(f"by hand {by_hand:.4f}, by the facade {by_facade:.4f}, of the average {by_average:.4f}")
assert abs(by_hand - by_facade) < 1e-6
