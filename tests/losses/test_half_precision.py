"""float16 and bfloat16: computed and added up in float32, rounded once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import losses
from fkeras.core.values.masks import get_mask
from fkeras.losses.reduction import reduce_weighted_values

HALVES = ("float16", "bfloat16")
rng = np.random.default_rng(0)
REAL = rng.normal(size=(4, 3)).astype("float32")
PROBABILITIES = jax.nn.softmax(REAL)
ONE_HOT = np.eye(3, dtype="float32")[[0, 2, 1, 1]]

# function, options, targets, predictions
ROWS = [
    ("mean_squared_error", {}, REAL[::-1], REAL),
    ("mean_absolute_percentage_error", {}, REAL[::-1], REAL),
    ("mean_squared_logarithmic_error", {}, np.abs(REAL[::-1]), np.abs(REAL)),
    ("huber", {"delta": 0.5}, REAL[::-1], REAL),
    ("log_cosh", {}, np.zeros((4, 3)), REAL / 100),
    ("cosine_similarity", {}, REAL[::-1], 300 * REAL),
    ("squared_hinge", {}, ONE_HOT, REAL),
    ("categorical_hinge", {}, ONE_HOT, REAL),
    ("kl_divergence", {}, PROBABILITIES[::-1], PROBABILITIES),
    ("poisson", {}, np.arange(12).reshape(4, 3), np.exp(REAL)),
    ("binary_crossentropy", {"label_smoothing": 0.1}, ONE_HOT, PROBABILITIES),
    ("binary_focal_crossentropy", {"from_logits": True}, ONE_HOT, REAL),
    ("categorical_crossentropy", {"from_logits": True}, ONE_HOT, REAL),
    ("categorical_focal_crossentropy", {}, ONE_HOT, PROBABILITIES),
    ("categorical_generalized_cross_entropy", {"q": 0.3}, [0, 2, 1, 1], PROBABILITIES),
    ("dice", {"axis": 1}, ONE_HOT, PROBABILITIES),
    ("tversky", {"axis": (0, 1), "alpha": 0.2, "beta": 0.2}, ONE_HOT, PROBABILITIES),
    ("circle", {"gamma": 10.0}, [0, 0, 1, 1], REAL / np.linalg.norm(REAL, axis=1, keepdims=True)),
]


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize(
    ("name", "options", "y_true", "y_pred"), ROWS, ids=[row[0] for row in ROWS]
)
def test_losses_of_half_precision_are_those_of_float32_rounded_once(
    keras, dtype, name, options, y_true, y_pred
):
    y_pred = jnp.asarray(y_pred).astype(dtype)
    y_true = np.asarray(y_true)
    loss = getattr(losses, name)(y_true, y_pred, **options)
    assert loss.dtype == dtype
    exact = getattr(keras.losses, name)(y_true, y_pred.astype("float32"), **options)
    one_rounding = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(
        loss.astype("float32"), exact, rtol=one_rounding, atol=float(jnp.finfo(dtype).tiny)
    )


@pytest.mark.parametrize("dtype", HALVES)
def test_class_ids_beside_half_precision_give_float32(dtype):
    y_pred = jnp.array([[0.25, 0.75]], dtype)
    assert losses.sparse_categorical_crossentropy([1], y_pred).dtype == jnp.float32
    assert losses.ctc([[1]], jnp.zeros((1, 2, 2), dtype)).dtype == jnp.float32


@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_keeps_the_mask_of_what_does_not_count(dtype):
    alone = losses.circle([0, 1], jnp.eye(2, dtype=dtype), remove_diagonal=True)
    assert get_mask(alone) is not None


@pytest.mark.parametrize("reduction", ["mean", "sum_over_batch_size", "mean_with_sample_weight"])
def test_means_do_not_overflow_in_float16(reduction):
    values = jnp.full(70_000, 100, "float16")  # their sum, and their number, are infinite
    ones = jnp.ones(70_000, "float16")
    assert float(reduce_weighted_values(values, ones, reduction=reduction)) == 100
    loss = losses.MeanAbsoluteError(reduction, dtype="float16")
    assert loss(jnp.zeros((1000, 1)), jnp.full((1000, 1), 100.0), jnp.ones(1000)) == 100


def test_masks_of_more_values_than_float16_can_count():
    values = jnp.arange(70_000) % 2
    mask = values == 1
    mean = reduce_weighted_values(values.astype("float16"), mask=mask)
    assert (float(mean), mean.dtype) == (1.0, jnp.float16)


def test_sums_in_bfloat16_are_rounded_once():
    # One after the other they would stop at 256.
    assert float(reduce_weighted_values(jnp.ones(1000, "bfloat16"), reduction="sum")) == 1000
    weights = jnp.arange(1, 302)
    mean = reduce_weighted_values(
        jnp.ones(301, "bfloat16"), weights, reduction="mean_with_sample_weight"
    )
    assert float(mean) == 1


@pytest.mark.parametrize("function", [losses.dice, losses.tversky])
def test_regions_of_more_pixels_than_float16_can_count(function):
    full = jnp.ones((300, 300), "float16")
    assert float(function(full, full)) == pytest.approx(0, abs=1e-3)
    assert float(function(jnp.zeros((300, 300)), full)) == 1


def test_norms_beyond_float16_still_have_a_direction():
    vector = jnp.full((1, 2), 300, "float16")  # 300^2 is infinite
    assert float(losses.cosine_similarity(vector, vector)[0]) == pytest.approx(-1, abs=1e-3)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("loss", [
    losses.BinaryCrossentropy(), losses.BinaryFocalCrossentropy(), losses.CategoricalCrossentropy(),
    losses.CategoricalFocalCrossentropy(), losses.KLDivergence(), losses.Poisson(),
], ids=lambda loss: loss.name)  # fmt: skip
def test_saturated_probabilities_have_finite_gradients(dtype, loss):
    y_pred = jnp.eye(3, dtype=dtype)
    fn = loss.fn
    gradient = jax.grad(lambda y: jnp.sum(fn(jnp.roll(jnp.eye(3), 1, 0), y)))(y_pred)
    assert gradient.dtype == dtype
    # 1 / epsilon itself is more than float16 can hold; NaN would spread to every weight.
    assert not np.isnan(gradient.astype("float32")).any()


@pytest.mark.parametrize("dtype", HALVES)
def test_a_loss_in_half_precision_returns_it(dtype):
    loss = losses.MeanSquaredError(dtype=dtype)
    assert loss.dtype == dtype
    value = loss([[1.0, 2.0]], [[2.0, 4.0]], sample_weight=[0.5])
    assert (float(value), value.dtype) == (1.25, dtype)
