"""Configs of `.h5` files: as Keras writes them in the layout before Keras 3, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras import losses as losses_module
from fkeras import metrics as metrics_module
from fkeras.core.names import to_snake_case
from fkeras.errors import CorruptFileError, UserInputError
from fkeras.saving.keras2_config import is_of_keras2, modernize_model

if TYPE_CHECKING:
    from fkeras.types import Config

# What `compile` understands by itself, by the loss.
_CHOSEN_BY_COMPILE = ("accuracy", "acc", "crossentropy", "ce")


def to_legacy(config: Config) -> Config:
    """The attributes of a file from the config of a model."""
    entries: Config = {
        "model_config": {"class_name": config["class_name"], "config": config["config"]}
    }
    registered = config.get("registered_name")
    if registered is not None:
        entries["model_config"]["class_name"] = registered
    compile_config = config.get("compile_config")
    if compile_config:
        training = {name: value for name, value in compile_config.items() if name != "optimizer"}
        training["loss"] = _map_names(_full_name_of_loss, training.get("loss"))
        for name in ("metrics", "weighted_metrics"):
            training[name] = _map_names(_full_name_of_metric, training.get(name))
        training["optimizer_config"] = compile_config.get("optimizer")
        entries["training_config"] = training
    return entries


def from_legacy(
    model_config: Config, training_config: Config | None, shown: str, version: object = None
) -> Config:
    """The config of a model from the attributes of a file.

    Args:
        model_config, training_config: the attributes; None for a model that was not compiled.
        shown: how messages name the file.
        version: of the Keras that wrote it.

    Raises:
        CorruptFileError: they do not describe a model.
    """
    if "class_name" not in model_config or not isinstance(model_config.get("config"), dict | list):
        raise CorruptFileError(
            f"{shown}: `model_config` does not describe a model. It holds "
            f"{sorted(model_config)[:8]}."
        )
    config = _current(model_config)
    if training_config:
        chosen = {
            name: value for name, value in training_config.items() if name in _COMPILE_ARGUMENTS
        }
        chosen["optimizer"] = _current(training_config.get("optimizer_config"))
        config["compile_config"] = chosen
    return modernize_model(config) if is_of_keras2(version) else config


_COMPILE_ARGUMENTS = (
    "loss",
    "loss_weights",
    "metrics",
    "weighted_metrics",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
)


def _current(value: Any) -> Any:
    """A config, with all in it, as files of today write it."""
    if isinstance(value, list):
        return [_current(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    value = {key: _current(inner) for key, inner in value.items()}
    if value.get("class_name") == "Lambda" and isinstance(value.get("config"), dict):
        value["config"] = _current_lambda(value["config"])
    return value


def _current_lambda(config: Config) -> Config:
    dropped = ("module", "function_type", "output_shape_type", "output_shape_module")
    config = {name: value for name, value in config.items() if name not in dropped}
    function = config.get("function")
    if isinstance(function, list):  # code, defaults, closure
        code, defaults, closure = (*function, None, None)[:3]
        config["function"] = {
            "class_name": "__lambda__",
            "config": {"code": code, "defaults": defaults, "closure": closure},
        }
    return config


def _map_names(full_name: Any, value: Any) -> Any:
    """A nested value with each name in it written in full; objects stay."""
    if isinstance(value, str):
        return full_name(value)
    if isinstance(value, (list, tuple)):
        return [_map_names(full_name, inner) for inner in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _map_names(full_name, inner) for key, inner in value.items()}
    return value


def _full_name_of_loss(name: str) -> str:
    """Keras cannot read its own short names back from these files."""
    try:
        loss = losses_module.get(name)
    except UserInputError:  # of a custom one
        return name
    return getattr(loss, "__name__", type(loss).__name__)


def _full_name_of_metric(name: str) -> str:
    if name in _CHOSEN_BY_COMPILE:
        return name
    try:
        metric = metrics_module.get(name)
    except UserInputError:
        return name
    return getattr(metric, "__name__", to_snake_case(type(metric).__name__))
