"""Configs in `.h5` files."""

import pytest

import fkeras
from fkeras.errors import CorruptFileError
from fkeras.saving.legacy_config import from_legacy, to_legacy
from fkeras.saving.record import record_model
from tests.saving.models import dense

LOSSES = [
    ("mse", "mean_squared_error"),
    ("MSE", "mean_squared_error"),
    ("kld", "kl_divergence"),
    ("categorical_crossentropy", "categorical_crossentropy"),
    ({"a": "mse", "b": None}, {"a": "mean_squared_error", "b": None}),
    (["mae", "my_own"], ["mean_absolute_error", "my_own"]),
]


@pytest.mark.parametrize("given, written", LOSSES)
def test_losses_are_written_in_full(given, written):
    config = {"class_name": "Sequential", "config": {}, "compile_config": {"loss": given}}
    assert to_legacy(config)["training_config"]["loss"] == written


METRICS = [
    (["mae", "acc"], ["mean_absolute_error", "acc"]),
    ({"a": ["mse", "AUC"]}, {"a": ["mean_squared_error", "auc"]}),
    ([{"class_name": "AUC", "config": {}}], [{"class_name": "AUC", "config": {}}]),
    (["own"], ["own"]),
]


@pytest.mark.parametrize("given, written", METRICS)
def test_metrics_are_written_in_full(given, written):
    config = {"class_name": "Sequential", "config": {}, "compile_config": {"metrics": given}}
    assert to_legacy(config)["training_config"]["metrics"] == written


def test_a_config_comes_back():
    model = dense(compiled=True)
    entries = to_legacy(record_model(model).config)
    config = from_legacy(entries["model_config"], entries["training_config"], "'x.h5'")
    again = fkeras.saving.deserialize_keras_object(config)
    assert type(again.optimizer) is type(model.optimizer) and again.loss == "mean_squared_error"
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]


def test_a_lambda_of_old_files_is_read_as_one_of_today():
    old = {"class_name": "Lambda", "config": {"function": ["code", None, None], "module": "x"}}
    config = from_legacy({"class_name": "Sequential", "config": {"layers": [old]}}, None, "x")
    function = config["config"]["layers"][0]["config"]["function"]
    assert function["class_name"] == "__lambda__" and function["config"]["code"] == "code"


@pytest.mark.parametrize("config", [{}, {"class_name": "Sequential"}, {"config": {}}])
def test_what_describes_no_model_is_refused(config):
    with pytest.raises(CorruptFileError, match="x.h5.*does not describe a model"):
        from_legacy(config, None, "'x.h5'")
