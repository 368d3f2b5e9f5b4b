"""Regularizers by name, and as configs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fkeras.core.config import serialization
from fkeras.core.config.name_table import NameTable
from fkeras.regularizers.penalties import L1, L1L2, L2, OrthogonalRegularizer
from fkeras.regularizers.regularizer import Regularizer

if TYPE_CHECKING:
    import jax

    from fkeras.types import Config, Identifier

_TABLE = NameTable(
    "regularizer",
    "keras.regularizers",
    [Regularizer, L1, L2, L1L2, OrthogonalRegularizer],
    {"l1_l2": L1L2},
)


def get(identifier: Identifier | None) -> Callable[..., jax.Array] | None:
    """The regularizer that a name, a config, a class or a regularizer stands for.

    Args:
        identifier: `'l2'`, `'L2'` (made with its defaults), the name of a registered one, a config,
            a class, any callable that returns a scalar, or None.

    Returns:
        A callable; None for None.

    Raises:
        UnknownNameError: no such regularizer.

    Examples:
        >>> import fkeras
        >>> fkeras.regularizers.get("l2").get_config()
        {'l2': 0.01}
    """
    return _TABLE.get(identifier)


def serialize(regularizer: Regularizer | Callable[..., Any]) -> Config:
    """The config of a regularizer."""
    return serialization.serialize_keras_object(regularizer)


def deserialize(
    config: Config | str, custom_objects: dict[str, Any] | None = None
) -> Callable[..., jax.Array]:
    """The regularizer that a config describes.

    Args:
        config: what `serialize` returned, or a name.
        custom_objects: dict from names to classes, looked at first.

    Raises:
        UnknownNameError: no such regularizer.
    """
    return _TABLE.deserialize(config, custom_objects)
