"""Weights, axes and dtypes in every form that a caller may have them in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import losses
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
Y_TRUE, Y_PRED = rng.uniform(size=(2, 4, 3)).astype("float32")
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
FORMS = {
    "vector": np.array([0.5, 0.0, 2.0, 1.0], "float32"),
    "integers": np.array([1, 0, 2, 1]),
    "booleans": np.array([True, False, True, True]),
    "list": [0.5, 0.0, 2.0, 1.0],
    "number": 3,
    "float16": np.array([0.5, 0.0, 2.0, 1.0], "float16"),
    "jax": jnp.array([0.5, 0.0, 2.0, 1.0]),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_weights_of_any_form_equal_keras(keras, reduction, form):
    weights = FORMS[form]
    for cls in ("MeanAbsoluteError", "BinaryCrossentropy"):
        ours = getattr(losses, cls)(reduction=reduction)(Y_TRUE, Y_PRED, weights)
        theirs = getattr(keras.losses, cls)(reduction=reduction)(Y_TRUE, Y_PRED, weights)
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_per_position_take_weights_per_example_and_per_position(reduction):
    y_true, y_pred = rng.normal(size=(2, 2, 3, 4))
    each = np.mean(np.square(y_true - y_pred), axis=-1)  # (2, 3)
    loss = losses.MeanSquaredError(reduction)
    for weights in (np.array([1.0, 3.0]), np.array([[1.0], [3.0]]), rng.uniform(size=(2, 3))):
        full = np.broadcast_to(weights.reshape(2, -1), (2, 3))
        want = {
            "sum": np.sum(each * full),
            "mean": np.mean(each * full),
            "sum_over_batch_size": np.mean(each * full),
            # Weights count as often as they were given, not as often as they are used.
            "mean_with_sample_weight": np.sum(each * full) / np.sum(weights),
        }.get(reduction, each * full)
        np.testing.assert_allclose(loss(y_true, y_pred, weights), want, rtol=1e-5)


@pytest.mark.parametrize("reduction", ["mean_with_sample_weight", "mean"])
def test_weights_of_nothing_give_zero_and_finite_gradients(reduction):
    loss = losses.MeanSquaredError(reduction)
    value, gradient = jax.value_and_grad(lambda y: loss(Y_TRUE, y, np.zeros(4)))(Y_PRED)
    assert value == 0
    assert not np.any(gradient)


@pytest.mark.parametrize("name", [
    "MeanSquaredError", "Huber", "Hinge", "Poisson", "BinaryCrossentropy",
    "CategoricalCrossentropy", "KLDivergence", "CosineSimilarity", "LogCosh",
])  # fmt: skip
def test_an_empty_batch_has_loss_zero(name):
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight"):
        loss = getattr(losses, name)(reduction=reduction)
        assert float(loss(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))) == 0


@pytest.mark.parametrize("axis", [-1, 1, -2])
@pytest.mark.parametrize("from_logits", [False, True])
def test_sparse_targets_along_any_axis_are_the_dense_ones(axis, from_logits):
    y_pred = rng.uniform(0.1, 1, size=(2, 3, 3)).astype("float32")
    ids = rng.integers(0, 3, (2, 3))
    one_hot = np.moveaxis(np.eye(3)[ids], -1, axis)
    sparse = losses.sparse_categorical_crossentropy(ids, y_pred, from_logits=from_logits, axis=axis)
    dense = losses.categorical_crossentropy(one_hot, y_pred, from_logits=from_logits, axis=axis)
    np.testing.assert_allclose(sparse, dense, rtol=1e-6)


def test_what_is_ignored_may_have_predictions_of_nan():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=0, from_logits=True)
    y_pred = np.array([[0.0, 0.0], [np.nan, np.nan]], "float32")
    value, gradient = jax.value_and_grad(lambda y: loss(np.array([1, 0]), y))(y_pred)
    assert float(value) == pytest.approx(np.log(2), rel=1e-5)
    np.testing.assert_allclose(gradient, [[0.5, -0.5], [0, 0]], atol=1e-6)


@pytest.mark.parametrize("axis", [None, 1, (1, 2), [1, 2], -1])
@pytest.mark.parametrize(("name", "options"), [
    ("Dice", {}), ("Tversky", {"alpha": 0.3, "beta": 0.3}),
])  # fmt: skip
def test_regions_along_axes_equal_keras_and_come_back_from_json(keras, name, options, axis):
    y_true, y_pred = rng.integers(0, 2, (2, 3, 4)), rng.uniform(size=(2, 3, 4)).astype("float32")
    ours = getattr(losses, name)(axis=axis, reduction="none", **options)
    theirs = getattr(keras.losses, name)(
        axis=tuple(axis) if isinstance(axis, list) else axis, reduction="none", **options
    )
    np.testing.assert_allclose(ours(y_true, y_pred), theirs(y_true, y_pred), rtol=1e-5)
    config = ours.get_config()
    config["axis"] = list(axis) if isinstance(axis, tuple) else axis
    again = type(ours).from_config(config)
    np.testing.assert_array_equal(again(y_true, y_pred), ours(y_true, y_pred))


def test_the_alignment_of_labels_is_summed_over_by_hand():
    # Labels [1] over two steps: (1, 1), (blank, 1), (1, blank).
    logits = np.log(np.array([[[0.6, 0.4], [0.3, 0.7]]], "float32"))
    probability = 0.4 * 0.7 + 0.6 * 0.7 + 0.4 * 0.3
    np.testing.assert_allclose(losses.ctc([[1]], logits), [-np.log(probability)], rtol=1e-5)
    # Padding (0) is no label.
    np.testing.assert_allclose(losses.ctc([[1, 0]], logits), [-np.log(probability)], rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_smoothed_targets_are_between_themselves_and_the_middle(smoothing):
    p = np.array([[0.2, 0.3, 0.5]], "float32")
    y = np.array([[0.0, 1.0, 0.0]])
    soft = y * (1 - smoothing) + smoothing / 3
    np.testing.assert_allclose(
        losses.categorical_crossentropy(y, p, label_smoothing=smoothing),
        -np.sum(soft * np.log(p), -1),
        rtol=1e-5,
    )
    soft = y * (1 - smoothing) + smoothing / 2
    np.testing.assert_allclose(
        losses.binary_crossentropy(y, p, label_smoothing=smoothing),
        -np.mean(soft * np.log(p) + (1 - soft) * np.log(1 - p), -1),
        rtol=1e-5,
    )


def test_an_abstract_loss_names_itself_and_what_is_missing():
    class Unfinished(losses.Loss):
        pass

    with pytest.raises(NotImplementedError, match=r"Unfinished must define `call\(y_true, y_pred"):
        Unfinished()([1.0], [1.0])


def test_a_loss_that_computes_with_numpy_says_what_to_use_instead():
    def numeric(y_true, y_pred):
        return np.mean(np.abs(y_true - y_pred), axis=-1)

    loss = losses.LossFunctionWrapper(numeric)
    with pytest.raises(UserInputError, match="'numeric' hands its arguments to NumPy"):
        jax.grad(lambda y: loss(Y_TRUE, y))(Y_PRED)
