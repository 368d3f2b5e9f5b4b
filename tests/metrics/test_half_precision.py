"""Counts and sums that float16 and bfloat16 could not hold."""

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import metrics

HALVES = ("float16", "bfloat16")


@pytest.mark.parametrize("dtype", HALVES)
def test_a_mean_of_many_batches_counts_them_all(dtype):
    metric = metrics.MeanAbsoluteError(dtype=dtype)
    for _ in range(3):
        metric.update_state(np.zeros((1001, 1)), np.ones((1001, 1)), np.ones(1001))
    assert (float(metric.count), float(metric.total)) == (3003, 3003)
    assert (float(metric.result()), metric.result().dtype) == (1, dtype)


@pytest.mark.parametrize("dtype", HALVES)
def test_a_sum_is_rounded_when_it_is_read(dtype):
    metric = metrics.Sum(dtype=dtype)
    metric.update_state(jnp.ones(257, dtype))
    metric.update_state(jnp.ones(4, dtype))
    assert float(metric.total) == 261
    assert float(metric.result()) == float(jnp.asarray(261, dtype))


@pytest.mark.parametrize("dtype", HALVES)
def test_the_root_of_a_mean_square_beyond_float16(dtype):
    metric = metrics.RootMeanSquaredError(dtype=dtype)
    assert float(metric([[0.0], [0.0]], [[300.0], [300.0]])) == pytest.approx(300, rel=1e-2)
    assert metric.result().dtype == dtype


@pytest.mark.parametrize("dtype", HALVES)
def test_f_scores_count_every_example(dtype):
    metric = metrics.F1Score(threshold=0.5, dtype=dtype)
    metric.update_state(np.ones((301, 2)), np.ones((301, 2)))
    np.testing.assert_array_equal(metric.true_positives, [301, 301])
    np.testing.assert_array_equal(metric.intermediate_weights, [301, 301])


@pytest.mark.parametrize("dtype", HALVES)
def test_r2_counts_every_example(dtype):
    metric = metrics.R2Score(dtype=dtype)
    y_true = np.arange(301.0)[:, None]
    metric.update_state(y_true, y_true)
    assert (float(metric.count[0]), float(metric.num_samples)) == (301, 301)
    np.testing.assert_allclose(metric.squared_deviation, [np.var(y_true) * 301], rtol=1e-5)
    assert float(metric.result()) == 1


@pytest.mark.parametrize("dtype", HALVES)
def test_pixels_are_counted_one_by_one(dtype):
    metric = metrics.MeanIoU(num_classes=2, dtype=dtype)
    for _ in range(3):
        metric.update_state(np.zeros(1025, int), np.zeros(1025, int), 1)
    assert int(metric.total_cm[0, 0]) == 3075  # bfloat16 stops at 256, float16 at 2048


@pytest.mark.parametrize("metric", [
    metrics.Accuracy(),
    metrics.SparseTopKCategoricalAccuracy(k=1, from_sorted_ids=True),
], ids=lambda m: m.name)  # fmt: skip
def test_ids_that_a_narrow_float_takes_for_each_other(metric):
    y_pred = jnp.array([256.0], "bfloat16")
    y_pred = y_pred if metric.name == "accuracy" else y_pred[None]
    assert float(metric([257], y_pred)) == 0
    assert float(metric([256], y_pred)) == 0.5
