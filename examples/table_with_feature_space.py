"""A mixed table, strings beside integers and floats, to a model that takes raw rows.

`FeatureSpace` learns vocabularies, bins and means from the training rows in one pass. The model
begins with its inputs, so that the file of the model takes raw rows too, without the table.

Expected: about 15 s on two slow cores; the mean error is far below the deviation of the prices.
"""

import tempfile

import numpy as np
import pandas as pd

import fkeras
from fkeras import layers
from fkeras.utils import FeatureSpace

fkeras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
rows = 2000
table = pd.DataFrame(
    {
        "area": rng.uniform(20, 120, rows),  # square metres
        "year": rng.integers(1900, 2024, rows),
        "rooms": rng.integers(1, 6, rows),
        "town": rng.choice(["Bern", "Genoa", "Lyon"], rows),
        "street": rng.choice([f"street {i}" for i in range(200)], rows),
    }
)
by_town = table["town"].map({"Bern": 9.0, "Genoa": 4.0, "Lyon": 6.0})
price = by_town * table["area"] / 10 + 8.0 * (table["year"] > 1990) + 2.0 * table["rooms"]
train, test = table[:1600], table[1600:]

space = FeatureSpace(
    {
        "area": "float_normalized",
        "year": FeatureSpace.float_discretized(num_bins=12),
        "rooms": "integer_categorical",
        "town": "string_categorical",
        "street": FeatureSpace.string_hashed(num_bins=16),
    },
    crosses=[FeatureSpace.cross(("town", "rooms"), crossing_dim=24)],
)
space.adapt(train)
print(f"a row becomes {space(train[:1].to_dict('list')).shape[-1]} numbers")

encoded = space.get_encoded_features()
hidden = layers.Dense(64, activation="relu")(encoded)
hidden = layers.Dense(64, activation="relu")(hidden)
model = fkeras.Model(space.get_inputs(), layers.Dense(1)(hidden))
model.compile(fkeras.optimizers.Adam(0.01), "mse", metrics=["mae"])
model.fit(dict(train), price[:1600], epochs=25, batch_size=64, verbose=0)
_, error = model.evaluate(dict(test), price[1600:], verbose=0)
print(f"mean absolute error: {error:.2f}; prices deviate by {price.std():.2f}")
assert error < price.std() / 8

with tempfile.TemporaryDirectory() as folder:
    model.save(f"{folder}/prices.keras")
    loaded = fkeras.saving.load_model(f"{folder}/prices.keras")
raw = {
    "area": np.array([80.0, 80.0]),
    "year": np.array([1995, 1995]),
    "rooms": np.array([3, 3]),
    "town": np.array(["Bern", "Genoa"]),
    "street": np.array(["street 7", "a street nobody has heard of"]),
}
bern, genoa = loaded.predict(raw, verbose=0)[:, 0]
print(f"the same flat in Bern: {bern:.0f}, in Genoa: {genoa:.0f}")
assert bern > genoa + 20
