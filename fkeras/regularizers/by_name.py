"""Regularizers by name, and as configs."""

from fkeras.core.config import serialization
from fkeras.core.config.name_table import NameTable
from fkeras.regularizers.penalties import L1, L1L2, L2, OrthogonalRegularizer
from fkeras.regularizers.regularizer import Regularizer

_TABLE = NameTable(
    "regularizer",
    "keras.regularizers",
    [Regularizer, L1, L2, L1L2, OrthogonalRegularizer],
    {"l1_l2": L1L2},
)


def get(identifier):
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


def serialize(regularizer) -> dict:
    """The config of a regularizer."""
    return serialization.serialize_keras_object(regularizer)


def deserialize(config, custom_objects=None):
    """The regularizer that a config describes; `custom_objects` is a dict from names to classes,
    looked at first.
    """
    return _TABLE.deserialize(config, custom_objects)
