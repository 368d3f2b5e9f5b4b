import jax
import numpy as np
import pytest

from fkeras import layers
from fkeras.errors import UserInputError

MODES = ["horizontal", "vertical", "horizontal_and_vertical"]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("mode", MODES)
def test_given_flips_are_kerass(keras, mode, data_format):
    images = np.random.default_rng(0).uniform(size=(3, 4, 5, 6)).astype("float32")
    transformation = {"flips": np.array([True, False, True]).reshape(3, 1, 1, 1)}
    transformation["input_shape"] = images.shape
    options = {"mode": mode, "data_format": data_format, "bounding_box_format": "rel_xywh"}
    ours, theirs = layers.RandomFlip(**options), keras.layers.RandomFlip(**options)
    np.testing.assert_array_equal(
        ours.transform_images(images, transformation),
        theirs.transform_images(images, transformation),
    )
    boxes = np.random.default_rng(1).uniform(0, 0.4, (3, 2, 4)).astype("float32")
    for flipped, expected in zip(
        *(
            jax.tree.leaves(
                layer.transform_bounding_boxes(
                    {"boxes": boxes, "labels": np.ones((3, 2))}, transformation
                )
            )
            for layer in (ours, theirs)
        )
    ):
        np.testing.assert_allclose(flipped, expected, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_two_flips_undo_each_other(mode):
    layer = layers.RandomFlip(mode, bounding_box_format="xyxy")
    sample = {
        "images": np.random.default_rng(0).integers(0, 255, (5, 4, 6, 3)),
        "bounding_boxes": {
            "boxes": np.array([[[1.0, 0, 3, 4]]] * 5),
            "labels": np.array([[2]] * 5),
        },
    }
    once, twice = sample, None
    for _ in range(2):
        once, twice = (
            layer.apply({"params": {}}, once, training=True, rngs=jax.random.key(3))[0],
            once,
        )
    assert not np.array_equal(twice["images"], sample["images"])
    jax.tree.map(np.testing.assert_allclose, once, sample)


def test_half_of_the_images_are_flipped():
    images = np.tile(np.arange(2.0).reshape(1, 1, 2, 1), (4000, 1, 1, 1))
    flipped = layers.RandomFlip("horizontal", seed=0)(images)[:, 0, 0, 0]
    assert abs(np.mean(flipped) - 0.5) < 0.03


def test_other_modes_are_refused():
    with pytest.raises(UserInputError, match="RandomFlip: unknown `mode`.*'diagonal'"):
        layers.RandomFlip("diagonal")
