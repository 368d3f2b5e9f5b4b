"""Values in configs that JSON has no word for: one row of a table each, written and read.

A value is written as `{"class_name": "__slice__", "config": {...}}`, as Keras writes it.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from fkeras.core.config import code
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import unknown_name

if TYPE_CHECKING:
    from fkeras.core.config.reader import Reader
    from fkeras.types import Config


class ValueKind(NamedTuple):
    """One kind of value.

    Attributes:
        class_name: what configs call it.
        is_instance: function (value) -> whether it is of the kind; None for what is only read.
        to_config: function (value, serialize) -> config, where `serialize` writes what it holds.
        from_config: function (config, reader) -> value.
    """

    class_name: str
    is_instance: Callable[[Any], bool] | None
    to_config: Callable[[Any, Callable[[Any], Any]], Config] | None
    from_config: Callable[[Config, Reader], Any]


def _slice_config(value: slice, serialize: Callable[[Any], Any]) -> Config:
    return {part: serialize(getattr(value, part)) for part in ("start", "stop", "step")}


def _array_config(value: np.ndarray | jax.Array, serialize: Callable[[Any], Any]) -> Config:
    config = {"value": np.asarray(value).tolist(), "dtype": standardize_dtype(value.dtype)}
    if value.size == 0:  # `[]` does not tell (0, 2) from (0,)
        config["shape"] = list(value.shape)
    return config


def _read_array(config: Config, reader: Reader) -> np.ndarray:
    array = np.array(config["value"], dtype=config["dtype"])
    return array.reshape(config["shape"]) if "shape" in config else array


def _keras_tensor_config(value: KerasTensor, serialize: Callable[[Any], Any]) -> Config:
    history = list(value._keras_history) if value._keras_history else None
    if history:
        history[0] = history[0].name  # the operation's
    return {"shape": list(value.shape), "dtype": value.dtype, "keras_history": history}


# The only types that a config may name. Dtypes are written as strings.
_PLAIN_TYPES = {cls.__name__: cls for cls in (int, float, str, bool)}


def _read_type(config: Config, reader: Reader) -> type:
    if config["value"] not in _PLAIN_TYPES:
        raise unknown_name("type", config["value"], _PLAIN_TYPES)
    return _PLAIN_TYPES[config["value"]]


def is_lambda(value: Any) -> bool:
    return isinstance(value, types.FunctionType) and value.__name__ == "<lambda>"


# In the order in which a value is asked about.
KINDS = (
    ValueKind(
        "__bytes__",
        lambda value: isinstance(value, bytes),
        lambda value, serialize: {"value": value.decode("utf-8")},
        lambda config, reader: config["value"].encode("utf-8"),
    ),
    ValueKind(
        "__slice__",
        lambda value: isinstance(value, slice),
        _slice_config,
        lambda config, reader: slice(config["start"], config["stop"], config["step"]),
    ),
    ValueKind(
        "__ellipsis__",
        lambda value: value is Ellipsis,
        lambda value, serialize: {},
        lambda config, reader: Ellipsis,
    ),
    ValueKind(
        "__keras_tensor__",
        lambda value: isinstance(value, KerasTensor),
        _keras_tensor_config,
        lambda config, reader: KerasTensor(config["shape"], dtype=config["dtype"]),
    ),
    ValueKind(
        "__numpy__",
        lambda value: isinstance(value, (np.ndarray, jax.Array)),
        _array_config,
        _read_array,
    ),
    ValueKind("__lambda__", is_lambda, code.lambda_config, code.revive_lambda),
    ValueKind("__type__", None, None, _read_type),
    ValueKind(
        "__tensor__",
        None,
        None,
        lambda config, reader: jax.numpy.asarray(config["value"], dtype=config["dtype"]),
    ),
    ValueKind(
        "__tuple__",
        None,
        None,
        lambda config, reader: tuple(reader.read(item) for item in config["value"]),
    ),
)

BY_CLASS_NAME = {kind.class_name: kind for kind in KINDS}


def kind_of(value: Any) -> ValueKind | None:
    """The kind of a value that configs write out; None for all others."""
    for kind in KINDS:
        if kind.is_instance is not None and kind.is_instance(value):
            return kind
    return None
