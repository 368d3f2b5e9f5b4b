"""Every loss against Keras: values, gradients, half precision, jit, reductions, configs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import losses

rng = np.random.default_rng(0)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


LOGITS = rng.normal(size=(4, 3)).astype("float32")
PROBABILITIES = softmax(LOGITS).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[[0, 2, 1, 1]]
IDS = np.array([0, 2, 1, 1])
BITS = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 1], [0, 0, 0]])
REAL = rng.normal(size=(4, 3)).astype("float32")
IMAGE, MASK = rng.uniform(size=(4, 2, 3)).astype("float32"), rng.integers(0, 2, (4, 2, 3))
UNIT = (REAL / np.linalg.norm(REAL, axis=-1, keepdims=True)).astype("float32")
SEQUENCE, LABELS = (
    rng.normal(size=(4, 6, 5)).astype("float32"),
    np.array([[1, 2, 0], [3, 3, 4], [1, 0, 0], [4, 1, 2]]),
)
CLASS_FIRST = np.moveaxis(softmax(rng.normal(size=(4, 2, 5))), 2, 1).astype("float32")

# name of the class, name of the function, options, targets, predictions
ROWS = [
    ("MeanSquaredError", "mean_squared_error", {}, REAL, LOGITS),
    ("MeanAbsoluteError", "mean_absolute_error", {}, REAL, LOGITS),
    ("MeanAbsolutePercentageError", "mean_absolute_percentage_error", {}, REAL, LOGITS),
    (
        "MeanSquaredLogarithmicError",
        "mean_squared_logarithmic_error",
        {},
        np.exp(REAL),
        np.exp(LOGITS),
    ),
    ("Huber", "huber", {}, REAL, LOGITS),
    ("Huber", "huber", {"delta": 0.3}, REAL, LOGITS),
    ("LogCosh", "log_cosh", {}, REAL, LOGITS),
    ("CosineSimilarity", "cosine_similarity", {}, REAL, LOGITS),
    ("CosineSimilarity", "cosine_similarity", {"axis": 1}, MASK.astype("float32"), IMAGE),
    ("Hinge", "hinge", {}, 2 * BITS - 1, LOGITS),
    ("Hinge", "hinge", {}, BITS, LOGITS),
    ("SquaredHinge", "squared_hinge", {}, BITS, LOGITS),
    ("CategoricalHinge", "categorical_hinge", {}, ONE_HOT, LOGITS),
    ("KLDivergence", "kl_divergence", {}, softmax(REAL), PROBABILITIES),
    ("Poisson", "poisson", {}, IDS[:, None] + BITS, np.exp(LOGITS)),
    ("BinaryCrossentropy", "binary_crossentropy", {}, BITS, PROBABILITIES),
    (
        "BinaryCrossentropy",
        "binary_crossentropy",
        {"from_logits": True, "label_smoothing": 0.2},
        BITS,
        LOGITS,
    ),
    ("BinaryCrossentropy", "binary_crossentropy", {"axis": 1}, MASK, IMAGE),
    ("BinaryCrossentropy", "binary_crossentropy", {}, BITS, BITS.astype("float32")),
    ("BinaryFocalCrossentropy", "binary_focal_crossentropy", {}, BITS, PROBABILITIES),
    (
        "BinaryFocalCrossentropy",
        "binary_focal_crossentropy",
        {
            "apply_class_balancing": True,
            "alpha": 0.4,
            "gamma": 1.5,
            "from_logits": True,
            "label_smoothing": 0.1,
        },
        BITS,
        LOGITS,
    ),
    ("CategoricalCrossentropy", "categorical_crossentropy", {}, ONE_HOT, PROBABILITIES),
    (
        "CategoricalCrossentropy",
        "categorical_crossentropy",
        {"from_logits": True, "label_smoothing": 0.2},
        ONE_HOT,
        LOGITS,
    ),
    (
        "CategoricalCrossentropy",
        "categorical_crossentropy",
        {"axis": 1},
        CLASS_FIRST,
        CLASS_FIRST[::-1].copy(),
    ),
    ("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", {}, ONE_HOT, PROBABILITIES),
    (
        "CategoricalFocalCrossentropy",
        "categorical_focal_crossentropy",
        {"alpha": [0.1, 0.5, 0.4], "gamma": 1.5, "from_logits": True, "label_smoothing": 0.1},
        ONE_HOT,
        LOGITS,
    ),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", {}, IDS, PROBABILITIES),
    (
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        {"from_logits": True},
        IDS[:, None],
        LOGITS,
    ),
    (
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        {"ignore_class": 1},
        IDS,
        PROBABILITIES,
    ),
    (
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        {"ignore_class": -1, "from_logits": True},
        np.array([[0, -1], [2, 1]]),
        LOGITS.reshape(2, 2, 3),
    ),
    (
        "CategoricalGeneralizedCrossEntropy",
        "categorical_generalized_cross_entropy",
        {"q": 0.7},
        IDS,
        PROBABILITIES,
    ),
    ("Dice", "dice", {}, MASK, IMAGE),
    ("Dice", "dice", {"axis": (1, 2)}, MASK, IMAGE),
    (
        "Tversky",
        "tversky",
        {"alpha": 0.7, "beta": 0.7},
        MASK,
        IMAGE,
    ),  # Keras 3.15 takes alpha and beta for each other
    ("Tversky", "tversky", {"axis": (1, 2)}, MASK, IMAGE),
    ("Circle", "circle", {}, IDS % 2, UNIT),
    ("Circle", "circle", {"gamma": 10.0, "margin": 0.2, "remove_diagonal": False}, IDS % 2, UNIT),
    ("CTC", "ctc", {}, LABELS, SEQUENCE),
]
NAMES = [f"{cls}-{i}" for i, (cls, *_) in enumerate(ROWS)]


@pytest.mark.parametrize(("cls", "function", "options", "y_true", "y_pred"), ROWS, ids=NAMES)
def test_function_equals_keras_in_value_gradient_and_half_precision(
    keras, cls, function, options, y_true, y_pred
):
    def everything(library):
        fn = getattr(library, function)

        def scalar(y_pred):
            loss = fn(y_true, y_pred, **options)
            return jnp.sum(
                loss * jnp.cos(jnp.arange(loss.size, dtype=loss.dtype)).reshape(loss.shape)
            )

        def run(y_pred):
            return (
                fn(y_true, y_pred, **options),
                jax.grad(scalar)(y_pred),
                fn(y_true, y_pred.astype("bfloat16"), **options),
            )

        return jax.jit(run)(y_pred)

    ours, theirs = everything(losses), everything(keras.losses)
    for mine, reference, tolerance in zip(ours, theirs, (1e-5, 1e-4, 3e-2)):
        assert (mine.shape, mine.dtype) == (reference.shape, reference.dtype)
        assert np.isfinite(np.float64(mine)).all()
        mine, reference = np.float64(mine), np.float64(reference)
        is_number = np.isfinite(reference)  # saturated bfloat16 probabilities are NaN in Keras
        np.testing.assert_allclose(
            mine[is_number], reference[is_number], rtol=tolerance, atol=tolerance
        )
    eager = getattr(losses, function)(y_true, y_pred, **options)
    np.testing.assert_allclose(eager, ours[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("cls", "function", "options", "y_true", "y_pred"), ROWS, ids=NAMES)
def test_class_equals_keras_and_comes_back_from_its_config(
    keras, cls, function, options, y_true, y_pred
):
    ours, theirs = getattr(losses, cls)(**options), getattr(keras.losses, cls)(**options)
    np.testing.assert_allclose(ours(y_true, y_pred), theirs(y_true, y_pred), rtol=1e-5, atol=1e-6)
    assert ours.name == theirs.name
    config = ours.get_config()
    assert config == getattr(losses, cls).from_config(config).get_config()
    again = losses.deserialize(losses.serialize(ours))
    assert type(again) is type(ours)
    np.testing.assert_allclose(again(y_true, y_pred), ours(y_true, y_pred))
    # Files travel: Keras reads our config, and we read Keras's.
    assert set(theirs.get_config()) <= set(config)
    np.testing.assert_allclose(
        getattr(keras.losses, cls).from_config(config)(y_true, y_pred), theirs(y_true, y_pred)
    )
    assert type(losses.deserialize(keras.losses.serialize(theirs))) is type(ours)


def test_functions_record_on_symbolic_tensors():
    x = fkeras.KerasTensor((None, 3))
    assert losses.mean_squared_error(x, x).shape == (None,)
    assert losses.MeanSquaredError()(x, x).shape == ()
    assert losses.sparse_categorical_crossentropy(
        fkeras.KerasTensor((None, 1), "int32"), x, from_logits=True
    ).shape == (None,)


def test_tversky_weighs_false_positives_by_alpha_and_false_negatives_by_beta():
    loss = losses.Tversky(alpha=0.2, beta=0.8)([[1.0, 1.0, 0.0, 0.0]], [[1.0, 0.0, 1.0, 1.0]])
    np.testing.assert_allclose(loss, 1 - 1 / (1 + 0.2 * 2 + 0.8 * 1), rtol=1e-6)


def test_a_dtype_of_its_own_is_part_of_the_config():
    loss = losses.MeanSquaredError(dtype="bfloat16")
    assert (
        losses.MeanSquaredError.from_config(loss.get_config())([[1.0]], [[2.0]]).dtype
        == jnp.bfloat16
    )
    assert "dtype" not in losses.MeanSquaredError().get_config()
