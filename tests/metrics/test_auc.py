"""Areas under curves in all variants, against Keras and scikit-learn."""

import itertools
import json

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import metrics
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
BITS = rng.integers(0, 2, (40, 3))
UNIT = ((rng.uniform(size=(40, 3)) + 0.5 * BITS) / 1.5).astype("float32")
WEIGHTS = rng.uniform(size=40).astype("float32")
LABEL_WEIGHTS = [0.2, 1.0, 3.0]
CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "minoring", "majoring")


@pytest.fixture
def sk():
    return pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize(("curve", "summation"), list(itertools.product(CURVES, SUMMATIONS)))
def test_every_variant_equals_keras(keras, curve, summation):
    thresholds = [0.1, 0.35, 0.8] if summation == "minoring" else None
    options = {"curve": curve, "summation_method": summation, "thresholds": thresholds}
    for more in (
        {},
        {"label_weights": LABEL_WEIGHTS},
        {"multi_label": True},
        {"multi_label": True, "num_labels": 3, "label_weights": LABEL_WEIGHTS},
    ):
        ours = metrics.AUC(num_thresholds=11, **options, **more)
        theirs = keras.metrics.AUC(num_thresholds=11, **options, **more)
        for rows in (slice(0, 15), slice(15, 40)):
            ours.update_state(BITS[rows], UNIT[rows], WEIGHTS[rows])
            theirs.update_state(BITS[rows], UNIT[rows], WEIGHTS[rows])
        np.testing.assert_allclose(ours.result(), theirs.result(), rtol=1e-5, atol=1e-6)
        config = json.loads(json.dumps(ours.get_config()))
        again = metrics.AUC.from_config(config)
        again.update_state(BITS, UNIT, WEIGHTS)
        np.testing.assert_allclose(again.result(), ours.result(), rtol=1e-5)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_many_thresholds_come_close_to_the_exact_areas(sk, multi_label, weights):
    y_true, y_pred = (BITS, UNIT) if multi_label else (BITS[:, 0], UNIT[:, 0])
    roc = metrics.AUC(num_thresholds=1000, multi_label=multi_label)(y_true, y_pred, weights)
    np.testing.assert_allclose(
        roc, sk.roc_auc_score(y_true, y_pred, sample_weight=weights), atol=5e-3
    )
    # Average precision is made of rectangles too, each as high as one of the curve's ends.
    exact = sk.average_precision_score(y_true, y_pred, sample_weight=weights)
    below, above = (
        float(
            metrics.AUC(1000, curve="PR", summation_method=method, multi_label=multi_label)(
                y_true, y_pred, weights
            )
        )
        for method in ("minoring", "majoring")
    )
    assert below - 1e-3 < exact < above + 1e-3


def test_the_summations_enclose_each_other():
    areas = [
        float(metrics.AUC(num_thresholds=9, summation_method=method)(BITS[:, 0], UNIT[:, 0]))
        for method in ("minoring", "interpolation", "majoring")
    ]
    assert areas == sorted(areas)
    assert areas[0] < areas[2]


def test_logits_are_the_same_as_their_sigmoid():
    logits = rng.normal(size=40).astype("float32")
    from_logits = metrics.AUC(from_logits=True)(BITS[:, 0], logits)
    plain = metrics.AUC()(BITS[:, 0], 1 / (1 + np.exp(-logits)))
    np.testing.assert_allclose(from_logits, plain, rtol=1e-6)


def test_labels_that_are_all_the_same_have_no_area():
    assert float(metrics.AUC()([0, 0], [0.2, 0.7])) == 0
    assert float(metrics.AUC()([1, 1], [0.2, 0.7])) == 0
    assert float(metrics.AUC(curve="PR")([0, 0], [0.2, 0.7])) == 0


def test_areas_before_the_first_batch_are_zero():
    assert float(metrics.AUC().result()) == 0
    assert float(metrics.AUC(multi_label=True).result()) == 0


def test_thresholds_are_sorted_and_given_ends():
    metric = metrics.AUC(thresholds=[0.75, 0.25])
    np.testing.assert_allclose(metric.thresholds, [0, 0.25, 0.75, 1], atol=1e-6)
    assert metric.num_thresholds == 4
    assert metrics.AUC(num_thresholds=5).get_config()["thresholds"] is None


@pytest.mark.parametrize(("options", "words"), [
    ({"num_labels": 3}, "only when `multi_label`"),
    ({"curve": "roc curve"}, "Invalid AUC curve value"),
    ({"summation_method": "none"}, "Invalid AUC summation method value"),
    ({"thresholds": [0.1, 1.1]}, "from 0.1 to 1.1"),
])  # fmt: skip
def test_arguments_that_cannot_be_right_are_refused(options, words):
    with pytest.raises(UserInputError, match=words):
        metrics.AUC(**options)


@pytest.mark.parametrize("cls", [
    "SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall",
    "RecallAtPrecision",
])  # fmt: skip
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_operating_points_equal_keras(keras, cls, value):
    for options in ({}, {"num_thresholds": 5}, {"num_thresholds": 1, "class_id": 1}):
        ours = getattr(metrics, cls)(value, **options)
        theirs = getattr(keras.metrics, cls)(value, **options)
        y_true, y_pred = (BITS, UNIT) if "class_id" in options else (BITS[:, 0], UNIT[:, 0])
        np.testing.assert_allclose(
            ours(y_true, y_pred, WEIGHTS), theirs(y_true, y_pred, WEIGHTS), rtol=1e-5
        )
        assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()


def test_operating_points_are_found_by_trying_all_thresholds(sk):
    y_true, y_pred = BITS[:, 1], UNIT[:, 1]
    fpr, tpr, _ = sk.roc_curve(y_true, y_pred, drop_intermediate=False)
    exact = tpr[1 - fpr >= 0.7].max()
    ours = metrics.SensitivityAtSpecificity(0.7, num_thresholds=2000)(y_true, y_pred)
    np.testing.assert_allclose(ours, exact, rtol=1e-5)


def test_predictions_on_a_threshold_are_not_above_it():
    for count in (3, 5, 17):  # steps that floats hold exactly
        steps = np.arange(count, dtype="float32") / (count - 1)
        metric = metrics.TruePositives(thresholds=[i / (count - 1) for i in range(count)])
        above = metric(jnp.ones(count), steps)
        np.testing.assert_array_equal(above, [np.sum(steps > t) for t in steps])
