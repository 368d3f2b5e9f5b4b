"""Masks beside weights, accuracies by hand, and metrics made of functions and losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import losses, metrics
from fkeras.core.values.masks import set_mask
from fkeras.errors import UserInputError, UserTypeError
from fkeras.metrics.by_name import direction_of_name

rng = np.random.default_rng(0)
Y_TRUE, Y_PRED = rng.uniform(size=(2, 5, 3)).astype("float32")
MASK = np.array([True, False, True, True, False])
WEIGHTS = np.array([1.0, 9.0, 0.5, 2.0, 9.0], "float32")

MEANS = ("MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy", "CosineSimilarity", "Hinge",
         "KLDivergence", "Poisson", "LogCoshError", "BinaryAccuracy")  # fmt: skip


def masked(y_pred, mask):
    y_pred = jnp.asarray(y_pred) + 0
    set_mask(y_pred, jnp.asarray(mask))
    return y_pred


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS[:, None], 2.0])
def test_a_mask_leaves_examples_out(name, weights):
    metric, other = getattr(metrics, name)(), getattr(metrics, name)()
    metric.update_state(Y_TRUE, masked(Y_PRED, MASK), weights)
    rest = weights[MASK] if np.ndim(weights) else weights
    other.update_state(Y_TRUE[MASK], Y_PRED[MASK], rest)
    np.testing.assert_allclose(metric.result(), other.result(), rtol=1e-5)


def test_a_mask_over_steps_weighs_each_step():
    y_true, y_pred = rng.uniform(size=(2, 2, 4, 3)).astype("float32")
    mask = np.array([[True, True, False, False], [True, False, False, False]])
    each = np.mean(np.abs(y_true - y_pred), -1)
    metric = metrics.MeanAbsoluteError()
    np.testing.assert_allclose(metric(y_true, masked(y_pred, mask)), each[mask].mean(), rtol=1e-5)


def test_masks_count_under_jit_too():
    metric = metrics.MeanAbsoluteError()

    @jax.jit
    def update(state, y_pred, mask):
        return metric.stateless_update_state(state, Y_TRUE, masked(y_pred, mask))

    state = update(metric.stateless_reset_state(), Y_PRED, MASK)
    want = np.mean(np.abs(Y_TRUE - Y_PRED)[MASK])
    np.testing.assert_allclose(metric.stateless_result(state), want, rtol=1e-5)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (4, 1), (2, 3, 2)])
def test_means_and_sums_of_any_shape_equal_numpy(shape):
    values = rng.normal(size=shape).astype("float32")
    np.testing.assert_allclose(metrics.Mean()(values), values.mean(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(metrics.Sum()(values), values.sum(), rtol=1e-5, atol=1e-6)
    if shape:
        weights = rng.uniform(size=shape[:1]).astype("float32")
        each = values.reshape(shape[0], -1)
        np.testing.assert_allclose(
            metrics.Mean()(values, weights),
            np.sum(each.mean(1) * weights) / weights.sum(),
            rtol=1e-5,
        )
        np.testing.assert_allclose(
            metrics.Sum()(values, weights), np.sum(each.sum(1) * weights), rtol=1e-5, atol=1e-6
        )


def test_states_of_two_halves_add_up_to_that_of_the_whole():
    for metric in (metrics.Mean(), metrics.Precision([0.2, 0.6]), metrics.AUC(num_thresholds=5)):
        arguments = (Y_TRUE[:, 0],) if metric.name == "mean" else (Y_TRUE[:, 0] > 0.5, Y_PRED[:, 0])
        start = metric.stateless_reset_state()
        first = metric.stateless_update_state(start, *(x[:2] for x in arguments))
        second = metric.stateless_update_state(start, *(x[2:] for x in arguments))
        merged = [a + b for a, b in zip(first, second)]
        whole = metric.stateless_update_state(start, *arguments)
        np.testing.assert_allclose(
            metric.stateless_result(merged), metric.stateless_result(whole), rtol=1e-6
        )


# -- accuracies ----------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*every prediction counts as right")
@pytest.mark.parametrize("k", [1, 2, 3, 7])
def test_top_k_accuracies_by_hand(k):
    scores = rng.permutation(20).reshape(5, 4).astype("float32")
    ids = np.array([0, 3, 1, 2, 2])
    best = np.argsort(-scores, axis=1)[:, :k]
    want = np.any(best == ids[:, None], axis=1)
    sparse = metrics.sparse_top_k_categorical_accuracy
    np.testing.assert_array_equal(sparse(ids, scores, k), want)
    np.testing.assert_array_equal(sparse(ids[:, None], scores, k)[:, 0], want)
    np.testing.assert_array_equal(sparse(ids, best, k, from_sorted_ids=True), want)
    np.testing.assert_array_equal(
        metrics.top_k_categorical_accuracy(np.eye(4)[ids], scores, k), want
    )


@pytest.mark.parametrize("shape", [(4,), (4, 1), (2, 3)])
def test_sparse_accuracies_of_positions(shape):
    ids = rng.integers(0, 3, shape)
    scores = rng.uniform(size=(*shape, 3))
    right = ids == scores.argmax(-1)
    result = metrics.sparse_categorical_accuracy(ids, scores)
    np.testing.assert_array_equal(np.ravel(result), np.ravel(right))
    assert float(metrics.SparseCategoricalAccuracy()(ids, scores)) == pytest.approx(right.mean())


@pytest.mark.parametrize(("threshold", "want"), [(0.5, 0.75), (0.0, 0.5), (0.9, 0.5)])
def test_binary_accuracy_says_yes_above_the_threshold(threshold, want):
    y_true, y_pred = np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.4, 0.1])
    assert float(metrics.BinaryAccuracy(threshold=threshold)(y_true, y_pred)) == want


# -- correlations --------------------------------------------------------------


def test_correlations_equal_scipy_along_either_axis():
    stats = pytest.importorskip("scipy.stats")
    for axis in (0, 1):
        columns = (Y_TRUE.T, Y_PRED.T) if axis == 0 else (Y_TRUE, Y_PRED)
        want = [stats.pearsonr(t, p).statistic for t, p in zip(*columns)]
        ours = metrics.pearson_correlation(Y_TRUE, Y_PRED, axis=axis)
        np.testing.assert_allclose(ours, want, rtol=1e-4)


def test_concordance_falls_with_the_distance_from_the_line():
    y = np.array([[1.0, 2.0, 3.0]])
    assert float(metrics.concordance_correlation(y, y)[0]) == pytest.approx(1, abs=1e-5)
    shifted = metrics.concordance_correlation(y, y + 1)[0]
    variance = 2 / 3
    assert float(shifted) == pytest.approx(2 * variance / (2 * variance + 1), rel=1e-5)


# -- functions, names, directions ----------------------------------------------


@pytest.mark.parametrize("name", [
    "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "pearson_correlation",
    "top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy", "concordance_correlation",
])  # fmt: skip
def test_a_name_is_the_class_and_a_config_of_a_function_the_function(name):
    function = getattr(metrics, name)
    assert isinstance(metrics.get(name), metrics.MeanMetricWrapper)
    assert metrics.deserialize(metrics.serialize(function)) is function
    assert fkeras.saving.deserialize_keras_object(metrics.serialize(function)) is function
    wrapper = metrics.MeanMetricWrapper(function)
    assert metrics.deserialize(metrics.serialize(wrapper))._fn is function


def test_a_config_without_a_module_is_a_metric_and_not_the_loss_of_that_name():
    metric = metrics.get({"class_name": "BinaryCrossentropy", "config": {"from_logits": True}})
    assert type(metric) is metrics.BinaryCrossentropy
    loss = losses.get({"class_name": "BinaryCrossentropy", "config": {"from_logits": True}})
    assert type(loss) is losses.BinaryCrossentropy


def test_own_metrics_are_found_by_name():
    class Own(metrics.Mean):
        pass

    assert type(metrics.deserialize("Own", custom_objects={"Own": Own})) is Own
    config = {"class_name": "Own", "config": {"name": "mine"}}
    assert metrics.deserialize(config, custom_objects={"Own": Own}).name == "mine"


def test_what_is_no_metric_at_all_is_refused():
    with pytest.raises(UserTypeError, match=r"metric identifier: 3 \(of type int\)"):
        metrics.get(3)


def test_a_metric_stands_for_itself():
    metric = metrics.Mean()
    assert metrics.get(metric) is metric


def test_every_class_has_the_direction_that_keras_gives_it(keras):
    for name, cls in vars(metrics).items():
        theirs = getattr(keras.metrics, name, None)
        if isinstance(cls, type) and name not in ("Metric", "MeanMetricWrapper"):
            declared = vars(theirs).get("_direction")
            assert (
                cls._direction in ("up", "down")
                or "Mean" == name
                or "Sum" == name
                or ("Positives" in name or "Negatives" in name)
            )
            assert declared in (None, cls._direction)


@pytest.mark.parametrize(("name", "direction"), [
    ("mse", "down"), ("loss", "down"), ("head_rmse", "down"), ("val_top_error", "down"),
    ("perplexity", "down"), ("my_crossentropy", "down"), ("kl_divergence", "down"),
    ("acc", "up"), ("val_auc", "up"), ("f1_score", "up"), ("mean_iou", "up"), ("r2_score", "up"),
    ("precision_at_recall", "up"), ("cosine_similarity", "up"), ("categorical_hinge", "down"),
    ("beauty", None), ("sum", None), ("", None),
])  # fmt: skip
def test_directions_by_the_end_of_a_name(name, direction):
    assert direction_of_name(name) == direction


def test_a_metric_made_of_a_loss_is_better_below():
    assert metrics.MeanMetricWrapper(losses.circle)._direction == "down"
    assert metrics.MeanMetricWrapper(metrics.binary_accuracy)._direction is None


@pytest.mark.parametrize("method", ["update_state", "result"])
def test_an_abstract_metric_names_itself_and_what_is_missing(method):
    class Unfinished(metrics.Metric):
        pass

    with pytest.raises(NotImplementedError, match=f"Unfinished must define `{method}`"):
        getattr(Unfinished(), method)()


def test_r2_of_constant_targets_is_zero_as_in_keras(keras):
    y_true, y_pred = np.ones((3, 1), "float32"), np.array([[1.0], [2.0], [1.0]], "float32")
    ours, theirs = metrics.R2Score()(y_true, y_pred), keras.metrics.R2Score()(y_true, y_pred)
    np.testing.assert_array_equal(ours, theirs)
    assert np.isnan(metrics.R2Score().result())


def test_r2_refuses_what_has_no_outputs():
    with pytest.raises(UserInputError, match="R2Score expects 2D inputs"):
        metrics.R2Score()([1.0, 2.0], [1.0, 2.0])
