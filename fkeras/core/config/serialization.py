"""Configs of plain Python values from objects, and objects from configs."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core.config import registry, scopes, values
from fkeras.core.config.reader import Reader
from fkeras.core.dtypes import standardize_dtype
from fkeras.errors import UserTypeError

if TYPE_CHECKING:
    from fkeras.types import Config


def serialize_keras_object(obj: Any) -> Any:
    """A config of plain Python values from an object.

    Also from a function, dtype, array, or a nested structure of those.

    Returns:
        For an object with `get_config`, a dict of `module`, `class_name`, `config` and
        `registered_name`, with what it needs to be built and compiled again.

    Raises:
        UserTypeError: an object without `get_config`, or one that returns no dict.

    Examples:
        >>> import fkeras
        >>> fkeras.saving.serialize_keras_object(fkeras.layers.Flatten(name="f"))["class_name"]
        'Flatten'
    """
    if _is_plain(obj):
        return obj
    is_in_memory = scopes.classes_in_memory() is not None
    if is_in_memory and _is_code(obj):
        return obj
    if isinstance(obj, (list, tuple)):
        items = [serialize_keras_object(item) for item in obj]
        return tuple(items) if isinstance(obj, tuple) else items
    if isinstance(obj, dict):
        return serialize_dict(obj)
    if isinstance(obj, (np.bool_, np.integer, np.floating)):
        return obj.item()
    kind = values.kind_of(obj)
    if kind is not None:
        config = kind.to_config(obj, serialize_keras_object)
        return {"class_name": kind.class_name, "config": config}
    if isinstance(obj, (type, np.dtype)):
        return _type_config(obj)
    if _is_function(obj):
        return _function_config(obj)
    if is_in_memory and not hasattr(obj, "get_config"):
        return obj
    return _object_config(obj)


def serialize_dict(config: Mapping[str, Any]) -> Config:
    """The dict with each value serialised."""
    return {key: serialize_keras_object(value) for key, value in config.items()}


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool | None = True,
    **kwargs: Any,
) -> Any:
    """The object that `serialize_keras_object` described.

    Args:
        config: a config, or a nested structure of them.
        custom_objects: dict from names to classes or functions, looked at first.
        safe_mode: refuse configs that carry code (Lambda layers). True unless the caller says
            otherwise. Inside another call that reads configs, that call's counts.

    Raises:
        UnknownNameError: nothing is registered under the name; says how to name it.
        UserInputError: the config is not one, or holds code in safe mode.

    Examples:
        >>> import fkeras
        >>> config = fkeras.saving.serialize_keras_object(fkeras.layers.Dense(3))
        >>> fkeras.saving.deserialize_keras_object(config).units
        3
    """
    return Reader(custom_objects, safe_mode, kwargs.get("module_objects")).read(config)


def _is_plain(obj: Any) -> bool:
    # Subclasses of int and float (NumPy's float64 is one) are made plain first.
    return isinstance(obj, (str, bool, type(None))) or type(obj) in (int, float)


def _is_code(obj: Any) -> bool:
    """Whether it is a function of the program's own, or a named tuple of such."""
    if isinstance(obj, tuple):
        return hasattr(obj, "_fields") and any(map(callable, obj))
    return _is_function(obj) and not isinstance(obj, type) and registry.home_of(obj) is None


def _is_function(obj: Any) -> bool:
    return isinstance(obj, types.FunctionType) or (
        callable(obj) and not hasattr(obj, "get_config") and hasattr(obj, "__name__")
    )


def _type_config(obj: type | np.dtype) -> Config | str:
    """Dtypes by name, other types as a value of their own."""
    if isinstance(obj, np.dtype):
        return obj.name
    if issubclass(obj, np.generic):
        return standardize_dtype(obj)
    return {
        "module": "builtins",
        "class_name": "__type__",
        "config": {"value": obj.__name__},
        "registered_name": None,
    }


def _function_config(fn: Any) -> Config:
    return {
        "module": registry.module_of_function(fn),
        "class_name": "function",
        "config": registry.registered_name_of(fn) or fn.__name__,
        "registered_name": "function",
    }


def _object_config(obj: Any) -> Config:
    if not hasattr(obj, "get_config"):
        raise UserTypeError(
            f"Cannot serialize {type(obj).__name__} object {obj!r}: it has no `get_config()`. "
            "Define one that returns the arguments of its constructor, or pass values of plain "
            "types."
        )
    try:
        own_config = obj.get_config()
    except NotImplementedError:
        if scopes.classes_in_memory() is None:
            raise
        return obj  # a schedule of the program's own, say, which nobody has to save
    if not isinstance(own_config, dict):
        raise UserTypeError(
            f"The `get_config()` of {obj!r} should return a dict. It returned: {own_config!r}"
        )
    own_config = serialize_dict(own_config)
    module, registered_name = _names_of_class(type(obj))
    config = {
        "module": module,
        "class_name": vars(type(obj)).get("_exported_as", type(obj).__name__),
        "config": own_config,
        "registered_name": registered_name,
    }
    if hasattr(obj, "get_build_config"):
        build_config = obj.get_build_config()
        if build_config is not None:
            config["build_config"] = serialize_dict(build_config)
    if hasattr(obj, "get_compile_config") and getattr(obj, "compiled", False):
        compile_config = obj.get_compile_config()
        if compile_config is not None:
            config["compile_config"] = serialize_dict(compile_config)
    shared = scopes.written_objects()
    if shared is not None:
        # The object is kept beside its number: its id must not be used again meanwhile.
        config["shared_object_id"], _ = shared.setdefault(id(obj), (len(shared) + 1, obj))
    return config


def _names_of_class(cls: type) -> tuple[str | None, str | None]:
    """The module and the registered name that a config gives of a class."""
    home = registry.home_of(cls)
    registered_name = registry.registered_name_of(cls)
    classes = scopes.classes_in_memory()
    if home is None and classes is not None:
        name = f"{cls.__name__}@{id(cls)}"  # two classes of a program may have one name
        classes[name] = cls
        return cls.__module__, name
    if home is None and registered_name is None:
        return getattr(cls, "__module__", None), cls.__name__
    return home, registered_name
