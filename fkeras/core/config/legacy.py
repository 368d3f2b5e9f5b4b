"""Configs of the form before Keras 3: class name and config, without a module; functions by name.

Libraries that were written for it make and read such configs themselves. Files have today's form
(`serialization`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from fkeras.core.config import registry, scopes
from fkeras.errors import UserInputError, unknown_name

# Marks what was an object in a config, rather than a dict.
_WAS_OBJECT = "__passive_serialization__"


def serialize_keras_object(instance: Any) -> Any:
    """An object as a dict of its class's name and its config, a function as its name.

    Args:
        instance: an object with a `get_config`, a function, a class or None.

    Raises:
        UserInputError: what is none of these.

    Examples:
        >>> import fkeras
        >>> fkeras.legacy.saving.serialize_keras_object(fkeras.regularizers.L2(0.5))
        {'class_name': 'L2', 'config': {'l2': 0.5}}
        >>> fkeras.legacy.saving.serialize_keras_object(fkeras.activations.relu)
        'relu'
    """
    if instance is None:
        return None
    instance = inspect.unwrap(instance) if callable(instance) else instance
    if hasattr(instance, "get_config") and not isinstance(instance, type):
        config = {key: _serialize_item(item) for key, item in instance.get_config().items()}
        return {"class_name": registry.get_registered_name(type(instance)), "config": config}
    if hasattr(instance, "__name__"):
        return registry.get_registered_name(instance)
    raise UserInputError(
        f"Cannot serialize {instance!r} because it doesn't implement `get_config()`, and is no "
        "function or class."
    )


def _serialize_item(item: Any) -> Any:
    """A value of a config: objects and functions in it are serialized, all else stays."""
    if not (hasattr(item, "get_config") or hasattr(item, "__name__")):
        return item
    config = serialize_keras_object(item)
    return {**config, _WAS_OBJECT: True} if isinstance(config, dict) else config


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that `serialize_keras_object` described.

    Args:
        identifier: a config; the name of a function, or of a class, of which an instance without
            arguments is made; a function or None, which is returned.
        module_objects: dict from names to classes and functions, looked at last but for fkeras's
            own.
        custom_objects: dict from names to classes and functions, looked at first.
        printable_module_name: what kind of object it is, for messages.

    Raises:
        UnknownNameError: a name that nothing is known under.
        UserInputError: no config.
        UnsafeFileError: code in the config, in safe mode.

    Examples:
        >>> import fkeras
        >>> config = {"class_name": "Dense", "config": {"units": 2, "activation": "relu"}}
        >>> fkeras.legacy.saving.deserialize_keras_object(config).units
        2
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    tables = (custom_objects, module_objects)
    if isinstance(identifier, str):
        found = _find(identifier, *tables, printable_module_name)
        return found() if isinstance(found, type) else found
    if not isinstance(identifier, dict) or not {"class_name", "config"} <= identifier.keys():
        raise UserInputError(
            f"Improper config format for {identifier!r}. Expecting python dict contains "
            "`class_name` and `config` as keys"
        )
    cls = _find(identifier["class_name"], *tables, printable_module_name)
    config = identifier["config"]
    if isinstance(config, dict):
        config = {key: _deserialize_item(key, item, *tables) for key, item in config.items()}
    with scopes.custom_object_scope(custom_objects):
        return cls.from_config(config) if hasattr(cls, "from_config") else cls(**config)


def _deserialize_item(
    key: str,
    item: Any,
    custom_objects: Mapping[str, Any] | None,
    module_objects: Mapping[str, Any] | None,
) -> Any:
    if isinstance(item, dict) and _WAS_OBJECT in item:
        return deserialize_keras_object(item, module_objects, custom_objects, "config_item")
    if isinstance(item, str) and key != "name":  # a name is a name, whatever it is the name of
        found = registry.get_registered_object(item, custom_objects, module_objects)
        return found if inspect.isfunction(found) else item
    return item


def _find(
    name: Any,
    custom_objects: Mapping[str, Any] | None,
    module_objects: Mapping[str, Any] | None,
    kind: str,
) -> Any:
    found = None
    if isinstance(name, str):
        found = registry.get_registered_object(name, custom_objects, module_objects)
        found = registry.find(None, name) if found is None else found
    if found is None:
        known = registry.names_to_suggest({**(custom_objects or {}), **(module_objects or {})})
        raise unknown_name(kind, str(name)[:200], known)
    return found
