"""Configs as Keras had them before version 3: a name, and the arguments; no module.

`keras.utils.legacy` has these two for code that writes or reads such configs itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from fkeras.core.config import registry, serialization
from fkeras.errors import UserInputError, unknown_name


def serialize_keras_object(instance: Any) -> Any:
    """An object as `{"class_name": ..., "config": {...}}`, a function or class as its name.

    Args:
        instance: the object; None stays None.

    Raises:
        UserInputError: it has neither a config nor a name.

    Examples:
        >>> import fkeras
        >>> config = fkeras.utils.legacy.serialize_keras_object(fkeras.regularizers.L2(0.5))
        >>> config["class_name"], config["config"]["l2"]
        ('L2', 0.5)
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config") and not isinstance(instance, type):
        config = {key: _plain(value) for key, value in instance.get_config().items()}
        return {"class_name": registry.get_registered_name(type(instance)), "config": config}
    if hasattr(instance, "__name__"):
        return registry.get_registered_name(instance)
    raise UserInputError(
        f"Cannot serialize {instance!r} because it doesn't implement `get_config()`."
    )


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that a name, or a config without a module, stands for.

    Args:
        identifier: a name, of a class that is called without arguments or of a function; a dict of
            `class_name` and `config`; a function, which is returned; or None.
        module_objects: where names are looked for, such as `globals()`.
        custom_objects: where they are looked for first.
        printable_module_name: what the name is of, for the error.

    Raises:
        UnknownNameError: nothing has that name.
        UserInputError: something else.

    Examples:
        >>> import fkeras
        >>> fkeras.utils.legacy.deserialize_keras_object(
        ...     {"class_name": "L2", "config": {"l2": 0.5}}, vars(fkeras.regularizers)
        ... ).l2
        0.5
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    objects = {**(module_objects or {}), **(custom_objects or {})}
    if isinstance(identifier, str):
        found = registry.get_registered_object(identifier, custom_objects, module_objects)
        if found is None:
            raise unknown_name(printable_module_name, identifier, objects)
        return found() if isinstance(found, type) else found
    if isinstance(identifier, dict) and {"class_name", "config"} <= identifier.keys():
        return serialization.deserialize_keras_object(identifier, custom_objects=objects)
    raise UserInputError(f"Could not interpret serialized {printable_module_name}: {identifier!r}")


def _plain(value: Any) -> Any:
    """An object in a config in this form; what is no object as it is."""
    if isinstance(value, str) or not (hasattr(value, "get_config") or inspect.isfunction(value)):
        return value
    return serialize_keras_object(value)
