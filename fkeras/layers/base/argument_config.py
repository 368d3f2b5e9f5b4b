"""How constructor arguments look in a config: each role by the namespace that knows it."""

from __future__ import annotations

from typing import Any

from fkeras import activations, constraints, initializers, regularizers
from fkeras.core import dtype_policy
from fkeras.core.config import serialization

_MODULE_BY_ROLE = {
    "activation": activations,
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
}


def serialize_argument(name: str, value: Any) -> Any:
    """A constructor argument as plain values: activations by name, initializers and the like as
    their config.

    Args:
        name: the argument's name, whose last word is its role: `kernel_initializer`.
        value: the argument.
    """
    if isinstance(value, (dtype_policy.DTypePolicy, dtype_policy.DTypePolicyMap)):
        return dtype_policy.serialize(value)
    module = _MODULE_BY_ROLE.get(name.rpartition("_")[2])
    if callable(value) and module is not None:
        return module.serialize(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value
    if isinstance(value, (list, tuple)):  # plain shapes and sizes stay what they are
        return type(value)(serialize_argument(name, item) for item in value)
    return serialization.serialize_keras_object(value)
