"""Constraints by name, and as configs."""

from fkeras.constraints.constraint import Constraint
from fkeras.constraints.norms import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from fkeras.core.config import serialization
from fkeras.core.config.name_table import NameTable

_TABLE = NameTable(
    "constraint", "keras.constraints", [Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm]
)


def get(identifier):
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


def serialize(constraint) -> dict:
    """The config of a constraint."""
    return serialization.serialize_keras_object(constraint)


def deserialize(config, custom_objects=None):
    """The constraint that a config describes; `custom_objects` is a dict from names to classes,
    looked at first.
    """
    return _TABLE.deserialize(config, custom_objects)
