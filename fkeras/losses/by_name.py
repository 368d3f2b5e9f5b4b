"""Losses by name, and as configs."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fkeras.core.config import serialization
from fkeras.core.config.name_table import NameTable
from fkeras.losses import (
    crossentropy,
    divergence,
    embedding,
    focal,
    loss,
    margin,
    overlap,
    regression,
    sequence,
)

if TYPE_CHECKING:
    from fkeras.types import Config, Identifier


def public_objects(*modules: types.ModuleType) -> dict[str, Callable[..., Any]]:
    """The public classes and functions that modules define, by name; not what they import."""
    return {
        name: obj
        for module in modules
        for name, obj in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(obj) or inspect.isfunction(obj))
        and obj.__module__ == module.__name__
    }


_OBJECTS = public_objects(
    loss, regression, crossentropy, focal, divergence, margin, overlap, embedding, sequence
)
_FUNCTIONS = {name: obj for name, obj in _OBJECTS.items() if inspect.isfunction(obj)}
_SHORT_NAMES = {
    "mse": regression.mean_squared_error,
    "mae": regression.mean_absolute_error,
    "mape": regression.mean_absolute_percentage_error,
    "msle": regression.mean_squared_logarithmic_error,
    "bce": crossentropy.binary_crossentropy,
    "kld": divergence.kl_divergence,
}
_TABLE = NameTable(
    "loss",
    "keras.losses",
    _OBJECTS.values(),
    {
        # Snake case is a function's name, and not that of the class beside it.
        **_FUNCTIONS,
        **_SHORT_NAMES,
        **{name.upper(): fn for name, fn in _SHORT_NAMES.items()},
        "logcosh": regression.log_cosh,
    },
)


def get(identifier: Identifier | None) -> Callable[..., Any] | None:
    """The loss that a name, a config, a class or a loss stands for.

    Args:
        identifier: `'mse'`, `'mean_squared_error'` (functions), `'MeanSquaredError'` (a class: made
            with its defaults), the name of a registered loss, a config, any callable, or None.

    Returns:
        A function or a `Loss`; None for None.

    Raises:
        UnknownNameError: no such loss.
        UserTypeError: neither a name nor a config nor callable.

    Examples:
        >>> import fkeras
        >>> fkeras.losses.get("mse").__name__
        'mean_squared_error'
        >>> fkeras.losses.get("Huber")
        <Huber name=huber_loss>
    """
    if isinstance(identifier, dict):
        return deserialize(identifier)
    return _TABLE.get(identifier)


def serialize(loss: Callable[..., Any]) -> Config:
    """The config of a loss or loss function."""
    return serialization.serialize_keras_object(loss)


def deserialize(
    name: str | Config, custom_objects: Mapping[str, Callable[..., Any]] | None = None
) -> Callable[..., Any]:
    """The loss that a config or a name describes.

    Args:
        name: a config as `serialize` returns it, or a name.
        custom_objects: dict from names to classes or functions, looked at first.

    Raises:
        UnknownNameError: no such loss.
    """
    if isinstance(name, str):
        return _TABLE.deserialize(name, custom_objects)
    # A config need not say its module: metrics have classes of the same names.
    return _TABLE.deserialize(name, {**_TABLE.names, **(custom_objects or {})})
