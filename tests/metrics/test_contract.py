"""Every metric against Keras: two batches, with weights and without, on the object and in the pure
form under jit; configs.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import metrics

rng = np.random.default_rng(0)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


SHAPE = (2, 6, 3)  # two batches of six examples of three outputs
REAL, PRED = rng.normal(size=SHAPE).astype("float32"), rng.normal(size=SHAPE).astype("float32")
PROBABILITIES = softmax(PRED).astype("float32")
IDS = rng.integers(0, 3, (2, 6))
PRED_IDS = rng.integers(0, 3, (2, 6))
ONE_HOT = np.eye(3, dtype="float32")[IDS]
BITS, UNIT = rng.integers(0, 2, SHAPE), rng.uniform(size=SHAPE).astype("float32")
FLAT_BITS, FLAT_UNIT = BITS[..., 0], UNIT[..., 0]
WEIGHTS = rng.uniform(size=(2, 6)).astype("float32")
WHOLE = rng.integers(0, 3, (2, 6))

# name, options, targets, predictions, weights
ROWS = [
    ("MeanSquaredError", {}, REAL, PRED, WEIGHTS),
    ("RootMeanSquaredError", {}, REAL, PRED, WEIGHTS),
    ("MeanAbsoluteError", {}, REAL, PRED, WEIGHTS),
    ("MeanAbsolutePercentageError", {}, REAL, PRED, WEIGHTS),
    ("MeanSquaredLogarithmicError", {}, np.exp(REAL), np.exp(PRED), WEIGHTS),
    ("CosineSimilarity", {}, REAL, PRED, WEIGHTS),
    ("LogCoshError", {}, REAL, PRED, WEIGHTS),
    ("R2Score", {}, REAL, PRED, WEIGHTS),
    ("R2Score", {"class_aggregation": None}, REAL, PRED, WEIGHTS[..., None]),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, REAL, PRED, WEIGHTS),
    (
        "R2Score",
        {"class_aggregation": "variance_weighted_average", "num_regressors": 2},
        REAL[..., :1],
        PRED[..., :1],
        WEIGHTS,
    ),
    ("PearsonCorrelation", {}, REAL, PRED, WEIGHTS),
    ("PearsonCorrelation", {"axis": 0}, REAL, PRED, None),
    ("ConcordanceCorrelation", {}, REAL, PRED, WEIGHTS),
    ("Hinge", {}, BITS, PRED, WEIGHTS),
    ("SquaredHinge", {}, 2 * BITS - 1, PRED, WEIGHTS),
    ("CategoricalHinge", {}, ONE_HOT, PRED, WEIGHTS),
    ("KLDivergence", {}, softmax(REAL), PROBABILITIES, WEIGHTS),
    ("Poisson", {}, BITS, UNIT, WEIGHTS),
    ("BinaryCrossentropy", {}, BITS, UNIT, WEIGHTS),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, BITS, PRED, WEIGHTS),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, ONE_HOT, PROBABILITIES, WEIGHTS),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, IDS, PRED, WEIGHTS),
    ("Accuracy", {}, IDS, PRED_IDS, WEIGHTS),
    ("BinaryAccuracy", {"threshold": 0.4}, BITS, UNIT, WEIGHTS),
    ("BinaryAccuracy", {}, FLAT_BITS, UNIT[..., :1], WEIGHTS),
    ("CategoricalAccuracy", {}, ONE_HOT, PROBABILITIES, WEIGHTS),
    ("SparseCategoricalAccuracy", {}, IDS, PROBABILITIES, WEIGHTS),
    ("SparseCategoricalAccuracy", {}, IDS[..., None], PROBABILITIES, WEIGHTS),
    ("TopKCategoricalAccuracy", {"k": 2}, ONE_HOT, PROBABILITIES, WEIGHTS),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, IDS, PROBABILITIES, WEIGHTS),
    (
        "SparseTopKCategoricalAccuracy",
        {"k": 1, "from_sorted_ids": True},
        IDS,
        np.argsort(-PRED, -1).astype("float32"),
        WEIGHTS,
    ),
    ("TruePositives", {}, FLAT_BITS, FLAT_UNIT, WEIGHTS),
    ("FalsePositives", {"thresholds": [0.2, 0.7]}, BITS, UNIT, WEIGHTS),
    ("TrueNegatives", {"thresholds": 0.3}, BITS, UNIT, None),
    ("FalseNegatives", {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}, BITS, UNIT, WEIGHTS),
    ("Precision", {}, BITS, UNIT, WEIGHTS),
    ("Precision", {"top_k": 2, "class_id": 1}, BITS, UNIT, WEIGHTS),
    ("Precision", {"thresholds": [0.1, 0.6]}, FLAT_BITS, FLAT_UNIT, WEIGHTS),
    ("Recall", {}, BITS, UNIT, WEIGHTS),
    ("Recall", {"top_k": 1}, BITS, UNIT, WEIGHTS),
    ("SensitivityAtSpecificity", {"specificity": 0.4}, FLAT_BITS, FLAT_UNIT, WEIGHTS),
    (
        "SpecificityAtSensitivity",
        {"sensitivity": 0.4, "num_thresholds": 1},
        FLAT_BITS,
        FLAT_UNIT,
        WEIGHTS,
    ),
    (
        "PrecisionAtRecall",
        {"recall": 0.4, "num_thresholds": 50, "class_id": 2},
        BITS,
        UNIT,
        WEIGHTS,
    ),
    ("RecallAtPrecision", {"precision": 0.6}, FLAT_BITS, FLAT_UNIT, WEIGHTS),
    ("AUC", {}, FLAT_BITS, FLAT_UNIT, WEIGHTS),
    ("AUC", {"curve": "PR", "num_thresholds": 20}, FLAT_BITS, FLAT_UNIT, WEIGHTS),
    ("AUC", {"curve": "PRGAIN", "summation_method": "majoring"}, FLAT_BITS, FLAT_UNIT, None),
    (
        "AUC",
        {"curve": "pr", "summation_method": "minoring", "thresholds": [0.7, 0.2, 0.4]},
        FLAT_BITS,
        FLAT_UNIT,
        WEIGHTS,
    ),
    ("AUC", {"from_logits": True, "label_weights": [0.1, 0.5, 2.0]}, BITS, PRED, WEIGHTS),
    ("AUC", {"multi_label": True, "num_labels": 3}, BITS, UNIT, WEIGHTS),
    (
        "AUC",
        {"multi_label": True, "thresholds": [0.3, 0.8], "label_weights": [0.1, 0.5, 2.0]},
        BITS,
        UNIT,
        None,
    ),
    ("FBetaScore", {"beta": 2.0, "threshold": 0.4}, BITS, UNIT, WEIGHTS),
    ("FBetaScore", {"average": "micro"}, BITS, UNIT, WEIGHTS),
    ("F1Score", {"average": "weighted"}, ONE_HOT, PROBABILITIES, WEIGHTS),
    ("F1Score", {"average": "macro", "threshold": 0.5}, BITS, UNIT, None),
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, IDS, PRED_IDS, WHOLE),
    (
        "IoU",
        {"num_classes": 2, "target_class_ids": [1], "ignore_class": 2, "dtype": "float32"},
        IDS,
        PRED_IDS,
        WEIGHTS,
    ),
    ("BinaryIoU", {"threshold": 0.3}, FLAT_BITS, FLAT_UNIT, WHOLE),
    ("MeanIoU", {"num_classes": 3, "sparse_y_pred": False}, IDS, PROBABILITIES, WHOLE),
    (
        "OneHotIoU",
        {"num_classes": 3, "target_class_ids": [1], "sparse_y_pred": True},
        ONE_HOT,
        PRED_IDS,
        None,
    ),
    ("OneHotMeanIoU", {"num_classes": 3}, ONE_HOT, PROBABILITIES, WHOLE),
]
NAMES = [f"{cls}-{i}" for i, (cls, *_) in enumerate(ROWS)]


def batches(y_true, y_pred, weights):
    for i in range(2):
        yield (y_true[i], y_pred[i], None if weights is None else weights[i])


@pytest.mark.filterwarnings(
    "ignore:Explicitly requested dtype int64"
)  # Keras's own, in its confusion matrix
@pytest.mark.parametrize(("cls", "options", "y_true", "y_pred", "weights"), ROWS, ids=NAMES)
def test_metric_equals_keras_on_the_object_and_under_jit(
    keras, cls, options, y_true, y_pred, weights
):
    for used_weights in (weights, None) if weights is not None else (None,):
        ours, theirs = getattr(metrics, cls)(**options), getattr(keras.metrics, cls)(**options)
        for batch in batches(y_true, y_pred, used_weights):
            ours.update_state(*batch)
            theirs.update_state(*batch)
        np.testing.assert_allclose(ours.result(), theirs.result(), rtol=2e-5, atol=2e-6)
        assert ours.name == theirs.name

    pure = getattr(metrics, cls)(**options)
    before = [np.array(v) for v in pure.variables]

    @jax.jit
    def run(first, second):
        state = pure.stateless_reset_state()
        state = pure.stateless_update_state(state, *first)
        return pure.stateless_result(pure.stateless_update_state(state, *second))

    np.testing.assert_allclose(
        run(*batches(y_true, y_pred, None)), ours.result(), rtol=2e-5, atol=2e-6
    )
    for variable, value in zip(pure.variables, before):
        np.testing.assert_array_equal(variable, value)
    ours.reset_state()
    assert all(not np.any(v) for v in ours.variables)


@pytest.mark.parametrize(("cls", "options"), [row[:2] for row in ROWS], ids=NAMES)
def test_metric_comes_back_from_its_config(keras, cls, options):
    metric = getattr(metrics, cls)(**options)
    config = metric.get_config()
    assert getattr(metrics, cls).from_config(config).get_config() == config
    assert metrics.deserialize(metrics.serialize(metric)).get_config() == config
    # Files travel: Keras reads our config, and we read Keras's.
    theirs = getattr(keras.metrics, cls)(**options)
    assert set(theirs.get_config()) <= set(config)
    assert type(getattr(keras.metrics, cls).from_config(config)).__name__ == cls
    assert type(metrics.deserialize(keras.metrics.serialize(theirs))) is type(metric)


WEIGHT_FORMS = {
    "vector": WEIGHTS[0],
    "integers": np.array([1, 0, 2, 1, 0, 3]),
    "booleans": np.array([True, False, True, True, False, True]),
    "number": 2,
}
# With the adjusted R2, examples of weight 0 are no data points here; in Keras they are. F-scores
# refuse numbers there.
DIFFERENT = {("R2Score", "integers"), ("R2Score", "booleans")}
DIFFERENT |= {("FBetaScore", "number"), ("F1Score", "number")}


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")
@pytest.mark.filterwarnings("ignore:.*cut to whole numbers")
@pytest.mark.parametrize(("cls", "options", "y_true", "y_pred", "weights"), ROWS, ids=NAMES)
def test_weights_of_any_form_equal_keras(keras, cls, options, y_true, y_pred, weights):
    if options.get("axis") == 0:
        pytest.skip("a correlation over the batch is one number, which no example's weight fits")
    for form, used in WEIGHT_FORMS.items():
        if (cls, form) in DIFFERENT:
            continue
        if "IoU" in cls and form not in ("integers", "number"):
            continue  # Keras wants arrays there, of whole numbers
        ours, theirs = getattr(metrics, cls)(**options), getattr(keras.metrics, cls)(**options)
        ours.update_state(y_true[0], y_pred[0], used)
        theirs.update_state(y_true[0], y_pred[0], used)
        np.testing.assert_allclose(ours.result(), theirs.result(), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("cls", "options", "y_true", "y_pred", "weights"), ROWS, ids=NAMES)
def test_an_empty_batch_changes_nothing(cls, options, y_true, y_pred, weights):
    if options.get("axis") == 0:
        pytest.skip("there is no correlation over a batch of nothing")
    metric = getattr(metrics, cls)(**options)
    metric.update_state(y_true[0], y_pred[0])
    before = [np.array(v) for v in metric.variables]
    metric.update_state(y_true[0][:0], y_pred[0][:0], None if weights is None else weights[0][:0])
    for variable, value in zip(metric.variables, before):
        np.testing.assert_array_equal(variable, value)


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize(("cls", "options", "y_true", "y_pred", "weights"), ROWS, ids=NAMES)
def test_half_precision_is_that_of_float32_up_to_one_rounding(
    keras, dtype, cls, options, y_true, y_pred, weights
):
    theirs = getattr(keras.metrics, cls)(**options)
    narrow = y_pred[0]
    if np.issubdtype(narrow.dtype, np.floating):
        narrow = jnp.asarray(narrow).astype(dtype)
        theirs.update_state(y_true[0], narrow.astype("float32"))
    else:
        theirs.update_state(y_true[0], narrow)
    tolerance = 2 * float(jnp.finfo(dtype).eps)
    # Predictions of half precision, and arithmetic asked to be of half precision.
    for used in ({}, {} if "IoU" in cls else {"dtype": dtype}):
        ours = getattr(metrics, cls)(**options, **used)
        ours.update_state(y_true[0], narrow)
        assert all(v.dtype in ("float32", "int32") for v in ours.variables)
        np.testing.assert_allclose(
            np.float32(ours.result()), theirs.result(), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_dtypes_round_results_and_not_sums(dtype):
    metric = metrics.Mean(dtype=dtype)
    for _ in range(3):
        metric.update_state(np.ones(200))  # 600 is no bfloat16, nor is 256 + 1
    assert float(metric.count) == 600
    assert metric.result() == 1
    assert metric.result().dtype == dtype
    assert metrics.BinaryAccuracy(dtype=dtype)([[1.0]], jnp.ones((1, 1), dtype)) == 1
