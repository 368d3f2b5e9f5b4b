"""Wrong targets, shapes and functions: an error that says what to do, at trace time where shapes
are enough, else from host checks.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import losses
from fkeras.errors import UnknownNameError, UserInputError, UserTypeError
from fkeras.losses.target_checks import check_targets

PROBABILITIES = np.full((4, 3), 1 / 3, "float32")

# loss, targets, shape of the output, words of the message
TARGETS = {
    "B001 one-hot": (
        "sparse_categorical_crossentropy",
        np.eye(3)[[0, 1, 2, 0]],
        (None, 3),
        r"shape \(4, 3\).*categorical_crossentropy.*argmax",
    ),
    "B002 ids": (
        "categorical_crossentropy",
        np.array([0, 1, 2, 0]),
        (None, 3),
        r"\(4,\).*sparse_categorical_crossentropy.*to_categorical\(y, 3\)",
    ),
    "B002 column of ids": (
        "categorical_crossentropy",
        np.array([[0], [1], [2], [0]]),
        (None, 3),
        "sparse_categorical_crossentropy",
    ),
    "B004 too big": (
        "sparse_categorical_crossentropy",
        np.array([0, 2, 7, 1]),
        (None, 3),
        r"\[0, 3\).*7 in row 2.*8 units",
    ),
    "B004 negative": (
        "sparse_categorical_crossentropy",
        np.array([0, -1, 2, 1]),
        (None, 3),
        r"-1 in row 1.*ignore_class=-1",
    ),
    "B005 one-based": (
        "sparse_categorical_crossentropy",
        np.array([1, 2, 3, 1]),
        (None, 3),
        "3 in row 2. The labels look one-based",
    ),
    "B007 fractions": (
        "sparse_categorical_crossentropy",
        np.array([0.0, 0.7, 1.7, 1.0]),
        (None, 3),
        "whole numbers.*0.7 in row 1",
    ),
    "B007 NaN": (
        "sparse_categorical_crossentropy",
        np.array([0.0, np.nan, 1.0, 1.0]),
        (None, 3),
        "whole numbers.*nan in row 1",
    ),
    "B008 three classes": (
        "binary_crossentropy",
        np.array([0, 1, 2, 1]),
        (None, 1),
        r"\[0, 1\].*2 in row 2.*3 units",
    ),
    "B010 8-bit": (
        "binary_crossentropy",
        np.array([[0], [255], [0], [255]], "uint8"),
        (None, 1),
        r"255 in row 1.*divide by 255",
    ),
    "B010 8-bit overlap": ("dice", np.array([0, 255, 0, 255]), (None, 1), "divide by 255"),
    "B008 ids of regions": ("tversky", np.array([0, 1, 2, 1]), (None, 1), r"\[0, 1\].*2 in row 2"),
    "B008 ids at margins": ("hinge", np.array([0, 1, 2, 1]), (None, 1), "-1 and 1.*2 in row 2"),
    "B008 mixed signs": ("squared_hinge", np.array([-1, 1, 0, 1]), (None, 1), "0 in row 2"),
    "signs": ("binary_crossentropy", np.array([1, -1, 1, -1]), (None, 1), r"\(y \+ 1\) / 2"),
    "B016 time": ("mse", np.zeros((4, 7)), (None, 1), r"\(4, 7\).*\(4, 1\)"),
    "B017 width": ("mae", np.zeros((4, 2)), (None, 3), r"\(4, 2\).*\(4, 3\)"),
    "pixels": (
        "sparse_categorical_crossentropy",
        np.array([[0, 1], [3, 0]]),
        (None, 2, 3),
        r"3 in row 1",
    ),
    "ctc": ("ctc", np.array([[1, 5]]), (None, 9, 5), r"\[0, 5\).*blank"),
}


@pytest.mark.parametrize(("loss", "y_true", "shape", "words"), TARGETS.values(), ids=TARGETS)
def test_targets_that_cannot_be_right_are_refused(loss, y_true, shape, words):
    function = losses.get(loss)
    for asked in (function, losses.LossFunctionWrapper(function)):
        with pytest.raises(
            UserInputError, match=f"^Loss '{function.__name__}' of output 'head': .*{words}"
        ):
            check_targets(asked, y_true, shape, "head")


@pytest.mark.parametrize(("loss", "y_true", "shape"), [
    ("mse", np.zeros(4), (None, 1)),
    ("mse", np.zeros((4, 5, 1)), (None, 5)),
    ("sparse_categorical_crossentropy", np.array([[0], [1], [2], [0]]), (None, 3)),
    ("sparse_categorical_crossentropy", np.array([0.0, 1.0, 2.0, 0.0]), (None, 3)),
    ("binary_crossentropy", np.array([True, False, True, True]), (None, 1)),
    ("binary_crossentropy", np.array([0.0, 0.2, 1.0, 0.5]), (None, 1)),
    ("categorical_crossentropy", np.eye(3), (None, 3)),
    ("hinge", np.array([-1, 1, 1, -1]), (None, 1)),
    ("squared_hinge", np.array([0.0, 1.0, 1.0, 0.0]), (None, 1)),
    ("tversky", np.array([0.0, 0.2, 1.0, 0.5]), (None, 1)),
    (lambda y_true, y_pred: 0.0, np.array([7]), (None, 1)),
    ("sparse_categorical_crossentropy", np.array(["a", "b"]), (None, 3)),
    ("sparse_categorical_crossentropy", jnp.array([99]), (None, 3)),
    ("mse", np.zeros((0, 1)), (None, 1)),
    ("binary_crossentropy", np.array([1.04, -0.1, 1.2, 0.7]), (None, 1)),  # noise on labels
])  # fmt: skip
def test_good_targets_and_what_cannot_be_checked_pass(loss, y_true, shape):
    assert check_targets(losses.get(loss), y_true, shape) is None


def test_targets_that_do_not_count_may_be_anything():
    y_true, loss = np.array([0, -1, 2]), losses.SparseCategoricalCrossentropy()
    check_targets(loss, y_true, (None, 3), sample_weight=np.array([1.0, 0.0, 1.0]))
    check_targets(losses.SparseCategoricalCrossentropy(ignore_class=-1), y_true, (None, 3))
    with pytest.raises(UserInputError, match="-1 in row 1"):
        check_targets(loss, y_true, (None, 3), sample_weight=np.array([0.0, 1.0, 1.0]))


def test_targets_along_another_class_axis_are_understood():
    check_targets(losses.SparseCategoricalCrossentropy(axis=1), np.zeros((2, 4), int), (None, 3, 4))
    with pytest.raises(UserInputError, match="3 in row 0"):
        check_targets(
            losses.SparseCategoricalCrossentropy(axis=1), np.full((2, 4), 3), (None, 3, 4)
        )


SHAPES = [
    ("mean_squared_error", (4, 7), (4, 1)),  # B016
    ("mean_squared_error", (4, 2), (4, 3)),  # B017
    ("mean_absolute_error", (4,), (4, 3)),
    ("huber", (1, 3), (4, 3)),
    ("cosine_similarity", (4, 1), (4, 3)),
    ("hinge", (4, 1), (4, 3)),
    ("kl_divergence", (4, 1), (4, 3)),
    ("poisson", (3,), (4, 3)),
    ("dice", (4, 1), (4, 3)),
    ("binary_crossentropy", (4, 1), (4, 3)),
    ("categorical_crossentropy", (4,), (4, 3)),
    ("sparse_categorical_crossentropy", (4, 3), (4, 3)),
    ("sparse_categorical_crossentropy", (3,), (4, 3)),
    ("categorical_generalized_cross_entropy", (4, 3), (4, 3)),
]


@pytest.mark.parametrize(("name", "true", "pred"), SHAPES)
def test_shapes_that_do_not_fit_are_an_error_at_trace_time(name, true, pred):
    options = {"q": 0.5} if "generalized" in name else {}

    def trace():
        jax.eval_shape(
            lambda t, p: getattr(losses, name)(t, p, **options),
            jnp.zeros(true, int),
            jnp.zeros(pred),
        )

    with pytest.raises(UserInputError, match=name) as caught:
        trace()
    assert all(str(shape) in str(caught.value) for shape in (true, pred))
    assert len(str(caught.value).splitlines()) < 5


def test_predictions_of_one_column_never_meet_targets_of_one_row():  # B019, B035
    y = np.arange(4.0)
    for name in ("mean_squared_error", "hinge", "poisson", "log_cosh", "binary_crossentropy"):
        assert getattr(losses, name)(y / 4, (y / 4)[:, None]).shape == (4,)
    seen = []

    def custom(y_true, y_pred):
        seen.append((y_true.shape, y_true.dtype))
        return jnp.mean(jnp.square(y_true - y_pred), axis=-1)

    assert losses.LossFunctionWrapper(custom)(np.arange(4), y[:, None]) == 0
    assert seen == [((4, 1), jnp.float32)]


def test_fractions_beside_integer_predictions_are_not_cut_off():
    assert float(losses.mean_squared_error([0.5], [1])) == 0.25


def test_a_loss_function_that_returns_none_is_named():  # B022
    def forgetful(y_true, y_pred):
        jnp.mean(y_true - y_pred)

    with pytest.raises(UserInputError, match="loss fn forgetful returned None"):
        losses.LossFunctionWrapper(forgetful)([[1.0]], [[1.0]])


@pytest.mark.parametrize("make", [
    lambda: losses.MeanSquaredError(reduction="average"),
    lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0),
    lambda: losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]], axis=True),
    lambda: losses.ctc([1, 2], np.zeros((1, 3, 3))),
    lambda: losses.Huber(delta=0.0)([[1.0]], [[2.0]]),
    lambda: losses.CategoricalCrossentropy(label_smoothing=2.0)([[0.0, 1.0]], [[0.5, 0.5]]),
    lambda: losses.BinaryCrossentropy(label_smoothing=-0.1)([[1.0]], [[0.5]]),
])  # fmt: skip
def test_arguments_out_of_range_are_refused(make):
    with pytest.raises(UserInputError, match="Received"):
        make()


def test_what_is_no_loss_at_all_is_refused():
    with pytest.raises(UserTypeError, match=r"loss identifier: 3 \(of type int\)"):
        losses.get(3)


def test_a_softmax_of_one_unit_is_warned_of():  # B014
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        losses.categorical_crossentropy([[1.0], [1.0]], [[1.0], [1.0]])


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(
        UnknownNameError,
        match="Unknown loss 'mean_squarred_error'. Did you mean 'mean_squared_error'",
    ):
        losses.get("mean_squarred_error")


SUMS = [
    ([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]], None),
    ([[1, 0, 0], [0, 0, 0]], None),  # a row of zeros is left out
    ([[0.334, 0.333, 0.332]], None),  # rounded
    ([[2, 0, 0]], "add up to 2 in row 0.*sparse_categorical_crossentropy"),
    ([[1, 0, 0], [1, 0, 1]], "add up to 2 in row 1.*binary_crossentropy"),
    ([[0.9, 0.9, 0.9]], "add up to 2.7 in row 0.*Divide each row by its sum"),
]


@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "CategoricalFocalCrossentropy"])
@pytest.mark.parametrize(("rows", "words"), SUMS)
def test_weights_of_classes_that_do_not_add_up_to_one_are_told(name, rows, words):
    loss, targets = getattr(losses, name)(), np.array(rows, "float32")
    if words is None:
        check_targets(loss, targets, (None, 3))  # warnings are errors
        return
    with pytest.warns(UserWarning, match=f"probabilities of the classes.*{words}"):
        check_targets(loss, targets, (None, 3))
    weights = np.zeros(len(targets))
    check_targets(loss, targets, (None, 3), sample_weight=weights)
