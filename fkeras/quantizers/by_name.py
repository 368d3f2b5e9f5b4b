"""Quantizers and their configs by name, and as configs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.config import serialization
from fkeras.core.config.name_table import NameTable
from fkeras.quantizers.calibrated_configs import AWQConfig, GPTQConfig
from fkeras.quantizers.configs import (
    Float8QuantizationConfig,
    Int4QuantizationConfig,
    Int8QuantizationConfig,
    QuantizationConfig,
    TernaryQuantizationConfig,
)
from fkeras.quantizers.quantizer import AbsMaxQuantizer, Quantizer

if TYPE_CHECKING:
    from fkeras.types import Config, Identifier

_TABLE = NameTable(
    "quantizer",
    "keras.quantizers",
    [
        Quantizer,
        AbsMaxQuantizer,
        QuantizationConfig,
        Int8QuantizationConfig,
        Int4QuantizationConfig,
        Float8QuantizationConfig,
        TernaryQuantizationConfig,
        GPTQConfig,
        AWQConfig,
    ],
)


def get(identifier: Identifier | None, **kwargs: Any) -> Any:
    """The quantizer that a name, a config, a class or a quantizer stands for.

    Args:
        identifier: `'abs_max_quantizer'`, the name of a registered one, a config, a class, a
            callable, or None.
        **kwargs: arguments for a name or a class.

    Raises:
        UnknownNameError: no such quantizer.
        UserTypeError: neither a name nor a config nor callable.

    Examples:
        >>> import fkeras
        >>> fkeras.quantizers.get("abs_max_quantizer", value_range=(-8, 7)).value_range
        (-8, 7)
    """
    if kwargs and isinstance(identifier, str) and identifier in _TABLE.names:
        identifier = _TABLE.names[identifier]
    if kwargs and isinstance(identifier, type):
        return identifier(**kwargs)
    return _TABLE.get(identifier)


def serialize(initializer: Any) -> Config:
    """The config of a quantizer."""  # the argument's name is Keras's
    return serialization.serialize_keras_object(initializer)


def deserialize(config: Config | str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The quantizer that a config describes.

    Args:
        config: what `serialize` returned, or a name.
        custom_objects: dict from names to classes, looked at first.

    Raises:
        UnknownNameError: no such quantizer.
    """
    return _TABLE.deserialize(config, custom_objects)
