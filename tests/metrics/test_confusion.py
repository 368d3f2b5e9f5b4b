"""Counts of hits and misses, precision and recall: top k, classes, thresholds."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fkeras import metrics
from fkeras.errors import UserInputError
from fkeras.metrics.confusion_counts import confusion_counts, is_even

rng = np.random.default_rng(0)
BITS = rng.integers(0, 2, (8, 4))
UNIT = rng.uniform(size=(8, 4)).astype("float32")
WEIGHTS = rng.uniform(size=8).astype("float32")


@pytest.mark.parametrize("cls", ["Precision", "Recall"])
@pytest.mark.parametrize(
    ("top_k", "class_id", "thresholds"),
    list(itertools.product([None, 1, 3], [None, 3], [None, 0.3, [0.2, 0.6], [0.0, 0.5, 1.0]])),
)
def test_rates_of_top_k_and_of_one_class_equal_keras(keras, cls, top_k, class_id, thresholds):
    options = {"top_k": top_k, "class_id": class_id, "thresholds": thresholds}
    ours, theirs = getattr(metrics, cls)(**options), getattr(keras.metrics, cls)(**options)
    np.testing.assert_allclose(ours(BITS, UNIT, WEIGHTS), theirs(BITS, UNIT, WEIGHTS), rtol=1e-5)
    np.testing.assert_allclose(ours(BITS[:2], UNIT[:2]), theirs(BITS[:2], UNIT[:2]), rtol=1e-5)


@pytest.mark.parametrize("thresholds", [None, 0.4, [0.4], [0.1, 0.4, 0.9], [0.0, 0.5, 1.0]])
def test_the_four_counts_by_hand(thresholds):
    values = [0.5] if thresholds is None else np.atleast_1d(thresholds)
    above = UNIT[None] > np.asarray(values, "float32")[:, None, None]
    true = BITS[None] == 1
    weights = WEIGHTS[None, :, None]
    want = {
        "TruePositives": above & true,
        "FalsePositives": above & ~true,
        "TrueNegatives": ~above & ~true,
        "FalseNegatives": ~above & true,
    }
    for cls, cells in want.items():
        count = np.sum(cells * weights, axis=(1, 2))
        metric = getattr(metrics, cls)(thresholds)
        result = metric(BITS, UNIT, WEIGHTS)
        assert result.shape == (() if len(values) == 1 else (len(values),))
        np.testing.assert_allclose(np.atleast_1d(result), count, rtol=1e-5)
        assert metric.get_config()["thresholds"] == thresholds


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.booleans(), st.floats(0, 1, width=32, allow_subnormal=False), st.integers(0, 3)
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([2, 5]),
)
def test_buckets_count_what_comparisons_count(rows, count):
    y_true, y_pred, weights = (np.array(column) for column in zip(*rows))
    y_pred = np.float32(y_pred)
    even = [i / (count - 1) for i in range(count)]
    counts = confusion_counts("m", y_true, y_pred, even, weights)
    above = y_pred[None] > np.float32(even)[:, None]
    np.testing.assert_allclose(counts.true_positives, (above & y_true) @ weights)
    np.testing.assert_allclose(counts.false_positives, (above & ~y_true) @ weights)
    np.testing.assert_allclose(counts.true_negatives, (~above & ~y_true) @ weights)
    np.testing.assert_allclose(counts.false_negatives, (~above & y_true) @ weights)


@pytest.mark.parametrize(("thresholds", "even"), [
    ([0.0, 0.5, 1.0], True), ([-1e-7, 0.5, 1 + 1e-7], True), ([0.0, 0.4, 1.0], False),
    ([0.0, 1.0], False), ([0.5], False), ([0.25, 0.5, 0.75], False),
])  # fmt: skip
def test_even_thresholds_are_told_from_others(thresholds, even):
    assert is_even(thresholds) is even


def test_one_of_several_equal_predictions_is_the_top():
    y_true, y_pred = [[1, 0, 0]], [[0.5, 0.5, 0.5]]
    assert float(metrics.Precision(top_k=1)(y_true, y_pred)) == 1
    assert float(metrics.Precision(top_k=1)([[0, 1, 0]], y_pred)) == 0
    assert float(metrics.Recall(top_k=2)([[0, 1, 1]], y_pred)) == 0.5


def test_a_class_needs_an_axis_of_classes():
    with pytest.raises(UserInputError, match=r"class_id.*2D array.*\(3,\)"):
        metrics.Recall(class_id=0)([0, 1, 1], [0.1, 0.2, 0.3])


@pytest.mark.parametrize("options", [{"class_id": 3}, {"top_k": 4}])
def test_there_must_be_as_many_classes(options):
    with pytest.raises(UserInputError, match=r"recall: .*=\d, but the predictions have 3 classes"):
        metrics.Recall(name="recall", **options)(np.eye(3), np.eye(3))


def test_the_largest_of_one_prediction_says_nothing():
    with pytest.warns(UserWarning, match=r"one only.*F1Score\(threshold=0.5\)"):
        metrics.F1Score()([[1.0], [0.0]], [[0.2], [0.3]])
    metrics.F1Score(threshold=0.5)([[1.0], [0.0]], [[0.2], [0.3]])  # warnings are errors


@pytest.mark.parametrize("kind", ["TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"])
def test_all_classes_are_no_top(kind):
    y_true = np.arange(3) if "Sparse" in kind else np.eye(3)
    getattr(metrics, kind)(k=2)(y_true, np.eye(3))  # warnings are errors
    with pytest.warns(UserWarning, match="k=3 of 3 classes.*every prediction"):
        getattr(metrics, kind)(k=3)(y_true, np.eye(3))


@pytest.mark.parametrize("thresholds", [[None], [0.2, -0.1], 2.0, [0.1, 1.0001]])
def test_thresholds_lie_between_zero_and_one(thresholds):
    with pytest.raises(UserInputError, match=r"must be in \[0, 1\]"):
        metrics.TruePositives(thresholds)


def test_rates_of_nothing_are_zero():
    assert float(metrics.Precision()([1, 1], [0.1, 0.2])) == 0
    assert float(metrics.Recall()([0, 0], [0.9, 0.2])) == 0


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize(("beta", "threshold"), [(1.0, None), (0.5, 0.4), (2.0, 1.0)])
def test_f_scores_equal_scikit_learn(average, beta, threshold):
    sk = pytest.importorskip("sklearn.metrics")
    y_pred = np.eye(4)[np.argmax(UNIT, 1)] if threshold is None else UNIT > threshold
    want = sk.fbeta_score(
        BITS, y_pred, beta=beta, average=average, zero_division=0, sample_weight=WEIGHTS
    )
    metric = metrics.FBetaScore(average=average, beta=beta, threshold=threshold)
    np.testing.assert_allclose(metric(BITS, UNIT, WEIGHTS), want, rtol=1e-5, atol=1e-6)


def test_f_scores_of_all_zeros_predict_nothing():
    metric = metrics.F1Score(average="micro")
    assert float(metric.result()) == 0  # before the first batch
    assert float(metric([[1, 0]], [[0.0, 0.0]])) == 0
    assert float(metric.false_negatives) == 1
