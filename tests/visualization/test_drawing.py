import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError, UserTypeError
from fkeras.visualization import draw_bounding_boxes, draw_segmentation_masks

IMAGES = np.random.default_rng(0).integers(0, 255, (2, 4, 5, 3))
MASKS = np.random.default_rng(1).integers(-1, 4, (2, 4, 5, 1))


def boxes(corners, labels=None, **more):
    corners = np.asarray([corners])
    return {"boxes": corners, "labels": np.zeros(corners.shape[:2], int), **more} | (
        {} if labels is None else {"labels": np.asarray([labels])}
    )


def frame(thickness, corners=(2, 3, 5, 5), size=(9, 9)):
    drawn = draw_bounding_boxes(
        np.zeros((1, *size, 1)), boxes([corners]), "xyxy", color=(1, 1, 1), line_thickness=thickness
    )
    return ["".join(".#"[value] for value in row) for row in drawn[0, :, :, 0]]


def test_frames_have_the_pixels_of_opencv():
    assert frame(1)[3:6] == ["..####...", "..#..#...", "..####..."]
    # A line of 2 is 3 wide, with round corners.
    assert frame(2) == [
        ".........",
        ".........",
        "..####...",
        ".######..",
        ".######..",
        ".######..",
        "..####...",
        ".........",
        ".........",
    ]
    assert frame(-1)[3:6] == ["..####..."] * 3
    assert frame(1, (5, 5, 2, 3)) == frame(1)  # corners the other way round
    assert frame(1, (-3, -3, 20, 2), (3, 4)) == ["....", "....", "####"]


@pytest.mark.parametrize(
    "box_format, box",
    [
        ("xyxy", (1, 2, 5, 4)),
        ("yxyx", (2, 1, 4, 5)),
        ("xywh", (1, 2, 4, 2)),
        ("center_xywh", (3, 3, 4, 2)),
        ("center_yxhw", (3, 3, 2, 4)),
        ("rel_xyxy", (0.125, 0.25, 0.625, 0.5)),
        ("rel_xywh", (0.125, 0.25, 0.5, 0.25)),
    ],
)
def test_formats_of_boxes(box_format, box):
    drawn = draw_bounding_boxes(
        np.zeros((1, 8, 8, 3)), boxes([box]), box_format, color=(7, 8, 9), line_thickness=-1
    )
    expected = np.zeros((8, 8, 3))
    expected[2:5, 1:6] = (7, 8, 9)
    np.testing.assert_array_equal(drawn[0], expected)


def test_images_of_all_kinds():
    found = boxes([(1, 1, 2, 2), (0, 0, 3, 3)], [3, -1])  # -1 is no box
    kinds = [np.full((1, 4, 4, 3), 51, "uint8"), np.full((1, 4, 4, 3), 51.0)]
    kinds += [np.full((1, 4, 4, 3), 0.2, "float32"), np.full((1, 4, 4, 4), 51)]
    for images in kinds:
        before = images.copy()
        drawn = draw_bounding_boxes(images, found, "xyxy", color=(1, 2, 3), line_thickness=1)
        assert drawn.dtype == "uint8" and drawn.shape == images.shape
        np.testing.assert_array_equal(images, before)
        np.testing.assert_array_equal(drawn[0, 1, 1], [1, 2, 3, 51][: images.shape[-1]])
        assert (drawn[0, 0] == 51).all()
        first = draw_bounding_boxes(
            np.moveaxis(images, -1, 1),
            found,
            "xyxy",
            color=(1, 2, 3),
            line_thickness=1,
            data_format="channels_first",
        )
        np.testing.assert_array_equal(np.moveaxis(first, 1, -1), drawn)


def test_names_are_written_above_the_box_or_inside_it():
    pytest.importorskip("PIL")

    def rows(top, label=0, **more):
        """The rows that have something beside the box, which is filled."""
        drawn = draw_bounding_boxes(
            np.zeros((1, 80, 60, 3)),
            boxes([(5, top, 55, 70)], [label], **more),
            "xyxy",
            class_mapping={0: "HHHH", 1: " "},
            color=(255, 255, 255),
            line_thickness=1,
            font_scale=0.5,
        )
        assert set(np.unique(drawn)) == {0, 255}
        return np.flatnonzero(drawn[0, :, 8:50, 0].any(-1))

    above, inside = rows(40), rows(10)
    assert above[0] < 40 - 8 and set(range(23, 31)) <= set(above)  # the letters stand on 32
    assert {10, 70} < set(inside) and set(inside) - {10, 70} <= set(range(11, 30))
    assert list(rows(40, label=1)) == list(rows(40, label=7)) == [40, 70]
    plain, sure = (
        draw_bounding_boxes(
            np.zeros((1, 80, 200, 3)), found, "xyxy", class_mapping={0: "H"}, font_scale=0.5
        )
        for found in (
            boxes([(5, 40, 55, 70)]),
            boxes([(5, 40, 55, 70)], confidences=np.array([[0.876]])),
        )
    )
    assert (sure[0, :35] > 0).sum() > (plain[0, :35] > 0).sum() * 2


@pytest.mark.parametrize(
    "images, found, error, words",
    [
        (np.ones((4, 4, 3)), boxes([(0, 0, 1, 1)]), UserInputError, r"images\[None\]"),
        (np.ones((1, 4, 4, 3)), [(0, 0, 1, 1)], UserTypeError, "dict"),
        (np.ones((1, 4, 4, 3)), {"boxes": np.ones((1, 1, 4))}, UserInputError, "Missing: labels"),
        (np.ones((2, 4, 4, 3)), boxes([(0, 0, 1, 1)]), UserInputError, "for 2 images"),
        (np.ones((1, 4, 4, 3)), boxes([(0, 0, 1)]), UserInputError, r"\(1, 1, 3\)"),
    ],
)
def test_boxes_that_are_none(images, found, error, words):
    with pytest.raises(error, match=words):
        draw_bounding_boxes(images, found, "xyxy")


@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": 4},
        {"num_classes": 2, "alpha": 0.37},
        {"num_classes": 3, "color_mapping": {0: (1, 2, 3), 1: (255, 0, 7), 2: (4, 4, 4)}},
        {"num_classes": 4, "ignore_index": 2},
        {"num_classes": 4, "blend": False},
    ],
)
def test_masks_have_the_pixels_of_keras(options, keras):
    theirs = np.asarray(keras.visualization.draw_segmentation_masks(IMAGES, MASKS, **options))
    ours = draw_segmentation_masks(IMAGES, MASKS, **options)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(draw_segmentation_masks(IMAGES, MASKS[..., 0], **options), ours)
    first = [np.moveaxis(a, -1, 1) for a in (IMAGES, MASKS)]
    fkeras.config.set_image_data_format("channels_first")
    np.testing.assert_array_equal(draw_segmentation_masks(*first, **options), ours)


def test_all_classes_are_drawn_where_their_number_is_not_told():
    all_of_them = draw_segmentation_masks(IMAGES, MASKS, 4)
    np.testing.assert_array_equal(draw_segmentation_masks(IMAGES, MASKS), all_of_them)
    # What is ignored does not count, and is not drawn without blending either.
    masks = np.where(MASKS < 0, 255, MASKS).astype("uint8")
    for blend in (True, False):
        drawn = draw_segmentation_masks(IMAGES, masks, ignore_index=255, blend=blend)
        expected = draw_segmentation_masks(IMAGES, MASKS, blend=blend)
        np.testing.assert_array_equal(drawn, expected)
    nothing = draw_segmentation_masks(IMAGES, 0 * MASKS, ignore_index=0, blend=False)
    np.testing.assert_array_equal(nothing, IMAGES)


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"images": IMAGES[0]}, UserInputError, "4 axes"),
        ({"segmentation_masks": MASKS * 1.0}, UserTypeError, "argmax"),
        ({"segmentation_masks": MASKS[:1]}, UserInputError, r"\(1, 4, 5, 1\)"),
        ({"alpha": 2}, UserInputError, "alpha"),
        ({"color_mapping": {0: (0, 0, 0)}}, UserInputError, r"\[1, 2, 3\]"),
        ({"color_mapping": dict.fromkeys(range(4), (0, 0))}, UserInputError, "3 channels"),
    ],
)
def test_masks_that_cannot_be_drawn(changes, error, words):
    with pytest.raises(error, match=words):
        draw_segmentation_masks(**{"images": IMAGES, "segmentation_masks": MASKS, **changes})
