"""One line makes a script a data-parallel one, and the numbers stay the same.

Here on eight virtual devices of a CPU; on a machine with GPUs leave the first lines out.
"""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import numpy as np

import fkeras
from fkeras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(1003, 16)).astype("float32")
y = (x.sum(axis=1) > 0).astype("float32")


def trained():
    fkeras.utils.set_random_seed(0)
    model = fkeras.Sequential(
        [
            fkeras.Input((16,)),
            layers.Dense(64, activation="relu"),
            layers.BatchNormalization(),  # statistics of the whole batch, on any number of devices
            layers.Dropout(0.2),  # one mask of the whole batch
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    # 1003 rows: the last batch does not divide by eight.
    history = model.fit(x, y, batch_size=64, epochs=5, validation_split=0.2, verbose=0)
    return model, history.history


_, alone = trained()

fkeras.distribution.set_distribution(fkeras.distribution.DataParallel())  # the one line
model, history = trained()

print("devices:", fkeras.distribution.list_devices())
print("validation accuracy:", history["val_accuracy"][-1])
for name in history:
    np.testing.assert_allclose(history[name], alone[name], rtol=1e-4)
assert len(model.weights[0].value.sharding.device_set) == 8
