"""How constructor arguments look in a config: each role by the room that knows it."""

from fkeras import activations, constraints, initializers, regularizers
from fkeras.core import dtype_policy
from fkeras.core.config import serialization

_BY_SUFFIX = (
    ("activation", activations),
    ("initializer", initializers),
    ("regularizer", regularizers),
    ("constraint", constraints),
)


def serialize_argument(name: str, value):
    """A constructor argument as plain values: activations by name, initializers and the like as
    their config.
    """
    if isinstance(value, (dtype_policy.DTypePolicy, dtype_policy.DTypePolicyMap)):
        return dtype_policy.serialize(value)
    if callable(value):
        for suffix, room in _BY_SUFFIX:
            if name == suffix or name.endswith("_" + suffix):
                return room.serialize(value)
    if isinstance(value, (list, tuple)):  # plain shapes and sizes stay what they are
        return (
            type(value)(serialize_argument(name, v) for v in value)
            if not hasattr(value, "_fields")
            else value
        )
    return serialization.serialize_keras_object(value)
