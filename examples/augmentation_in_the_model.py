"""Images changed at random inside of the model: on the device in training, at rest in prediction,
and beside them in a dataset, with boxes, on the host. Nothing is downloaded: the digits are
scikit-learn's.

Expected: about 20 s on two slow cores; of digits that were shifted, turned and zoomed, the model
that saw such ones in training tells far more right than the one that did not.
"""

import numpy as np
from sklearn.datasets import load_digits

import fkeras
from fkeras import data, layers

fkeras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1).astype("float32")
train, test = slice(0, 1500), slice(1500, None)


def changes():
    """What may happen to a picture of a digit; mirrored it would be another sign."""
    return layers.Pipeline(
        [
            layers.RandomTranslation(0.15, 0.15, fill_mode="constant"),
            layers.RandomRotation(0.06, fill_mode="constant"),
            layers.RandomZoom(0.15, fill_mode="constant"),
        ]
    )


def trained(first):
    """A model behind a few layers, trained."""
    model = fkeras.Sequential(
        [
            fkeras.Input((8, 8, 1)),
            *first,
            layers.Rescaling(1 / 16),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images[train], labels[train], epochs=15, batch_size=50, verbose=0)
    return model


changed = np.asarray(changes()(images[test], training=True))
accuracies = {}
for name, first in (("as they are", []), ("changed at random", [changes()])):
    model = trained(first)
    accuracies[name] = model.evaluate(changed, labels[test], verbose=0, return_dict=True)[
        "accuracy"
    ]
    print(f"trained on digits {name}: {accuracies[name]:.0%} of changed ones are told right")
assert accuracies["changed at random"] > accuracies["as they are"] + 0.1

# A model that is saved keeps its changes, and predicts without them.
model.save("digits.keras")
loaded = fkeras.models.load_model("digits.keras")
np.testing.assert_allclose(
    loaded.predict(images[test], verbose=0), model.predict(images[test], verbose=0), atol=1e-5
)

# Boxes go along; in a dataset this runs on the host, ahead of the device.
turn = layers.RandomRotation(0.06, fill_mode="constant", bounding_box_format="xyxy", seed=1)
samples = data.Dataset.from_tensor_slices(
    {
        "images": images[:64],
        "bounding_boxes": {
            "boxes": np.tile(np.array([[[1.0, 0.0, 7.0, 8.0]]], "float32"), (64, 1, 1)),
            "labels": labels[:64, None],
        },
    }
)
for batch in samples.batch(32).map(turn, num_parallel_calls=2):
    boxes = batch["bounding_boxes"]["boxes"]
    print(f"{len(boxes)} images, the first box at {np.round(boxes[0, 0], 1).tolist()}")
    assert boxes.shape == (32, 1, 4)
