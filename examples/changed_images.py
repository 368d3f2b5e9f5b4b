"""Images changed at random while a model is trained on them, as courses for Keras 2 do it, and a
picture of the model. Nothing is downloaded: the digits are scikit-learn's.

Expected: about 15 s on two slow cores; more than 80 % of the unchanged test images are told right,
and `digits.svg` shows the model.
"""

import pathlib

from sklearn.datasets import load_digits

import fkeras
from fkeras import layers
from fkeras.preprocessing.image import ImageDataGenerator

fkeras.utils.set_random_seed(0)  # seeds NumPy too, which the changes are drawn from
images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1).astype("float32")
train, test = slice(0, 1500), slice(1500, None)

generator = ImageDataGenerator(rescale=1 / 16, rotation_range=10, zoom_range=0.1)
source = generator.flow(images[train], labels[train], batch_size=50)

model = fkeras.Sequential(
    [
        fkeras.Input((8, 8, 1)),
        layers.Conv2D(16, 3, activation="relu", name="edges"),
        layers.Flatten(name="flat"),
        layers.Dense(10, activation="softmax", name="digit"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(source, epochs=8, verbose=2)

accuracy = model.evaluate(images[test] / 16, labels[test], verbose=0, return_dict=True)["accuracy"]
print(f"{accuracy:.0%} of the test images are told right")
assert accuracy > 0.8

fkeras.utils.plot_model(model, "digits.svg", show_shapes=True, show_layer_names=True)
assert "edges (Conv2D)" in pathlib.Path("digits.svg").read_text()
