"""Checkpoints while training goes on, and three ways to read them: as a model, as weights, and by
Orbax itself, as the state of a loop of your own.

Expected: about 10 s on two slow cores; the run that goes on from a checkpoint ends with the very
losses of the run that was never interrupted.
"""

import jax
import numpy as np
import orbax.checkpoint as ocp

import fkeras
from fkeras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(256, 8)).astype("float32")
y = (x[:, 0] * x[:, 1]).astype("float32")[:, None]


def net():
    model = fkeras.Sequential(
        [
            fkeras.Input((8,)),
            layers.Dense(32, activation="relu", name="hidden"),
            layers.Dropout(0.1),
            layers.Dense(1, name="head"),
        ]
    )
    model.compile("adam", "mse")
    return model


# -- written in the background, the last two kept ------------------------------------------------

fkeras.utils.set_random_seed(0)
model = net()
save = fkeras.callbacks.OrbaxCheckpoint("checkpoints", max_to_keep=2)
model.fit(x, y, epochs=4, verbose=0, callbacks=[save])

# -- as a model: architecture, optimizer, counts and key are in it -------------------------------

again = fkeras.saving.load_model("checkpoints")
print("went on after", again.training_progress)
uninterrupted = model.fit(x, y, epochs=6, initial_epoch=4, verbose=0).history["loss"]
resumed = again.fit(x, y, epochs=6, initial_epoch=4, verbose=0).history["loss"]
print("the losses after it:", [round(loss, 5) for loss in resumed])
assert resumed == uninterrupted

# -- as weights, of one checkpoint by its number -------------------------------------------------

other = net()
other.load_weights("checkpoints/2")

# -- by Orbax alone: the fields of a TrainState --------------------------------------------------

checkpointer = ocp.StandardCheckpointer()
fields = checkpointer.restore(f"{save.checkpointer.directory}/3/state")
state = other.train_state().replace(**{k: v for k, v in fields.items() if k != "generators"})
step = jax.jit(other.step)
for start in range(0, 256, 32):
    state, logs = step(state, (x[start : start + 32], y[start : start + 32]))
print("a loop of one's own, step", int(state.step), "loss", round(float(logs["loss"]), 4))
assert int(state.step) == 4 * 8 + 8
