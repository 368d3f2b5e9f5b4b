"""Recognises handwritten digits: train, evaluate, save, load.

Expected: about 10 s on two slow cores, most of it imports and compilation; test accuracy above
0.95.
"""

import os
import tempfile

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fkeras
from fkeras import layers

fkeras.utils.set_random_seed(0)
images, digits = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(
    images.astype("float32") / 16, digits, test_size=0.25, random_state=0
)

model = fkeras.Sequential(
    [
        fkeras.Input((64,)),
        layers.Dense(64, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=30, validation_split=0.1)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"test accuracy: {accuracy:.3f}")
assert accuracy > 0.95

path = os.path.join(tempfile.mkdtemp(), "digits")
model.save(path)
loaded = fkeras.saving.load_model(path)
np.testing.assert_array_equal(loaded.predict(x_test, verbose=0), model.predict(x_test, verbose=0))
print("saved, loaded: the same predictions")
