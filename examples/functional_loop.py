"""A hand-written training loop over `model.step`, and `fit`: bit-equal weights.

`fit` is a loop around a pure step that you may call yourself. The state is a pytree: print it,
donate it, save it, put it on a mesh.

Expected: about 10 s on two slow cores; every weight equal to the last bit (CPU, single steps).
"""

import jax
import numpy as np

import fkeras
from fkeras import layers

EPOCHS, BATCH = 3, 32
rng = np.random.default_rng(0)
x = rng.normal(size=(256, 8)).astype("float32")
y = (x[:, :1] * x[:, 1:2] > 0).astype("float32")


def make_model():
    fkeras.utils.set_random_seed(1)
    model = fkeras.Sequential(
        [
            fkeras.Input((8,)),
            layers.Dense(32, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.1),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=fkeras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]
    )
    return model


model = make_model()
step = jax.jit(model.step, donate_argnums=0)
state = model.init_state(
    model.build_key, (x[:BATCH], y[:BATCH])
)  # the key from which the facade draws its weights
for _ in range(EPOCHS):
    for start in range(0, len(x), BATCH):
        state, logs = step(state, (x[start : start + BATCH], y[start : start + BATCH]))
print(f"by hand: {int(state.step)} steps, optimizer moments and batch statistics in the state")

same = make_model()
same.compile(
    optimizer=fkeras.optimizers.Adam(0.01),
    loss="binary_crossentropy",
    metrics=["accuracy"],
    fuse=False,
)
same.fit(x, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)

model.set_train_state(state)  # from the loop into the facade
for ours, theirs in zip(model.get_weights(), same.get_weights(), strict=True):
    np.testing.assert_array_equal(ours, theirs)
print(f"fit gives the same {len(same.weights)} weights, bit for bit")
