"""Layers that change the size of images, and the number of boxes, against Keras's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

SIZES = [
    ("Resizing", {"height": 20, "width": 20}),
    ("Resizing", {"height": 20, "width": 20, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 20, "width": 20, "pad_to_aspect_ratio": True, "fill_value": 3.0}),
    ("Resizing", {"height": 5, "width": 12, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 5, "width": 12, "pad_to_aspect_ratio": True}),
    ("CenterCrop", {"height": 5, "width": 5}),
    ("CenterCrop", {"height": 20, "width": 20}),
    ("CenterCrop", {"height": 5, "width": 12}),
]


def _name(row):
    return f"{row[0]}-{'-'.join(f'{k}={v}' for k, v in row[1].items())}"


def _sample(dtype="float32"):
    rng = np.random.default_rng(0)
    boxes = [[[2, 1, 4, 3], [5, 4, 8, 9], [0, 0, 0, 0], [-1, -1, -1, -1]]] * 2
    return {
        "images": rng.integers(0, 255, (2, 10, 8, 3)).astype(dtype),
        "segmentation_masks": rng.integers(0, 5, (2, 10, 8, 1)),
        "labels": np.array([1, 2]),
        "bounding_boxes": {
            "boxes": np.array(boxes, "float32"),
            "labels": np.array([[1, 2, -1, -1]] * 2),
        },
    }


@pytest.mark.parametrize("bounding_box_format", ["xyxy", "center_xywh"])
@pytest.mark.parametrize("row", SIZES, ids=_name)
def test_what_belongs_to_an_image_is_kerass(keras, row, bounding_box_format):
    cls, options = row
    options = {**options, "bounding_box_format": bounding_box_format}
    changed = getattr(layers, cls)(**options)(_sample())
    expected = getattr(keras.layers, cls)(**options)(jax.tree.map(jnp.asarray, _sample()))
    assert set(np.unique(changed["segmentation_masks"])) <= {0, 1, 2, 3, 4}
    # Keras 3.15 mixes the classes of masks that `CenterCrop` makes larger.
    names = ("images", "labels") if cls == "CenterCrop" else ("images", "segmentation_masks")
    for name in names:
        np.testing.assert_allclose(changed[name], expected[name], atol=1e-3, err_msg=name)
    is_box = np.asarray(changed["bounding_boxes"]["labels"]) >= 0
    np.testing.assert_array_equal(is_box, np.asarray(expected["bounding_boxes"]["labels"]) >= 0)
    np.testing.assert_allclose(
        changed["bounding_boxes"]["boxes"][is_box],
        np.asarray(expected["bounding_boxes"]["boxes"])[is_box],
        atol=1e-3,
    )


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("row", SIZES[:6:2], ids=_name)
def test_bytes_are_rounded_as_kerass(keras, row, dtype):
    cls, options = row
    images = _sample("uint8")["images"]
    changed = getattr(layers, cls)(**options, dtype=dtype)(images)
    expected = getattr(keras.layers, cls)(**options, dtype=dtype)(images)
    assert changed.dtype == expected.dtype.name
    np.testing.assert_allclose(
        np.asarray(changed, "float32"), np.asarray(expected, "float32"), atol=1e-3
    )


def test_one_call_serves_images_of_all_sizes():
    model = fkeras.Sequential([layers.Resizing(4, 5), layers.CenterCrop(3, 3)])
    for shape in ((1, 6, 7, 3), (2, 20, 3, 3)):
        assert model(np.zeros(shape, "float32")).shape == (shape[0], 3, 3, 3)
    inputs = fkeras.Input((None, None, 3))
    assert layers.Resizing(4, 5)(inputs).shape == (None, 4, 5, 3)


@pytest.mark.parametrize("max_number", [2, 6])
def test_all_images_have_as_many_boxes(keras, max_number):
    options = {"max_number": max_number, "fill_value": -2, "bounding_box_format": "xywh"}
    changed = layers.MaxNumBoundingBoxes(**options)(_sample("uint8"))
    expected = keras.layers.MaxNumBoundingBoxes(**options)(jax.tree.map(jnp.asarray, _sample()))
    for name in ("boxes", "labels"):
        np.testing.assert_array_equal(
            changed["bounding_boxes"][name], expected["bounding_boxes"][name]
        )
    assert changed["images"].dtype == "uint8"
    np.testing.assert_array_equal(changed["images"], _sample("uint8")["images"])
    layer = layers.MaxNumBoundingBoxes(**options)
    assert layer.get_config()["fill_value"] == -2


def test_crops_fill_a_larger_part_without_distorting():
    # A square in the middle stays a square.
    images = np.zeros((1, 12, 20, 1), "float32")
    images[:, 4:8, 8:12] = 1
    large = np.asarray(layers.RandomCrop(36, 36, seed=0)(images))[0, ..., 0] > 0.5
    rows, columns = np.nonzero(large)
    assert np.ptp(rows) == np.ptp(columns) == 11


def test_crops_take_every_place():
    images = np.tile(np.arange(4.0).reshape(1, 1, 4, 1), (400, 1, 1, 1))
    starts = np.asarray(layers.RandomCrop(1, 2, seed=0)(images))[:, 0, 0, 0]
    np.testing.assert_allclose(np.bincount(starts.astype(int)) / 400, [1 / 3] * 3, atol=0.08)


def test_crops_rest_in_inference():
    images = _sample()["images"]
    np.testing.assert_array_equal(layers.RandomCrop(3, 3)(images, training=False), images)
