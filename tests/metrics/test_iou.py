"""Intersection over union: ids and one-hot forms, axes, ignored classes, against NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import metrics
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
IDS = rng.integers(0, 3, (2, 5))
PRED_IDS = rng.integers(0, 3, (2, 5))
SCORES = rng.uniform(size=(2, 5, 3)).astype("float32")


def iou(true, pred, classes, weights=None, ignore=None):
    true, pred = np.ravel(true), np.ravel(pred)
    weights = np.ones(true.size) if weights is None else np.ravel(weights)
    weights = np.where(true == ignore, 0, weights) if ignore is not None else weights
    scores = []
    for k in classes:
        both = np.sum(weights * ((true == k) & (pred == k)))
        either = np.sum(weights * ((true == k) | (pred == k)))
        if either:
            scores.append(both / either)
    return np.mean(scores)


@pytest.mark.parametrize("classes", [[0], [1, 2], [0, 1, 2]])
@pytest.mark.parametrize("ignore", [None, 0, 2])
def test_iou_of_class_ids(classes, ignore):
    metric = metrics.IoU(num_classes=3, target_class_ids=classes, ignore_class=ignore)
    if set(classes) - {ignore}:
        want = iou(IDS[IDS != ignore], PRED_IDS[IDS != ignore], classes)
        np.testing.assert_allclose(metric(IDS, PRED_IDS), want, rtol=1e-5)


@pytest.mark.parametrize("axis", [-1, 1, 0])
@pytest.mark.parametrize(
    ("sparse_true", "sparse_pred"), [(False, False), (True, False), (False, True)]
)
def test_one_hot_forms_along_any_axis_are_the_ids(axis, sparse_true, sparse_pred):
    one_hot = np.moveaxis(np.eye(3)[IDS], -1, axis)
    scores = np.moveaxis(SCORES, -1, axis)
    y_true = IDS if sparse_true else one_hot
    y_pred = np.argmax(SCORES, -1) if sparse_pred else scores
    want = iou(IDS, np.argmax(SCORES, -1), range(3))
    options = {"sparse_y_true": sparse_true, "sparse_y_pred": sparse_pred, "axis": axis}
    metric = metrics.MeanIoU(num_classes=3, **options)
    np.testing.assert_allclose(metric(y_true, y_pred), want, rtol=1e-5)
    if not sparse_true:
        del options["sparse_y_true"]
        mean = metrics.OneHotMeanIoU(num_classes=3, **options)
        np.testing.assert_allclose(mean(y_true, y_pred), want, rtol=1e-5)
        some = metrics.OneHotIoU(num_classes=3, target_class_ids=[0, 2], **options)
        want = iou(IDS, np.argmax(SCORES, -1), [0, 2])
        np.testing.assert_allclose(some(y_true, y_pred), want, rtol=1e-5)


@pytest.mark.parametrize("target", [[0], [1], [0, 1]])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.9])
def test_binary_iou_counts_from_the_threshold_on(target, threshold):
    bits, unit = np.array([0, 1, 0, 1, 1]), np.array([0.1, 0.5, 0.6, 0.9, 0.2], "float32")
    metric = metrics.BinaryIoU(target, threshold)
    want = iou(bits, unit >= np.float32(threshold), target)
    np.testing.assert_allclose(metric(bits, unit), want, rtol=1e-5)


@pytest.mark.parametrize(("dtype", "weights"), [
    ("float32", rng.uniform(size=(2, 5))), (None, rng.integers(0, 3, (2, 5))), ("float32", 0.5),
])  # fmt: skip
def test_places_are_weighed(dtype, weights):
    metric = metrics.MeanIoU(num_classes=3, dtype=dtype)
    want = iou(IDS, PRED_IDS, range(3), np.broadcast_to(weights, IDS.shape))
    np.testing.assert_allclose(metric(IDS, PRED_IDS, weights), want, rtol=1e-5)


def test_batches_add_up_and_a_reset_forgets_them():
    metric = metrics.MeanIoU(num_classes=3)
    for true, pred in zip(IDS, PRED_IDS):
        metric.update_state(true, pred)
    np.testing.assert_allclose(metric.result(), iou(IDS, PRED_IDS, range(3)), rtol=1e-5)
    matrix = np.zeros((3, 3), int)
    np.add.at(matrix, (IDS.ravel(), PRED_IDS.ravel()), 1)
    np.testing.assert_array_equal(metric.total_cm, matrix)
    metric.reset_state()
    assert float(metric.result()) == 0


def test_a_negative_id_can_be_ignored():
    metric = metrics.MeanIoU(num_classes=2, ignore_class=-1)
    assert float(metric([0, 1, -1], [0, 1, 1])) == pytest.approx(1, rel=1e-5)


def test_a_class_beyond_the_matrix_is_refused():
    with pytest.raises(UserInputError, match=r"Target class id 3 is out of range.*\[0, 3\)"):
        metrics.OneHotIoU(num_classes=3, target_class_ids=[0, 3])


@pytest.mark.parametrize("make", [np.array, jnp.array])
def test_probabilities_are_told_where_ids_are_taken(make):
    y_pred = make([0.0, 0.8, 0.4])
    with pytest.warns(UserWarning, match=r"takes class ids.*such as 0.8.*BinaryIoU"):
        metrics.MeanIoU(num_classes=2)([0, 1, 1], y_pred)
    metrics.BinaryIoU(threshold=0.5)([0, 1, 1], y_pred)  # warnings are errors
    metrics.MeanIoU(num_classes=2)([0, 1, 1], make([0.0, 1.0, 1.0]))


def test_weights_of_examples_are_those_of_their_pixels():
    y_true, y_pred = np.array([[0, 1], [1, 1]]), np.array([[0, 1], [0, 1]])
    metric = metrics.IoU(num_classes=2, target_class_ids=[1], dtype="float32")
    found = metric(y_true, y_pred, sample_weight=np.array([1.0, 3.0], "float32"))
    assert float(found) == pytest.approx((1 + 3) / (1 + 3 + 3))
    with pytest.raises(UserInputError, match="does not fit"):
        metric(y_true, y_pred, sample_weight=np.ones(3, "float32"))
