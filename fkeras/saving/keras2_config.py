"""Configs that Keras 2 wrote, as Keras 3 would: renamed and dropped arguments, older classes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fkeras.types import Config

_RECURRENT = ("RNN", "SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
# Arguments that Keras 3 does not have, by class. All are at the value that changes nothing.
_DROPPED = {
    **dict.fromkeys(_RECURRENT, ("time_major", "implementation")),
    "MultiHeadAttention": ("query_shape", "key_shape", "value_shape"),
    "Embedding": ("input_length",),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), ("groups",)),
    **dict.fromkeys(
        ("SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D"),
        ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    ),
}
_OLDER_OPTIMIZER_ARGUMENTS = ("is_legacy_optimizer", "jit_compile", "decay", "lr")
_OPTIMIZERS = frozenset(
    ("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lion", "Nadam")
    + ("RMSprop", "SGD")
)


def is_of_keras2(version: object) -> bool:
    """Whether a version such as `"2.15.0"`, as a file tells it, is one before Keras 3."""
    return str(version).partition(".")[0] in ("1", "2")


def modernize(value: Any) -> Any:
    """A config of Keras 2, with all in it, as one of Keras 3."""
    if isinstance(value, list):
        return [modernize(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    value = {key: modernize(inner) for key, inner in value.items()}
    if isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict):
        return _modernize_object(value)
    return value


def modernize_model(config: Config) -> Config:
    """The config of a model, with what it was compiled with."""
    config = modernize(config)
    chosen = config.get("compile_config")
    if isinstance(chosen, dict):
        for name in ("metrics", "weighted_metrics"):
            given = chosen.get(name)
            if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
                chosen[name] = given[0]  # of the only output
        config["compile_config"] = {k: v for k, v in chosen.items() if v is not None}
    return config


def _modernize_object(entry: Config) -> Config:
    name = entry["class_name"].removeprefix("Custom>")
    config = entry["config"]
    dropped = _DROPPED.get(name, ())
    if name in _OPTIMIZERS:
        return _modernize_optimizer(name, config)
    if name == "Policy":  # of dtypes
        return {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": config.get("name")},
            "registered_name": None,
        }
    if name == "BatchNormalization" and isinstance(config.get("axis"), list):
        config["axis"] = config["axis"][0]
    if config.get("reduction") == "auto":  # of a loss
        config["reduction"] = "sum_over_batch_size"
    if name == "MultiHeadAttention":
        entry.pop("build_config", None)  # one shape, where today there are several
    if isinstance(config.get("layers"), list) and "output_layers" in config:
        _modernize_graph(config)
    if "fn" in config:
        entry = _modernize_wrapper(entry)
    return {
        **entry,
        "config": {key: inner for key, inner in entry["config"].items() if key not in dropped},
    }


def _modernize_graph(config: Config) -> None:
    """Writes who was called on what as today: calls with arguments, counted from 0."""
    entries = {entry["name"]: entry for entry in config["layers"] if "name" in entry}
    nodes = [node for entry in entries.values() for node in entry.get("inbound_nodes") or ()]
    if any(isinstance(node, dict) for node in nodes):
        return  # of today
    _count_from_zero(config, nodes, entries)
    for place in ("input_layers", "output_layers"):
        if len(config[place]) == 1 and isinstance(config[place], list):
            config[place] = config[place][0]  # one tensor, and no list of one
    for entry in entries.values():
        own = entry.get("inbound_nodes") or ()
        entry["inbound_nodes"] = [_modernize_node(node, entries) for node in own]


def _count_from_zero(config: Config, nodes: list[Any], entries: Mapping[str, Config]) -> None:
    """A model in a model had a call of its own when it was made, and so counts one more."""
    places = [config["input_layers"], config["output_layers"]]
    histories = _histories_in([*nodes, *places], entries)
    last: dict[str, int] = {}
    for name, call, *_ in histories:
        last[name] = max(last.get(name, 0), call)
    for history in histories:
        most = last[history[0]]
        if most and most >= len(entries[history[0]].get("inbound_nodes") or ()):
            history[1] -= 1


def _histories_in(value: Any, names: Collection[str]) -> list[list[Any]]:
    """The lists of the form `[name of a layer, number of its call, number of its output]`."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return []
    own = [value] if _is_history(value, names) else []
    return own + [history for inner in value for history in _histories_in(inner, names)]


def _is_history(value: Any, names: Collection[str]) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and value[0] in names
        and isinstance(value[1], int)
        and isinstance(value[2], int)
    )


def _modernize_node(node: list[Any], names: Collection[str]) -> Config:
    if _is_history(node, names):
        node = [node]
    tensors = [_tensor_config(history) for history in node]
    named = node[0][3] if len(node[0]) > 3 else {}
    return {
        "args": [tensors[0] if len(tensors) == 1 else tensors],
        "kwargs": {key: _with_tensors(value, names) for key, value in named.items()},
    }


def _with_tensors(value: Any, names: Collection[str]) -> Any:
    if _is_history(value, names):
        return _tensor_config(value)
    return [_with_tensors(inner, names) for inner in value] if isinstance(value, list) else value


def _tensor_config(history: list[Any]) -> Config:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": history[:3]}}


def _modernize_wrapper(entry: Config) -> Config:
    """A loss or metric that Keras 2 wrote with the function inside."""
    config = {key: inner for key, inner in entry["config"].items() if key != "fn"}
    function = entry["config"]["fn"]
    if entry["class_name"] == "MeanMetricWrapper" and isinstance(function, str):
        config["fn"] = {
            # The others are functions of losses, and among metrics the names of classes.
            "module": "keras.metrics" if function.endswith("accuracy") else "keras.losses",
            "class_name": "function",
            "config": function,
            "registered_name": None,
        }
    return {**entry, "config": config}


def _modernize_optimizer(name: str, config: Config) -> Config:
    rate = config.get("learning_rate", config.get("lr"))
    decay = config.get("decay") or 0.0
    if decay and isinstance(rate, (int, float)):
        rate = {
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "config": {
                "initial_learning_rate": rate,
                "decay_steps": 1,
                "decay_rate": decay,
                "staircase": False,
                "name": "InverseTimeDecay",
            },
            "registered_name": None,
        }
    kept = {k: v for k, v in config.items() if k not in _OLDER_OPTIMIZER_ARGUMENTS}
    if rate is not None:
        kept["learning_rate"] = rate
    return {
        "module": "keras.optimizers",
        "class_name": name,
        "config": kept,
        "registered_name": None,
    }
