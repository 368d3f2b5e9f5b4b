"""The loss of `compile` against the outputs of a model."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError, UserTypeError
from fkeras.training.compiled_loss import CompiledLoss, binary_or_sparse, resolve

Y, P = np.array([[1.0], [3.0]], "float32"), np.array([[2.0], [1.0]], "float32")
MSE, MAE = 2.5, 1.5  # mean of 1, 4 and of 1, 2


@pytest.mark.parametrize(
    ("loss", "weights", "expected"),
    [
        ("mse", None, MSE),
        (["mse", "mae"], None, MSE + MAE),
        (["mse", "mae"], [2.0, 10.0], 2 * MSE + 10 * MAE),
        ("mse", 3.0, 3 * MSE),
        ("mse", {"out": 3.0}, 3 * MSE),
        ({"out": "mae"}, None, MAE),
        (lambda y_true, y_pred: jnp.abs(y_true - y_pred)[:, 0], None, MAE),  # one an example
    ],
)
def test_a_single_output(loss, weights, expected):
    compiled = CompiledLoss(loss, weights, output_names=["out"])
    assert float(compiled(Y, P)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("loss", "weights", "expected"),
    [
        ("mse", None, 2 * MSE),
        (["mse", "mae"], [1.0, 2.0], MSE + 2 * MAE),
        ({"a": "mse", "b": "mae"}, {"b": 2.0}, MSE + 2 * MAE),
        (["mse", None], None, MSE),
        ({"a": None, "b": ["mae", "mse"]}, None, MAE + MSE),
        ([["mse", "mae"], ["mae"]], [[1.0, 2.0], [5.0]], MSE + 2 * MAE + 5 * MAE),
    ],
)
def test_several_outputs(loss, weights, expected):
    compiled = CompiledLoss(loss, weights, output_names=["a", "b"])
    assert float(compiled([Y, Y], [P, P])) == pytest.approx(expected)


def test_each_of_several_losses_has_a_tracker():
    compiled = CompiledLoss(["mse", "mae"], output_names=["a", "b"])
    assert not compiled.built and compiled.metrics == []
    compiled([Y, Y], [P, P])
    compiled([Y, Y], [Y, Y])
    results = {m.name: float(m.result()) for m in compiled.metrics}
    assert results == pytest.approx({"a_loss": MSE / 2, "b_loss": MAE / 2})


def test_equal_losses_of_outputs_without_names_have_trackers_of_their_own():
    compiled = CompiledLoss("mse", [1.0, 2.0])
    assert float(compiled([Y, Y], [P, Y])) == pytest.approx(MSE)
    found = {tracker.name: float(tracker.result()) for tracker in compiled.metrics}
    assert found == {"mse_loss": pytest.approx(MSE), "mse_loss_1": 0.0}


def test_sample_weights_go_to_their_outputs():
    compiled = CompiledLoss("mae", output_names=["a", "b"])
    both = float(compiled([Y, Y], [P, P], np.array([1.0, 0.0])))
    assert both == pytest.approx(2 * 0.5)  # the sum is divided by the number of rows
    weights = [np.array([1.0, 0.0]), np.array([0.0, 0.0])]
    assert float(compiled([Y, Y], [P, P], weights)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("mze",), ValueError, "mse"),
        ((3,), UserTypeError, "`loss` must be a name, a Loss object or a function"),
        (("mse", "much"), UserInputError, "Expected `loss_weights` argument to be a float"),
    ],
)
def test_what_is_no_loss_fails_at_once(arguments, error, words):
    with pytest.raises(error, match=words):
        CompiledLoss(*arguments)


@pytest.mark.parametrize(
    ("loss", "weights", "words"),
    [
        ({"a": "mse"}, None, r"no entry for the outputs \['b'\]"),
        ([None, None], None, "gives no output a loss"),
        (["mse", "mse"], [1.0], "got 2 losses and 1 weights"),
        (["mse"], None, "`loss` has 1 entries"),
    ],
)
def test_what_does_not_fit_the_outputs_fails_when_they_are_known(loss, weights, words):
    with pytest.raises(UserInputError, match=words):
        CompiledLoss(loss, weights, output_names=["a", "b"]).build([Y, Y], [P, P])


@pytest.mark.parametrize(
    ("loss", "weights", "words"),
    [
        ("mse", [1.0, 2.0], "got 1 losses and 2 weights"),
        (["mse", "mae"], [1.0], "got 2 losses and 1 weights"),
        ("mse", {"other": 2.0}, "key 'other' does not correspond to any"),
    ],
)
def test_weights_of_the_losses_of_one_output_are_as_many(loss, weights, words):
    with pytest.raises(UserInputError, match=words):
        CompiledLoss(loss, weights, output_names=["out"]).build(Y, P)


@pytest.mark.parametrize(
    ("weights", "words"), [([1.0, -2.0], "holds -2"), ([0.0, 0], "are all 0"), ([0, 1.0], None)]
)
def test_weights_that_train_nothing_or_the_reverse_are_told(weights, words):
    compiled = CompiledLoss(["mse", "mae"], weights, output_names=["a", "b"])
    if words is None:
        compiled.build([Y, Y], [P, P])  # warnings are errors
        return
    with pytest.warns(UserWarning, match=f"`loss_weights` {words}"):
        compiled.build([Y, Y], [P, P])


def test_an_output_with_a_loss_needs_targets():
    compiled = CompiledLoss("mse", output_names=["a", "b"])
    compiled.build([Y, Y], [P, P])
    with pytest.raises(UserInputError, match="output 'b' has the loss .* but no targets"):
        compiled({"a": Y}, [P, P])


@pytest.mark.parametrize(
    ("true_shape", "pred_shape", "expected"),
    [
        ((4, 1), (4, 1), "binary_crossentropy"),
        ((4,), (4, 3), "sparse_categorical_crossentropy"),
        ((4, 1), (4, 3), "sparse_categorical_crossentropy"),
        ((4, 3), (4, 3), "categorical_crossentropy"),
    ],
)
def test_crossentropy_goes_by_the_shapes(true_shape, pred_shape, expected):
    y_true, y_pred = np.zeros(true_shape), np.zeros(pred_shape)
    assert resolve("crossentropy", y_true, y_pred).fn.__name__ == expected
    is_binary, is_sparse = binary_or_sparse(y_true, y_pred)
    assert is_binary is (expected[0] == "b") and (is_binary or is_sparse is (expected[0] == "s"))


def test_a_loss_object_stays_itself_and_names_are_told():
    loss = fkeras.losses.Huber()
    assert resolve(loss, Y, P) is loss
    compiled = CompiledLoss(loss)
    compiled.build(Y, P)
    assert "huber" in compiled.described().lower()
