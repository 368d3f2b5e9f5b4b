"""Boxes, against Keras's functions."""

import itertools

import numpy as np
import pytest

import fkeras
from fkeras.data.bounding_boxes.formats import FORMATS
from fkeras.errors import UserInputError

ours = fkeras.utils.bounding_boxes
RANDOM = np.random.default_rng(5)
CORNERS = np.sort(RANDOM.uniform(1, 90, (2, 3, 2, 2)), axis=-2).reshape(2, 3, 4).astype("float32")
SIZE = {"height": 100, "width": 120}
IMAGE = (100, 120, 3)


def in_format(name):
    return np.asarray(ours.convert_format(CORNERS, "xyxy", name, **SIZE))


def close(a, b):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("source", FORMATS)
def test_every_format_becomes_every_other_one(keras, source):
    boxes = in_format(source)
    for target in FORMATS:
        expected = keras.utils.bounding_boxes.convert_format(boxes, source, target, **SIZE)
        close(ours.convert_format(boxes, source.upper(), target, **SIZE), expected)
        close(ours.convert_format(expected, target, source, **SIZE), boxes)


def test_boxes_in_a_dict():
    boxes = {"boxes": [[1.0, 2, 3, 5]], "labels": [4]}
    converted = ours.convert_format(boxes, "xyxy", "xywh")
    assert converted["boxes"].tolist() == [[1, 2, 2, 3]] and converted["labels"] == [4]
    assert boxes["boxes"] == [[1.0, 2, 3, 5]]
    assert ours.convert_format([1, 2, 3, 5], "xyxy", "xywh", dtype="float16").dtype == "float16"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("ranks", list(itertools.product((2, 3), repeat=2)))
def test_overlap_of_all_pairs(keras, name, ranks):
    boxes1, boxes2 = in_format(name), in_format(name)[:, ::-1]
    boxes1, boxes2 = (b if rank == 3 else b[0] for b, rank in zip((boxes1, boxes2), ranks))
    expected = keras.utils.bounding_boxes.compute_iou(
        CORNERS if ranks[0] == 3 else CORNERS[0],
        CORNERS[:, ::-1] if ranks[1] == 3 else CORNERS[0, ::-1],
        "xyxy",
    )
    close(ours.compute_iou(boxes1, boxes2, name, image_shape=IMAGE), expected)


@pytest.mark.parametrize("ranks", list(itertools.product((2, 3), repeat=2)))
def test_padding_is_masked(ranks):
    padded = CORNERS.copy()
    padded[:, 1] = -1
    boxes1, boxes2 = (padded if rank == 3 else padded[0] for rank in ranks)
    plain = np.asarray(ours.compute_iou(boxes1, boxes2, "xyxy"))
    masked = np.asarray(ours.compute_iou(boxes1, boxes2, "xyxy", use_masking=True, mask_val=-7))
    is_masked = np.zeros((3, 3), bool)
    is_masked[1] = is_masked[:, 1] = True
    assert (masked[..., is_masked] == -7).all()
    close(masked[..., ~is_masked], plain[..., ~is_masked])


@pytest.mark.parametrize("name", FORMATS)
def test_complete_overlap(keras, name):
    expected = keras.utils.bounding_boxes.compute_ciou(CORNERS, CORNERS[:, ::-1], "xyxy")
    result = ours.compute_ciou(in_format(name), in_format(name)[:, ::-1], name, image_shape=IMAGE)
    close(result, expected)


@pytest.mark.parametrize("name", FORMATS)
def test_boxes_are_clipped_in_any_format(keras, name):
    wide = CORNERS * 2 - 60
    labels = np.arange(6).reshape(2, 3)
    expected = keras.utils.bounding_boxes.clip_to_image_size(
        {"boxes": wide, "labels": labels}, height=100, width=120
    )
    given = np.asarray(ours.convert_format(wide, "xyxy", name, **SIZE))
    clipped = ours.clip_to_image_size(
        {"boxes": given, "labels": labels}, **SIZE, bounding_box_format=name
    )
    close(ours.convert_format(clipped["boxes"], name, "xyxy", **SIZE), expected["boxes"])
    assert clipped["labels"].tolist() == np.asarray(expected["labels"]).tolist()
    assert -1 in np.asarray(clipped["labels"])


@pytest.mark.parametrize("name", [n for n in FORMATS if not n.startswith("rel_")])
def test_boxes_are_cropped_and_padded_in_pixels(keras, name):
    theirs, given = keras.utils.bounding_boxes, in_format(name)
    to_corners = lambda boxes: ours.convert_format(boxes, name, "xyxy")
    cropped = ours.crop(given, 10, 20, 40, 30, bounding_box_format=name)
    close(to_corners(cropped), theirs.crop(CORNERS, 10, 20, 40, 30))
    padded = ours.pad(given, 10, 20, bounding_box_format=name)
    close(to_corners(padded), theirs.pad(CORNERS, 10, 20))


@pytest.mark.parametrize("name", ["xyxy", "rel_xywh"])
@pytest.mark.parametrize("center", [{}, {"center_x": np.float32(0.2), "center_y": np.float32(0.9)}])
def test_boxes_around_transformed_boxes(keras, name, center):
    numbers = [RANDOM.uniform(0.1, 0.9, 2).astype("float32") * k for k in (40, 1, 1, 2, 20, 20)]
    expected = keras.utils.bounding_boxes.affine_transform(CORNERS, *numbers, 100, 120, **center)
    moved = ours.affine_transform(
        in_format(name), *numbers, 100, 120, **center, bounding_box_format=name
    )
    moved = ours.convert_format(moved, name, "xyxy", **SIZE)
    np.testing.assert_allclose(moved, expected, rtol=1e-4, atol=1e-3)
    single = [float(number[0]) for number in numbers]
    one = ours.affine_transform(CORNERS[0], *single, 100, 120, **center)
    np.testing.assert_allclose(one, np.asarray(expected)[0], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("encoding", ["center_xywh", "center_yxhw"])
@pytest.mark.parametrize("variance", [None, [0.1, 0.1, 0.2, 0.2]])
@pytest.mark.parametrize("name", ["xyxy", "rel_yxyx"])
def test_deltas_lead_back_to_boxes(keras, encoding, variance, name):
    anchors = CORNERS[1] + 3
    given = in_format(name)
    arguments = (anchors, given, "xyxy", name, encoding, variance, IMAGE)
    deltas = ours.encode_box_to_deltas(*arguments)
    close(deltas, keras.utils.bounding_boxes.encode_box_to_deltas(*arguments))
    decoded = ours.decode_deltas_to_boxes(
        {"low": anchors}, {"low": deltas}, "xyxy", name, encoding, variance, IMAGE
    )
    np.testing.assert_allclose(decoded["low"], given, rtol=1e-4)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda b: ours.convert_format(b, "xyxx", "xyxy"), "Did you mean 'yxyx' or 'xyxy'"),
        (lambda b: ours.convert_format(b[..., :3], "xyxy", "xywh"), "last dimension of 4"),
        (lambda b: ours.convert_format(b, "xyxy", "rel_xyxy"), "must receive `height` and `width`"),
        (lambda b: ours.compute_iou(b[0, 0], b, "xyxy"), "boxes1 to be batched"),
        (lambda b: ours.compute_iou(b, b[None], "xyxy"), "boxes2 to be batched"),
        (lambda b: ours.compute_iou(b, b, "rel_xyxy"), "`image_shape` argument"),
        (lambda b: ours.compute_ciou(b, b, "rel_xywh"), "`image_shape` argument"),
        (lambda b: ours.clip_to_image_size({"boxes": b}, height=3), "must be set"),
        (lambda b: ours.crop(b, 1, 1, 1, 1, "rel_xyxy"), "Convert them first"),
        (lambda b: ours.pad(b, 1, 1, bounding_box_format="rel_xywh"), "Convert them first"),
        (lambda b: ours.encode_box_to_deltas(b, b, "xyxy", "xyxy", "xyxy"), "encoding_format"),
        (lambda b: ours.decode_deltas_to_boxes(b, b, "xyxy", "xyxy", "xyxy"), "encoded_format"),
        (
            lambda b: ours.encode_box_to_deltas(b, b, "xyxy", "xyxy", variance=[1, 2]),
            "must be length 4",
        ),
    ],
)
def test_wrong_arguments(call, said):
    with pytest.raises(UserInputError, match=said):
        call(CORNERS)
