"""A model with its own `train_step`: Keras's contract on JAX, unchanged.

State is four lists of values; the step is a pure function of them. `fit`, its callbacks and
progress bar work as ever, and so does `model.step`, which calls the overridden step. Here:
gradients of unit norm, and the norm in the logs.

Expected: about 10 s on two slow cores; the mean absolute error falls below 0.2.
"""

import jax
import jax.numpy as jnp
import numpy as np

import fkeras
from fkeras import layers


class UnitGradients(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = layers.Dense(16, activation="relu"), layers.Dense(1)

    def call(self, x):
        return self.head(self.hidden(x))

    def train_step(self, state, data):
        trainable, non_trainable, optimizer_variables, metrics = state
        x, y = data
        grad = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (_, (loss, y_pred, non_trainable, metrics)), gradients = grad(
            trainable,
            non_trainable,
            metrics,
            x,
            y,
            None,
            training=True,
            optimizer_variables=optimizer_variables,
        )
        norm = jnp.sqrt(sum(jnp.sum(g**2) for g in gradients))
        gradients = [g / (norm + 1e-8) for g in gradients]
        trainable, optimizer_variables = self.optimizer.stateless_apply(
            optimizer_variables, gradients, trainable
        )
        return {"loss": loss, "gradient_norm": norm}, (
            trainable,
            non_trainable,
            optimizer_variables,
            metrics,
        )


fkeras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x = rng.normal(size=(512, 4)).astype("float32")
y = x @ np.array([[1.0], [-2.0], [0.5], [0.0]], "float32")

model = UnitGradients()
model.compile(optimizer=fkeras.optimizers.SGD(0.02), loss="mse", metrics=["mae"])
history = model.fit(x, y, epochs=20, verbose=2)
assert sorted(history.history) == ["gradient_norm", "loss"]

_, error = model.evaluate(x, y, verbose=0)
print(f"mean absolute error: {error:.3f}")
assert error < 0.2

state, logs = jax.jit(model.step)(
    model.train_state(), (x[:32], y[:32])
)  # the same step as a pure function
assert sorted(logs) == ["gradient_norm", "loss"]
