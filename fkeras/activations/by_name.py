"""Activations by name, and their configs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from fkeras.activations import functions
from fkeras.core.config import registry, serialization
from fkeras.core.config.name_table import NameTable
from fkeras.errors import UserTypeError

if TYPE_CHECKING:
    from fkeras.types import Config, Identifier, Tensor

    Activation: TypeAlias = Callable[..., Tensor]

_TABLE = NameTable(
    "activation",
    "keras.activations",
    [
        function
        for function in vars(functions).values()
        if inspect.isfunction(function) and function.__module__ == functions.__name__
    ],
    {"swish": functions.silu, "hard_swish": functions.hard_silu},
)


def get(identifier: Identifier | None) -> Activation:
    """The activation that a name or config stands for.

    Args:
        identifier: a name such as `'relu'` (or that of a registered function), a config, any
            callable, or None for `linear`.

    Raises:
        UnknownNameError: no such activation.
        UserTypeError: neither a name nor a config nor callable.

    Examples:
        >>> import fkeras
        >>> fkeras.activations.get("swish").__name__
        'silu'
    """
    if identifier is None:
        return functions.linear
    activation = deserialize(identifier) if isinstance(identifier, (str, dict)) else identifier
    if not callable(activation):
        raise UserTypeError(
            "Could not interpret activation function identifier: expected a name, a config or a "
            f"callable. Received: {identifier!r}"
        )
    return activation


def serialize(activation: Activation) -> str | Config:
    """The name of a built-in function, else a config: what `get` makes the activation of again.

    Raises:
        UserTypeError: not callable.

    Examples:
        >>> import fkeras
        >>> fkeras.activations.serialize(fkeras.activations.relu)
        'relu'
    """
    if not callable(activation):
        raise UserTypeError(
            f"Only callables can be serialized as activations. Received: {activation!r}"
        )
    if not inspect.isfunction(activation):
        return serialization.serialize_keras_object(activation)
    # The very function: a program's own may have the name of a built-in one.
    if _TABLE.names.get(activation.__name__) is activation:
        return activation.__name__
    config = serialization.serialize_keras_object(activation)
    if config is activation:  # of a clone: it stays in memory
        return config
    if isinstance(config["config"], str) and not registry.is_builtin(activation):
        config["config"] = registry.get_registered_name(activation)
    return config


def deserialize(config: Config | str, custom_objects: dict[str, Any] | None = None) -> Activation:
    """The activation that a name or a config describes.

    Args:
        config: what `serialize` returned.
        custom_objects: dict from names to functions or classes, looked at first.

    Raises:
        UnknownNameError: no such activation.
    """
    return _TABLE.deserialize(config, custom_objects)
