"""From losses to one number: reductions, weights and masks, against Keras; and what must not pass
silently.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import losses
from fkeras.core.values.masks import set_mask
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
Y_TRUE, Y_PRED = rng.normal(size=(2, 4, 3, 2)).astype("float32")
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
# Weights and masks for losses of shape (4, 3), where Keras and we agree on what they mean.
WEIGHTS = [
    None,
    2.5,
    rng.uniform(size=(4, 1)),
    rng.uniform(size=(4, 3)),
    np.zeros((4, 3)),
    rng.uniform(size=(4, 3, 1)),
]
MASKS = [None, rng.uniform(size=(4, 3)) > 0.5, np.zeros((4, 3), bool)]


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions_weights_and_masks_equal_keras(keras, reduction):
    ours, theirs = losses.MeanSquaredError(reduction), keras.losses.MeanSquaredError(reduction)
    for weights, mask in itertools.product(WEIGHTS, MASKS):
        y_pred = jnp.array(Y_PRED)
        if mask is not None:
            y_pred._keras_mask = jnp.array(mask)
        np.testing.assert_allclose(
            ours(Y_TRUE, y_pred, weights), theirs(Y_TRUE, y_pred, weights), rtol=1e-5, atol=1e-6
        )


def test_one_weight_per_example_weighs_its_whole_row():
    loss = losses.MeanSquaredError("none")
    weights = np.array([1.0, 0.0, 2.0])
    values = loss(Y_TRUE[:3], Y_PRED[:3])  # (3, 3): a weight per column would fit as well
    np.testing.assert_allclose(
        loss(Y_TRUE[:3], Y_PRED[:3], weights), values * weights[:, None], rtol=1e-6
    )


def test_a_column_of_weights_is_a_vector_of_weights():
    loss = losses.MeanSquaredError("none")
    weights = rng.uniform(size=4)
    y_true, y_pred = Y_TRUE[:, 0], Y_PRED[:, 0]
    assert loss(y_true, y_pred, weights[:, None]).shape == (4,)
    np.testing.assert_allclose(
        loss(y_true, y_pred, weights[:, None]), loss(y_true, y_pred, weights)
    )


@pytest.mark.parametrize("weights", [np.ones(3), np.ones((4, 2)), np.ones((4, 3, 2))])
def test_weights_that_fit_nothing_are_an_error_with_both_shapes(weights):
    with pytest.raises(
        UserInputError, match=r"sample_weight.*does not fit values of shape \(4, 3\)"
    ):
        losses.MeanSquaredError()(Y_TRUE, Y_PRED, weights)


def test_weights_of_a_loss_that_averaged_already_are_an_error():
    mean = losses.LossFunctionWrapper(lambda y_true, y_pred: jnp.mean(jnp.square(y_true - y_pred)))
    with pytest.raises(UserInputError, match="single number already.*one loss per example"):
        mean([[1.0], [2.0]], [[1.0], [3.0]], np.array([0.0, 1.0]))


def test_masks_travel_through_jit_to_the_loss():
    def masked(y_pred, mask):
        y_pred = y_pred + 0
        set_mask(y_pred, mask)
        return losses.MeanSquaredError()(Y_TRUE, y_pred)

    mask = np.array(MASKS[1])
    want = np.mean(np.mean(np.square(Y_TRUE - Y_PRED), -1)[mask])
    np.testing.assert_allclose(jax.jit(masked)(Y_PRED, mask), want, rtol=1e-5)


def test_ignored_classes_leave_the_mean_also_under_jit():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    y_true, y_pred = np.array([1, -1]), np.array([[0.5, 0.5], [0.9, 0.1]], "float32")
    for call in (loss, jax.jit(loss)):
        np.testing.assert_allclose(call(y_true, y_pred), np.log(2), rtol=1e-5)


def test_a_mask_of_nothing_gives_zero_and_finite_gradients():
    def masked(y_pred):
        y_pred = jnp.asarray(y_pred)
        set_mask(y_pred, jnp.zeros((4, 3), bool))
        return losses.MeanSquaredError()(Y_TRUE, y_pred)

    value, gradient = jax.value_and_grad(masked)(Y_PRED)
    assert value == 0
    assert not jnp.any(gradient)


def test_class_ids_stay_exact_in_narrow_dtypes():
    classes = 300
    logits = np.zeros((1, classes), "float32")
    logits[0, 257] = 20.0
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, dtype="bfloat16")
    assert float(loss(np.array([257]), logits)) < 1e-3  # bfloat16 has no 257


def test_a_circle_loss_without_partners_has_finite_gradients():
    y_pred = np.eye(4, 3, dtype="float32")
    gradient = jax.grad(lambda y: losses.Circle()(np.array([0, 1, 2, 2]), y))(y_pred)
    assert np.isfinite(gradient).all()


def test_generalized_crossentropy_of_a_probability_of_zero_has_finite_gradients():
    gradient = jax.grad(lambda p: losses.CategoricalGeneralizedCrossEntropy()([1, 0], p))(
        np.array([[1.0, 0.0], [0.5, 0.5]], "float32")
    )
    assert np.isfinite(gradient).all()
    assert jnp.any(gradient)


@pytest.mark.parametrize(
    "loss, expected",
    [
        (losses.MeanSquaredError(), [1.0, 4.0]),
        (losses.MeanAbsoluteError(), [1.0, 2.0]),
        (losses.Hinge(), [1.0, 0.0]),
        (losses.BinaryCrossentropy(from_logits=True), [np.log(2), np.log1p(np.exp(-3))]),
        (losses.mean_squared_error, [1.0, 4.0]),
    ],
)
def test_examples_of_one_value_under_vmap(loss, expected):
    y_true, y_pred = np.array([1.0, 1.0], "float32"), np.array([0.0, 3.0], "float32")
    np.testing.assert_allclose(jax.vmap(loss)(y_true, y_pred), expected, rtol=1e-5, atol=1e-6)
    assert loss(y_true[1], y_pred[1]).shape == ()
