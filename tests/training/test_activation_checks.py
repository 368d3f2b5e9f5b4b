"""The last layer's activation against losses and metrics."""

import warnings

import jax
import pytest

import fkeras
from fkeras import layers
from fkeras.training import first_batch
from fkeras.training.activation_checks import check_last_activations

SOFTMAX_LOSS = "categorical_crossentropy"
LOGITS = fkeras.losses.BinaryCrossentropy(from_logits=True)


def check(activation, loss, metrics=None, softmax=False):
    last = [layers.Softmax()] if softmax else []
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(2, activation=activation), *last])
    model.compile("sgd", loss, metrics=metrics)
    struct = jax.ShapeDtypeStruct((4, 3), "float32"), jax.ShapeDtypeStruct((4, 2), "float32")
    first_batch.prepare(model, model._compiled, struct)
    check_last_activations(model, model._compiled)
    check_last_activations(model, model._compiled)  # once is enough


@pytest.mark.parametrize(
    ("activation", "loss", "metrics", "words"),
    [
        (None, SOFTMAX_LOSS, None, "ends with a linear layer.*activation='softmax'"),
        (None, "binary_crossentropy", None, "activation='sigmoid'"),
        ("sigmoid", LOGITS, None, "from_logits=True, but.*applied twice"),
        (None, LOGITS, ["AUC"], r"Metric 'AUC' expects probabilities.*AUC\(from_logits=True\)"),
    ],
)
def test_what_does_not_go_together_is_told_at_the_users_line(activation, loss, metrics, words):
    with pytest.warns(UserWarning, match=words) as told:
        check(activation, loss, metrics)
    assert len(told) == 1 and told[0].filename == __file__


@pytest.mark.parametrize(
    ("activation", "loss", "metrics"),
    [
        ("softmax", SOFTMAX_LOSS, None),
        (None, LOGITS, None),
        (None, "mse", ["AUC"]),  # a regression, which may well be near 0 and 1
        ("relu", SOFTMAX_LOSS, None),  # it cannot be told
    ],
)
def test_what_goes_together_is_not(activation, loss, metrics):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(activation, loss, metrics)


def test_a_softmax_layer_is_an_activation_too():
    check(None, SOFTMAX_LOSS, softmax=True)
    with pytest.warns(UserWarning, match="activation='softmax': it is applied twice"):
        check(None, fkeras.losses.CategoricalCrossentropy(from_logits=True), softmax=True)
