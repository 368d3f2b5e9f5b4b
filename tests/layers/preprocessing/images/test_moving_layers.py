"""Layers that move pixels, with given draws against Keras's, and boxes against the pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import layers
from fkeras.errors import UserInputError

# class, options, what Keras's layer is told of the draw
PROJECTIVE = [
    ("RandomRotation", {"factor": 0.3}),
    ("RandomRotation", {"factor": (0.1, 0.2), "fill_mode": "constant", "fill_value": 7.0}),
    ("RandomZoom", {"height_factor": 0.4}),
    ("RandomZoom", {"height_factor": (0.2, 0.3), "width_factor": 0.4, "fill_mode": "wrap"}),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": (0.1, 0.5)}),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": 0.3, "fill_mode": "nearest"}),
    ("RandomShear", {"x_factor": 0.5, "y_factor": (0.1, 0.3), "interpolation": "nearest"}),
    ("RandomShear", {"x_factor": 0.5, "fill_mode": "constant"}),
    ("RandomPerspective", {"factor": 1.0, "scale": 0.5}),
    ("RandomPerspective", {"factor": (1.0, 1.0), "fill_value": 3.0, "interpolation": "nearest"}),
]
FORMATS = ["channels_last", "channels_first"]


def _name(row):
    return f"{row[0]}-{'-'.join(f'{k}={v}' for k, v in row[1].items())}"


def _images(data_format="channels_last", dtype="float32"):
    shape = (3, 9, 7, 2) if data_format == "channels_last" else (3, 2, 9, 7)
    return np.random.default_rng(0).integers(0, 255, shape).astype(dtype)


def _both(keras, cls, options):
    return getattr(layers, cls)(**options), getattr(keras.layers, cls)(**options)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("row", PROJECTIVE, ids=_name)
def test_given_draws_are_kerass(keras, row, data_format):
    cls, options = row
    ours, theirs = _both(keras, cls, {**options, "data_format": data_format, "seed": 1})
    images = _images(data_format)
    masks = _images(data_format, "int32")
    drawn = ours.get_random_transformation(images)
    near = {"atol": 2e-2 if cls == "RandomPerspective" else 2e-3}
    np.testing.assert_allclose(
        ours.transform_images(images, drawn), theirs.transform_images(images, drawn), **near
    )
    moved = ours.transform_segmentation_masks(masks, drawn)
    assert moved.dtype == "int32"
    expected = np.asarray(theirs.transform_segmentation_masks(masks, drawn))
    assert np.mean(moved != expected) < 0.01  # halves are rounded by the last bit


@pytest.mark.parametrize("dtype", ["uint8", "bfloat16"])
@pytest.mark.parametrize("row", PROJECTIVE[::2], ids=_name)
def test_other_dtypes_show_the_same_within_their_precision(row, dtype):
    cls, options = row
    images = _images(dtype="uint8")
    layer = getattr(layers, cls)(**options, seed=1, dtype=dtype)
    reference = getattr(layers, cls)(**options, seed=1)
    drawn = layer.get_random_transformation(images)
    moved = layer.transform_images(images, drawn)
    assert moved.dtype == dtype
    exact = reference.transform_images(images, drawn)
    np.testing.assert_allclose(
        np.asarray(moved, "float32"), exact, atol=0.51 if dtype == "uint8" else 1
    )


@pytest.mark.parametrize("row", PROJECTIVE, ids=_name)
def test_configs_are_read_by_keras_and_back(keras, row):
    cls, options = row
    layer = getattr(layers, cls)(**options, seed=3)
    config = layer.get_config()
    assert type(layer).from_config(config).get_config() == config
    theirs = getattr(keras.layers, cls).from_config(config).get_config()
    assert {k: v for k, v in theirs.items() if k != "dtype"} == {
        k: v for k, v in config.items() if k != "dtype"
    }


BOXES = {
    "boxes": np.array([[[2.0, 1, 4, 3], [3, 4, 6, 8]]] * 3, "float32"),
    "labels": np.array([[1, 2]] * 3),
}


@pytest.mark.parametrize("row", [PROJECTIVE[i] for i in (0, 2, 3, 4, 8)], ids=_name)
def test_boxes_are_kerass(keras, row):
    cls, options = row
    ours, theirs = _both(keras, cls, {**options, "bounding_box_format": "xyxy", "seed": 2})
    drawn = ours.get_random_transformation(_images())
    told = {**drawn, "image_height": 9, "image_width": 7, "batch_size": 3}
    moved = ours.transform_bounding_boxes(BOXES, drawn)
    expected = theirs.transform_bounding_boxes(jax.tree.map(jnp.asarray, BOXES), told)
    np.testing.assert_allclose(moved["boxes"], expected["boxes"], atol=1e-3)
    np.testing.assert_array_equal(moved["labels"], expected["labels"])


def _extent(mask):
    """left, top, right, bottom of the pixels of a mask."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


FOLLOWED = [
    ("RandomFlip", {}),
    ("RandomRotation", {"factor": 0.1, "fill_mode": "constant"}),
    ("RandomZoom", {"height_factor": 0.3, "width_factor": 0.2, "fill_mode": "constant"}),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2, "fill_mode": "constant"}),
    ("RandomShear", {"x_factor": 0.3, "y_factor": 0.0, "fill_mode": "constant"}),
    ("RandomShear", {"x_factor": 0.2, "y_factor": 0.3, "fill_mode": "constant"}),
    ("RandomPerspective", {"scale": 0.4}),
    ("RandomCrop", {"height": 40, "width": 70}),
    ("RandomCrop", {"height": 100, "width": 100}),
    ("CenterCrop", {"height": 50, "width": 70}),
    ("CenterCrop", {"height": 100, "width": 60}),
    ("Resizing", {"height": 100, "width": 50}),
    ("Resizing", {"height": 90, "width": 90, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 90, "width": 120, "pad_to_aspect_ratio": True}),
]


@pytest.mark.parametrize("bounding_box_format", ["xyxy", "rel_yxyx", "center_xywh"])
@pytest.mark.parametrize("row", FOLLOWED, ids=_name)
def test_boxes_follow_the_pixels(row, bounding_box_format):
    from fkeras.utils.bounding_boxes import convert_format

    cls, options = row
    height, width = 60, 80
    left, top, right, bottom = 30, 20, 44, 38
    mask = np.zeros((4, height, width, 1), "uint8")
    mask[:, top:bottom, left:right] = 1
    corners = np.array([[[left, top, right, bottom]]] * 4, "float32")
    boxes = convert_format(corners, "xyxy", bounding_box_format, height, width)
    layer = getattr(layers, cls)(**options, bounding_box_format=bounding_box_format)
    changed, _ = layer.apply(
        {"params": {}},
        {
            "images": mask.astype("float32"),
            "segmentation_masks": mask,
            "bounding_boxes": {"boxes": boxes, "labels": np.ones((4, 1), "int32")},
        },
        training=True,
        rngs=jax.random.key(4),
    )
    size = changed["images"].shape[1:3]
    assert changed["segmentation_masks"].shape[1:3] == size
    moved = convert_format(changed["bounding_boxes"]["boxes"], bounding_box_format, "xyxy", *size)
    for box, mask in zip(np.asarray(moved), np.asarray(changed["segmentation_masks"])):
        if mask.any():
            np.testing.assert_allclose(box[0], _extent(mask[..., 0]), atol=2.5)
        else:
            assert np.prod(box[0, 2:] - box[0, :2]) <= 2.5


@pytest.mark.parametrize("turns", [1, 2, -1])
def test_quarter_turns_are_exact(turns):
    images = np.random.default_rng(0).uniform(size=(2, 6, 6, 3)).astype("float32")
    turned = layers.RandomRotation((turns / 4, turns / 4))(images)
    np.testing.assert_allclose(turned, np.rot90(images, turns, axes=(1, 2)), atol=1e-5)


def test_translations_by_whole_pixels_are_rolls():
    images = _images()
    moved = layers.RandomTranslation(
        (1 / 3, 1 / 3), (-1 / 7, -1 / 7), fill_mode="wrap", interpolation="nearest"
    )(images)
    np.testing.assert_array_equal(moved, np.roll(images, (3, -1), axis=(1, 2)))


def test_what_moves_out_has_the_label_of_no_box():
    layer = layers.RandomTranslation((1.0, 1.0), 0.0, bounding_box_format="xyxy", seed=0)
    changed = layer({"images": _images(), "bounding_boxes": BOXES})["bounding_boxes"]
    np.testing.assert_array_equal(changed["labels"], -np.ones((3, 2)))


def test_labels_of_classes_are_taken_away_as_rows():
    layer = layers.RandomTranslation((0.6, 0.6), 0.0, bounding_box_format="xyxy", seed=0)
    boxes = {**BOXES, "labels": np.tile(np.eye(2, dtype="float32"), (3, 1, 1))}
    labels = layer({"images": _images(), "bounding_boxes": boxes})["bounding_boxes"]["labels"]
    np.testing.assert_array_equal(labels, [[[1, 0], [-1, -1]]] * 3)


def test_shears_that_press_an_image_to_a_line_leave_no_box_and_no_nan():
    layer = layers.RandomShear((1.0, 1.0), (1.0, 1.0), bounding_box_format="xyxy")
    changed = layer({"images": _images(), "bounding_boxes": BOXES})["bounding_boxes"]
    assert np.isfinite(changed["boxes"]).all()


@pytest.mark.parametrize("row", PROJECTIVE + [("RandomCrop", {"height": 3, "width": 4})], ids=_name)
def test_draws_stay_in_their_ranges_and_differ_between_images(row):
    cls, options = row
    layer = getattr(layers, cls)(**options, seed=5)
    drawn = layer.get_random_transformation(np.zeros((200, 9, 7, 1)))
    for name, values in drawn.items():
        if name in ("input_shape", "apply_perspective", "start_points"):
            continue
        values = np.asarray(values, "float32").reshape(200, -1)
        assert (values != values[0]).any(), name
        assert np.isfinite(values).all()


def test_crops_are_parts_of_their_images():
    images = np.arange(2 * 6 * 7).reshape(2, 6, 7, 1)
    layer = layers.RandomCrop(3, 4)
    drawn = {"h_start": [1, 3], "w_start": [3, 0], "input_shape": images.shape}
    cut = layer.transform_images(images, drawn)
    np.testing.assert_array_equal(cut[0], images[0, 1:4, 3:7])
    np.testing.assert_array_equal(cut[1], images[1, 3:6, 0:4])
    boxes = {"boxes": [[[3.0, 1, 7, 4]], [[0, 0, 2, 5]]], "labels": [[1], [2]]}
    moved = layers.RandomCrop(3, 4, bounding_box_format="xyxy").transform_bounding_boxes(
        boxes, drawn
    )
    np.testing.assert_array_equal(moved["boxes"], [[[0, 0, 4, 3]], [[0, 0, 2, 2]]])


def test_crops_with_given_starts_are_kerass(keras):
    images = _images()
    ours, theirs = _both(keras, "RandomCrop", {"height": 4, "width": 5})
    np.testing.assert_array_equal(
        ours.transform_images(images, {"h_start": 2, "w_start": 1}),
        theirs.transform_images(images, (2, 1)),
    )


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        ("RandomRotation", {"factor": 1.5}, "RandomRotation: .*`factor`.*\\[-1, 1\\].*1.5"),
        ("RandomRotation", {"factor": (0.3, 0.1)}, "upside down.*factor=\\(0.1, 0.3\\)"),
        ("RandomRotation", {"factor": "0.1"}, "a number"),
        ("RandomRotation", {"factor": 0.1, "fill_mode": "edge"}, "unknown `fill_mode`.*'edge'"),
        ("RandomZoom", {"height_factor": -1.0}, "above -1"),
        (
            "RandomZoom",
            {"height_factor": 0.1, "width_factor": (0.5, 0.1)},
            "`width_factor` is upside",
        ),
        ("RandomTranslation", {"height_factor": [1, 2, 3], "width_factor": 0}, "two numbers"),
        ("RandomShear", {"x_factor": -0.5}, "`x_factor`.*\\[0, 1\\]"),
        ("RandomPerspective", {"scale": 2.0}, "`scale`"),
        ("RandomElasticTransform", {"value_range": 255}, "list of two numbers"),
        ("RandomCrop", {"height": 0, "width": 4}, "`height` must be a positive integer"),
        ("Resizing", {"height": 4, "width": 4.5}, "`width` must be a positive integer"),
        ("Resizing", {"height": 4, "width": 4, "interpolation": "area"}, "unknown `interpolation`"),
        (
            "Resizing",
            {"height": 4, "width": 4, "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
            "only one of",
        ),
        ("MaxNumBoundingBoxes", {"max_number": 0}, "positive integer"),
    ],
    ids=str,
)
def test_bad_arguments_are_told(cls, options, message):
    with pytest.raises(UserInputError, match=message):
        getattr(layers, cls)(**options)


def test_ranges_may_be_given_from_the_nearer_end():
    layer = layers.RandomZoom((-0.2, -0.3), seed=0)
    zooms = layer.get_random_transformation(np.zeros((100, 4, 4, 1)))["height_zoom"]
    assert 0.7 <= zooms.min() < zooms.max() <= 0.8


@pytest.mark.parametrize(
    "shape", [(2, 2, 4), (3, 4), (1, 2, 4)], ids=["other batch", "no batch", "batch of one"]
)
def test_boxes_of_other_images_are_refused(shape):
    layer = layers.RandomFlip(bounding_box_format="xyxy", name="it")
    boxes = {"boxes": np.ones(shape), "labels": np.ones(shape[:-1])}
    with pytest.raises(UserInputError, match="'it'.*\\(3, boxes, 4\\)"):
        layer({"images": _images(), "bounding_boxes": boxes})
