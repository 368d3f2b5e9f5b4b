"""The metrics of `compile` against the outputs and losses of a model."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError, UserTypeError
from fkeras.training.compiled_loss import CompiledLoss
from fkeras.training.compiled_metrics import CompiledMetrics

Y, P = np.array([[1.0], [3.0]], "float32"), np.array([[2.0], [1.0]], "float32")


def built(metrics, weighted=None, names=("a", "b"), y=None, p=None, loss=None):
    y = [Y] * len(names) if y is None else y
    p = [P] * len(names) if p is None else p
    if loss is not None:
        loss = CompiledLoss(loss, output_names=names)
        loss.build(y, p)
    compiled = CompiledMetrics(metrics, weighted, output_names=names, loss=loss)
    compiled.build(y, p)
    return compiled


@pytest.mark.parametrize(
    ("metrics", "weighted", "expected"),
    [
        (["mae"], None, ["a_mae", "b_mae"]),  # each output has them all
        (["mae", "mse"], None, ["a_mae", "b_mse"]),  # one for each
        ([["mae", "mse"], None], None, ["a_mae", "a_mse"]),
        ({"b": ["mae"]}, None, ["b_mae"]),
        (None, ["mae"], ["a_mae", "b_mae"]),
        (["mae"], ["mae"], ["a_mae", "b_mae", "a_weighted_mae", "b_weighted_mae"]),
    ],
)
def test_names_say_which_output_and_never_repeat(metrics, weighted, expected):
    assert built(metrics, weighted).names == expected


def named(name):
    return fkeras.metrics.MeanAbsoluteError(name=name)


@pytest.mark.parametrize(
    ("metrics", "expected", "told"),
    [
        ({"a": ["mae", "mae"]}, ["a_mae", "a_mae_1"], "'a_mae'.*as 'a_mae_1'"),
        (
            {"a": [named("m"), named("m")]},
            ["a_m", "a_m_1"],
            "MeanAbsoluteError is shown as 'a_m_1'",
        ),
        ({"b": [named("loss")]}, ["b_loss_1"], "'b_loss'"),  # which is the loss of the output
    ],
)
def test_results_of_one_name_are_told_and_numbered(metrics, expected, told):
    with pytest.warns(UserWarning, match=f"would be called .*{told}.*`name=...`"):
        assert built(metrics, loss="mse").names == expected


def test_a_metric_called_loss_does_not_take_its_place():
    with pytest.warns(UserWarning, match="'loss_1'"):
        assert built([named("loss")], names=("a",), y=Y, p=P, loss="mse").names == ["loss_1"]


def test_functions_without_a_name_are_only_numbered():  # warnings are errors
    functions = [lambda t, p: p, lambda t, p: t]
    assert built(functions, names=("a",), y=Y, p=P).names == ["lambda", "lambda_1"]


def test_a_single_output_needs_no_name():
    compiled = built(["mae", ["mse"]], names=("out",), y=Y, p=P)
    assert compiled.names == ["mae", "mse"]


def test_results_by_name_with_weights_only_where_asked():
    compiled = built(["mae"], ["mae"], names=("out",), y=Y, p=P)
    compiled.update_state(Y, P, np.array([1.0, 0.0]))
    results = {name: float(value) for name, value in compiled.result().items()}
    assert results == {"mae": 1.5, "weighted_mae": 1.0}
    compiled.reset_state()
    assert float(compiled.result()["mae"]) == 0


def test_an_output_without_targets_is_left_out():
    compiled = built({"a": "mae"})
    compiled.update_state([Y, None], [P, P])
    assert float(compiled.result()["a_mae"]) == 1.5


@pytest.mark.parametrize(
    ("name", "loss", "targets", "outputs", "expected"),
    [
        ("accuracy", None, (4, 1), (4, 1), "BinaryAccuracy"),
        ("acc", None, (4,), (4, 3), "SparseCategoricalAccuracy"),
        ("accuracy", None, (4, 3), (4, 3), "CategoricalAccuracy"),
        ("accuracy", "binary_crossentropy", (4, 3), (4, 3), "BinaryAccuracy"),  # many labels
        ("crossentropy", None, (4, 1), (4, 1), "BinaryCrossentropy"),
        ("ce", None, (4,), (4, 3), "SparseCategoricalCrossentropy"),
        ("ce", None, (4, 3), (4, 3), "CategoricalCrossentropy"),
    ],
)
def test_accuracy_goes_by_the_loss_and_the_shapes(name, loss, targets, outputs, expected):
    y, p = np.zeros(targets, "float32"), np.zeros(outputs, "float32")
    compiled = built([name], names=("out",), y=y, p=p, loss=loss)
    assert type(compiled.metrics[0]).__name__ == expected and compiled.names == [name]


@pytest.mark.parametrize("loss", ["hinge", fkeras.losses.SquaredHinge()])
def test_accuracy_beside_a_hinge_loss_is_of_signs(loss):
    p = np.array([[0.2], [-0.1], [0.6], [-2.0]], "float32")
    for low in (-1, 0):
        y = np.array([[1], [1], [low], [low]], "float32")
        compiled = built(["accuracy"], names=("out",), y=y, p=p, loss=loss)
        compiled.update_state(y, p)
        assert float(compiled.result()["accuracy"]) == 0.5


@pytest.mark.parametrize("kind", [fkeras.metrics.Mean, fkeras.metrics.Sum])
def test_metrics_of_values_take_no_pairs(kind):
    with pytest.raises(UserInputError, match=f"{kind.__name__} averages or adds up values"):
        built([kind()])

    class Own(kind):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(y_pred)

    assert type(built([Own()], names=("out",), y=Y, p=P).metrics[0]) is Own


class Unweighted(fkeras.metrics.Mean):
    def update_state(self, y_true, y_pred):
        super().update_state(y_pred)

    def result(self):
        super().result()


def test_methods_of_metrics_that_lack_an_argument_or_a_return_are_named():
    with pytest.raises(UserTypeError, match="takes no weights.*sample_weight=None.*`metrics`"):
        built(None, [Unweighted()], names=("out",), y=Y, p=P)
    compiled = built([Unweighted()], names=("out",), y=Y, p=P)
    with pytest.raises(
        UserInputError, match="`result` of metric 'mean' .Unweighted. returned None"
    ):
        compiled.result()


def test_logits_have_another_threshold():
    loss = fkeras.losses.BinaryCrossentropy(from_logits=True)
    compiled = built(["accuracy"], names=("out",), y=Y, p=P, loss=loss)
    assert compiled.metrics[0].threshold == 0.0


def test_a_metric_makes_its_state_when_shapes_are_known():
    metric = fkeras.metrics.AUC(multi_label=True, num_thresholds=3)
    y = jax.ShapeDtypeStruct((4, 2), "float32")
    compiled = built([metric], names=("out",), y=y, p=y)
    assert compiled.variables and compiled.built


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mae", None), "Expected `metrics` argument to be a list"),
        ((None, "mae"), "Expected `weighted_metrics` argument to be a list"),
        ((["maee"], None), "mae"),
    ],
)
def test_what_is_no_metric_fails_at_once(arguments, words):
    with pytest.raises(ValueError, match=words):
        CompiledMetrics(*arguments)


def test_lists_for_another_number_of_outputs_are_refused():
    with pytest.raises(UserInputError, match="`metrics` has 3 entries, but the model has 2"):
        built([["mae"], ["mae"], ["mae"]])


def test_there_is_no_result_before_a_batch():
    with pytest.raises(UserInputError, match="no batch has been seen"):
        CompiledMetrics(["mae"], None).result()
