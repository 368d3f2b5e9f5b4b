"""Galleries, drawn by Matplotlib without a screen."""

import numpy as np
import pytest

from fkeras import visualization
from fkeras.errors import UserInputError

matplotlib = pytest.importorskip("matplotlib")
IMAGES = np.random.default_rng(0).integers(2, 255, (3, 6, 6, 3))
BOXES = {"boxes": np.tile([[[1.0, 1, 4, 3]]], (3, 1, 1)), "labels": np.zeros((3, 1), int)}


@pytest.fixture(autouse=True)
def pyplot():
    matplotlib.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def shown(pyplot):
    """The images of the current figure, and the titles above them."""
    places = pyplot.gcf().axes
    images = [np.asarray(p.images[0].get_array()) if p.images else None for p in places]
    return images, [place.get_title() for place in places]


def test_all_images_have_a_place(pyplot):
    for options, expected in (({}, 4), ({"rows": 1}, 3), ({"cols": 1}, 3), ({"rows": 3}, 3)):
        visualization.plot_image_gallery(IMAGES, show=False, **options)
        images, _ = shown(pyplot)
        assert len(images) == expected
        np.testing.assert_array_equal(images[:3], IMAGES)
    visualization.plot_image_gallery(IMAGES, rows=1, cols=2, show=False)
    assert len(shown(pyplot)[0]) == 2


def test_ranges_channels_and_names(pyplot):
    names = {0: "cat", 1: "dog"}
    first = np.moveaxis(IMAGES / np.float32(256), -1, 1)
    visualization.plot_image_gallery(
        first,
        [0, 1, 2],
        np.array([1, 1, 0]),
        names,
        value_range=(0, 1),
        data_format="channels_first",
        show=False,
    )
    images, titles = shown(pyplot)
    np.testing.assert_array_equal(images[:3], (IMAGES / 256 * 255).astype("uint8"))
    assert titles[:3] == [
        "Label: cat  Pred: dog",
        "Label: dog  Pred: dog",
        "Label: Unknown  Pred: cat",
    ]
    visualization.plot_image_gallery(IMAGES[..., :1], show=False)
    assert shown(pyplot)[0][0].shape == (6, 6)  # grey


def test_a_file_is_keras_s(tmp_path, pyplot, keras):
    options = {"y_true": np.zeros(4, int), "label_map": {0: "cat"}, "value_range": (0, 255)}
    images = np.concatenate([IMAGES, IMAGES[:1]])
    for name, gallery in (("ours", visualization), ("theirs", keras.visualization)):
        gallery.plot_image_gallery(images, path=tmp_path / f"{name}.png", **options)
    ours, theirs = (pyplot.imread(tmp_path / f"{name}.png") for name in ("ours", "theirs"))
    np.testing.assert_array_equal(ours, theirs)
    assert not pyplot.get_fignums()


def test_boxes_of_both_kinds(pyplot):
    predicted = {**BOXES, "boxes": BOXES["boxes"] + 1}
    for images, value_range in (
        (IMAGES, (0, 255)),
        (IMAGES / 255, (0, 1)),
        (IMAGES - 9, (-9, 246)),
    ):
        visualization.plot_bounding_box_gallery(
            images,
            "xyxy",
            y_true=BOXES,
            y_pred=predicted,
            value_range=value_range,
            true_color=(1, 2, 3),
            pred_color=(4, 5, 6),
            line_thickness=1,
            legend=True,
            show=False,
        )
        drawn, _ = shown(pyplot)
        for image, original in zip(drawn, IMAGES):
            assert tuple(image[1, 1]) == (1, 2, 3) and tuple(image[2, 2]) == (4, 5, 6)
            assert np.abs(image[0].astype(int) - original[0]).max() <= 1
        [legend] = pyplot.gcf().legends
        assert [text.get_text() for text in legend.texts] == ["Ground Truth", "Prediction"]


def test_masks_beside_their_images(pyplot):
    masks = np.ones((3, 6, 6, 1))
    expected = visualization.draw_segmentation_masks(IMAGES, masks.astype(int), 2)
    for images, value_range in ((IMAGES, (0, 255)), (IMAGES / 255, (0, 1))):
        visualization.plot_segmentation_mask_gallery(
            images, 2, value_range, y_true=masks, y_pred=0 * masks, show=False
        )
        drawn, _ = shown(pyplot)
        assert len(drawn) == 9
        assert np.abs(np.array(drawn[::3], int) - IMAGES).max() <= 1
        assert np.abs(np.array(drawn[1::3], int) - expected).max() <= 1


@pytest.mark.parametrize(
    "function, options, words",
    [
        ("plot_image_gallery", {"path": "x.png", "show": True}, "not both"),
        ("plot_image_gallery", {"y_true": [0, 0, 0]}, "label_map"),
        ("plot_image_gallery", {"images": IMAGES[0]}, "4 axes"),
        (
            "plot_bounding_box_gallery",
            {"bounding_box_format": "xyxy", "legend": True, "legend_handles": [1]},
            "not both",
        ),
        ("plot_segmentation_mask_gallery", {"images": IMAGES[0], "num_classes": 1}, "4 axes"),
    ],
)
def test_what_cannot_be_shown(function, options, words):
    with pytest.raises(UserInputError, match=words):
        getattr(visualization, function)(**{"images": IMAGES, **options})
