"""Numbers that are easy to get wrong without a word, and arguments that cannot be right."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import metrics
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)


@pytest.fixture
def sk():
    return pytest.importorskip("sklearn.metrics")


def test_auc_comes_close_to_the_exact_area(sk):
    y_true, y_pred = rng.integers(0, 2, 500), rng.uniform(size=500)
    y_pred = (y_pred + y_true * 0.3) / 1.3
    np.testing.assert_allclose(
        metrics.AUC(num_thresholds=2000)(y_true, y_pred),
        sk.roc_auc_score(y_true, y_pred),
        atol=1e-3,
    )


def test_auc_takes_predictions_of_exactly_zero_and_one():
    assert float(metrics.AUC()([0, 0, 1, 1], [0.0, 0.0, 1.0, 1.0])) == pytest.approx(1.0)


def test_auc_warns_of_logits_where_it_can_see_them():  # B034
    with pytest.warns(
        UserWarning, match=r"'auc' expects predictions in \[0, 1\].*-2 to 3.*from_logits=True"
    ):
        metrics.AUC()([0, 1], [-2.0, 3.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics.AUC(from_logits=True)([0, 1], [-2.0, 3.0])
        metric = metrics.AUC()
        jax.jit(metric.stateless_update_state)(
            metric.variables, jnp.array([0, 1]), jnp.array([-2.0, 3.0])
        )


def test_thresholds_in_even_and_uneven_spacing_agree():
    y_true, y_pred = rng.integers(0, 2, 200), rng.uniform(size=200)
    even = metrics.TruePositives(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])(y_true, y_pred)
    uneven = metrics.TruePositives(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0, 1.0])(y_true, y_pred)
    np.testing.assert_array_equal(even, uneven[:5])


def test_r2_of_targets_with_a_large_mean(sk):
    y_true = (1e4 + rng.normal(size=(6, 50, 1))).astype("float32")
    y_pred = y_true + 0.5 * rng.normal(size=y_true.shape).astype("float32")
    metric = metrics.R2Score()
    for batch in zip(y_true, y_pred):
        metric.update_state(*batch)
    np.testing.assert_allclose(
        metric.result(), sk.r2_score(y_true.ravel(), y_pred.ravel()), rtol=1e-2
    )


def test_adjusted_r2_falls_back_where_there_are_too_few_examples():
    y_true, y_pred = np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [2.5], [4.0]])
    plain = metrics.R2Score()(y_true, y_pred)
    for count, words in ((2, "Division by zero"), (5, "More independent predictors")):
        with pytest.warns(UserWarning, match=words):
            assert metrics.R2Score(num_regressors=count)(y_true, y_pred) == plain


def test_class_ids_beyond_the_reach_of_a_narrow_float_are_told_apart():
    y_pred = jnp.zeros((1, 300), "bfloat16").at[0, 256].set(1)
    assert float(metrics.SparseCategoricalAccuracy()([257], y_pred)) == 0.0


def test_iou_ignores_ids_out_of_range_and_averages_over_classes_that_occur():
    metric = metrics.MeanIoU(num_classes=4, ignore_class=255)
    y_true, y_pred = np.array([0, 0, 1, 255, 9]), np.array([0, 1, 1, 0, 0])
    assert float(metric(y_true, y_pred)) == pytest.approx(0.5, rel=1e-5)


def test_iou_beyond_the_integers_is_nan_and_not_another_number():
    metric = metrics.MeanIoU(num_classes=2)
    metric.update_state([0, 0, 1], [0, 1, 1], np.array([2**31 - 5, 1, 1]))
    assert float(metric.result()) == pytest.approx(0.75, rel=1e-5)
    for _ in range(2):
        metric.update_state([0], [0], np.array([2**31 - 5]))
        assert np.isnan(metric.result())


def test_iou_warns_when_fractional_weights_are_cut():
    with pytest.warns(UserWarning, match="cut to whole numbers"):
        metrics.MeanIoU(num_classes=2)([0, 1], [0, 1], np.array([0.5, 1.5]))


@pytest.mark.parametrize(("metric", "y_true", "y_pred", "words"), [
    (metrics.BinaryAccuracy(), (4, 7), (4, 1), "must have the same shape"),
    (metrics.CategoricalAccuracy(), (4,), (4, 3), "sparse_categorical_accuracy"),
    (metrics.SparseCategoricalAccuracy(), (4, 3), (4, 3), "`categorical_accuracy`"),
    (metrics.SparseTopKCategoricalAccuracy(), (3,), (4, 3), "one class id per prediction"),
    (metrics.Precision(), (4, 1), (4, 3), "must have the same shape"),
    (metrics.RootMeanSquaredError(), (4, 2), (4, 3), r"\(4, 2\).*\(4, 3\)"),
    (metrics.F1Score(), (4,), (4,), "2D inputs"),
    (metrics.MeanIoU(num_classes=2), (4,), (3,), r"\(4,\).*\(3,\)"),
    (metrics.AUC(multi_label=True), (4,), (4,), "rank 2"),
    (metrics.PearsonCorrelation(), (4, 1), (4, 3), "pearson_correlation"),
], ids=lambda x: getattr(x, "name", None))  # fmt: skip
def test_shapes_that_do_not_fit_are_an_error_at_trace_time(metric, y_true, y_pred, words):
    with pytest.raises(UserInputError, match=words):
        metric.build_on(
            jax.ShapeDtypeStruct(y_true, "int32"), jax.ShapeDtypeStruct(y_pred, "float32")
        )


def test_predictions_of_one_column_never_meet_targets_of_one_row():  # B035
    y = np.arange(4.0)
    for metric in (metrics.MeanAbsoluteError(), metrics.Poisson(), metrics.RootMeanSquaredError()):
        assert float(metric(y, y[:, None])) == float(metric(y[:, None], y[:, None]))


@pytest.mark.parametrize("make", [
    lambda: metrics.Precision(thresholds=[0.2, 1.5]),
    lambda: metrics.AUC(thresholds=[0.2, -1.0]),
    lambda: metrics.AUC(num_thresholds=1),
    lambda: metrics.AUC(curve="det"),
    lambda: metrics.AUC(summation_method="simpson"),
    lambda: metrics.RecallAtPrecision(1.2),
    lambda: metrics.PrecisionAtRecall(0.5, num_thresholds=0),
    lambda: metrics.FBetaScore(beta=1),
    lambda: metrics.FBetaScore(average="all"),
    lambda: metrics.F1Score(threshold=0.0),
    lambda: metrics.R2Score(class_aggregation="sum"),
    lambda: metrics.R2Score(num_regressors=-1),
    lambda: metrics.IoU(2, [2]),
])  # fmt: skip
def test_arguments_out_of_range_are_refused(make):
    with pytest.raises(UserInputError, match=r"Invalid|must|range"):
        make()


ON_LOGITS = {
    "BinaryCrossentropy": ({}, {"from_logits": True}),
    "CategoricalCrossentropy": ({}, {"from_logits": True}),
    "BinaryIoU": ({}, {"threshold": 0}),
    "BinaryAccuracy": ({}, {"threshold": 0}),
    "F1Score": ({"threshold": 0.5}, {}),
    "Precision": ({}, {"thresholds": 0}),
    "Recall": ({"thresholds": [0.2, 0.4]}, {"top_k": 1}),
    "TruePositives": ({}, {"thresholds": 0}),
    "PrecisionAtRecall": ({"recall": 0.5}, None),
    "KLDivergence": ({}, None),
}


@pytest.mark.parametrize("name", ON_LOGITS)
def test_metrics_of_probabilities_warn_of_logits_where_they_can_see_them(name):  # B034
    wrong, right = ON_LOGITS[name]
    y_true, y_pred = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[-2.0, 3.0], [1.0, 0.5]])
    with pytest.warns(UserWarning, match=r"predictions in \[0, 1\].*-2 to 3") as told:
        getattr(metrics, name)(**wrong).update_state(y_true, y_pred)
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        getattr(metrics, name)(**wrong).update_state(y_true, y_pred.clip(0, 1))
        if right is not None:
            getattr(metrics, name)(**right).update_state(y_true, y_pred)


def test_arrays_on_a_device_are_looked_at_once():
    metric, logits = metrics.Precision(), jnp.array([-2.0, 3.0])
    with pytest.warns(UserWarning, match="look like logits"):
        metric.update_state([0, 1], logits)
    metric.update_state([0, 1], logits)  # warnings are errors: a look would wait for the device
