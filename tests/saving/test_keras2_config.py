"""Configs of Keras 2."""

import pytest

from fkeras.saving.keras2_config import is_of_keras2, modernize, modernize_model

OBJECTS = [
    ("LSTM", {"units": 2, "time_major": False}, {"units": 2}),
    ("BatchNormalization", {"axis": [3]}, {"axis": 3}),
    ("MultiHeadAttention", {"num_heads": 2, "query_shape": [1]}, {"num_heads": 2}),
    ("SeparableConv2D", {"filters": 2, "groups": 1}, {"filters": 2}),
    ("Conv2D", {"filters": 2, "groups": 2}, {"filters": 2, "groups": 2}),
    ("MeanSquaredError", {"reduction": "auto"}, {"reduction": "sum_over_batch_size"}),
    ("Custom>SGD", {"momentum": 0.9, "is_legacy_optimizer": False}, {"momentum": 0.9}),
    ("Adam", {"lr": 0.1, "decay": 0.0}, {"learning_rate": 0.1}),
]


@pytest.mark.parametrize("name, config, today", OBJECTS)
def test_arguments_are_those_of_today(name, config, today):
    entry = modernize([{"class_name": name, "config": config}])[0]
    assert entry["config"] == today
    assert entry["class_name"] == name.removeprefix("Custom>")


def test_decay_is_a_schedule():
    rate = modernize({"class_name": "SGD", "config": {"lr": 0.1, "decay": 0.5}})["config"]
    assert rate["learning_rate"]["class_name"] == "InverseTimeDecay"
    assert rate["learning_rate"]["config"]["decay_rate"] == 0.5


def test_calls_of_a_model_in_a_model_are_counted_from_0():
    layers = [
        {"class_name": "InputLayer", "config": {}, "name": "x", "inbound_nodes": []},
        {"class_name": "Sequential", "config": {"layers": []}, "name": "inner",
         "inbound_nodes": [[["x", 0, 0, {}]]]},
        {"class_name": "MultiHeadAttention", "config": {}, "name": "a",
         "inbound_nodes": [[["inner", 1, 0, {"value": ["x", 0, 0]}]]]},
    ]  # fmt: skip
    config = {"layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["a", 0, 0]]}
    graph = modernize({"class_name": "Functional", "config": config})["config"]
    [call] = graph["layers"][2]["inbound_nodes"]
    assert call["args"][0]["config"]["keras_history"] == ["inner", 0, 0]
    assert call["kwargs"]["value"]["config"]["keras_history"] == ["x", 0, 0]
    assert graph["output_layers"] == ["a", 0, 0]


def test_metrics_of_one_output_are_one_list():
    config = {"class_name": "Sequential", "config": {}, "compile_config": {"metrics": [["mae"]]}}
    assert modernize_model(config)["compile_config"] == {"metrics": ["mae"]}


@pytest.mark.parametrize("version, old", [("2.15.0", True), ("3.15.1", False), (None, False)])
def test_the_version_tells(version, old):
    assert is_of_keras2(version) is old
