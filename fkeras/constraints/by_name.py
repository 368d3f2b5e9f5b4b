"""Constraints by name, and as configs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fkeras.constraints.constraint import Constraint
from fkeras.constraints.norms import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from fkeras.core.config import serialization
from fkeras.core.config.name_table import NameTable

if TYPE_CHECKING:
    import jax

    from fkeras.types import Config, Identifier

_TABLE = NameTable(
    "constraint", "keras.constraints", [Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm]
)


def get(identifier: Identifier | None) -> Callable[..., jax.Array] | None:
    """The constraint that a name, a config, a class or a constraint stands for.

    Args:
        identifier: `'max_norm'`, `'MaxNorm'` (made with its defaults), the name of a registered
            one, a config, a class, any callable that returns the projected weight, or None.

    Returns:
        A callable; None for None.

    Raises:
        UnknownNameError: no such constraint.

    Examples:
        >>> import fkeras
        >>> fkeras.constraints.get("max_norm").get_config()
        {'max_value': 2, 'axis': 0}
    """
    return _TABLE.get(identifier)


def serialize(constraint: Constraint | Callable[..., Any]) -> Config:
    """The config of a constraint."""
    return serialization.serialize_keras_object(constraint)


def deserialize(
    config: Config | str, custom_objects: dict[str, Any] | None = None
) -> Callable[..., jax.Array]:
    """The constraint that a config describes.

    Args:
        config: what `serialize` returned, or a name.
        custom_objects: dict from names to classes, looked at first.

    Raises:
        UnknownNameError: no such constraint.
    """
    return _TABLE.deserialize(config, custom_objects)
