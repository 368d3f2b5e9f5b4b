"""Configs of plain Python values from objects, and objects from configs."""

import base64
import marshal
import types

import jax
import numpy as np

from fkeras.core.config.registry import (
    builtins_by_name,
    find,
    get_registered_object,
    homes,
    names_of_objects,
    registered,
)
from fkeras.core.config.scopes import SafeModeScope, custom_object_scope, in_safe_mode, scoped
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError, UserTypeError, unknown_name

_PLAIN = (str, int, float, bool, type(None))


def serialize_keras_object(obj):
    """A config of plain Python values from an object, function, dtype, array or nested structure of
    those.
    """
    if isinstance(obj, (str, bool, type(None))) or type(obj) in (int, float):
        return obj
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, (list, tuple)):
        made = [serialize_keras_object(x) for x in obj]
        return tuple(made) if isinstance(obj, tuple) else made
    if isinstance(obj, dict):
        return {k: serialize_keras_object(v) for k, v in obj.items()}
    if isinstance(obj, (np.bool_, np.integer, np.floating)):
        return obj.item()
    if isinstance(obj, slice):
        return {
            "class_name": "__slice__",
            "config": {
                "start": serialize_keras_object(obj.start),
                "stop": serialize_keras_object(obj.stop),
                "step": serialize_keras_object(obj.step),
            },
        }
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, KerasTensor):
        history = list(obj._keras_history) if obj._keras_history else None
        if history:
            history[0] = history[0].name
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": list(obj.shape), "dtype": obj.dtype, "keras_history": history},
        }
    if isinstance(obj, np.ndarray) and obj.ndim > 0 or isinstance(obj, jax.Array):
        return {
            "class_name": "__numpy__",
            "config": {"value": np.asarray(obj).tolist(), "dtype": standardize_dtype(obj.dtype)},
        }
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, type) and issubclass(obj, np.generic):
        return standardize_dtype(obj)
    if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        return {"class_name": "__lambda__", "config": _lambda_config(obj)}
    if isinstance(obj, type):
        return _names_of(obj, kind="type")
    if isinstance(obj, types.FunctionType) or (
        callable(obj) and not hasattr(obj, "get_config") and hasattr(obj, "__name__")
    ):
        return _names_of(obj, kind="function")
    if not hasattr(obj, "get_config"):
        raise UserTypeError(
            f"Cannot serialize {type(obj).__name__} object {obj!r}: it has no `get_config()`. "
            "Define one that returns the arguments of its constructor, or pass values of plain "
            "types."
        )
    config = _config_of(obj)
    names = _names_of(type(obj))
    class_name = vars(type(obj)).get("_exported_as", type(obj).__name__)
    made = {
        "module": names["module"],
        "class_name": class_name,
        "config": config,
        "registered_name": names["registered_name"],
    }
    if hasattr(obj, "get_build_config"):
        build_config = obj.get_build_config()
        if build_config is not None:
            made["build_config"] = serialize_dict(build_config)
    if hasattr(obj, "get_compile_config"):
        compile_config = obj.get_compile_config() if getattr(obj, "compiled", False) else None
        if compile_config is not None:
            made["compile_config"] = serialize_dict(compile_config)
    if scoped.shared is not None:
        made["shared_object_id"] = scoped.shared.setdefault(id(obj), (len(scoped.shared) + 1, obj))[
            0
        ]
    return made


def _lambda_config(fn):
    return {
        "code": base64.b64encode(marshal.dumps(fn.__code__)).decode("ascii"),
        "defaults": serialize_keras_object(fn.__defaults__) if fn.__defaults__ else None,
        "closure": None,
    }


def _names_of(obj, kind=None):
    home = homes.get(obj)
    registered = names_of_objects.get(obj)
    if home is None and registered is None:
        module, registered = getattr(obj, "__module__", None), obj.__name__
    elif home is None:
        module = None if kind is None else getattr(obj, "__module__", None)
    else:
        module = home
    if kind == "function":
        return {
            "module": "builtins" if home is None else home,
            "class_name": "function",
            "config": obj.__name__,
            "registered_name": registered or "function",
        }
    if kind == "type":
        return {
            "module": "builtins",
            "class_name": "__type__",
            "config": {"value": obj.__name__},
            "registered_name": None,
        }
    return {"module": module, "registered_name": registered}


def _config_of(obj):
    config = obj.get_config()
    if not isinstance(config, dict):
        raise UserTypeError(
            f"The `get_config()` of {obj!r} should return a dict. It returned: {config!r}"
        )
    return serialize_dict(config)


def serialize_dict(config: dict) -> dict:
    return {k: serialize_keras_object(v) for k, v in config.items()}


def deserialize_keras_object(config, custom_objects=None, safe_mode=True, **kwargs):
    """The object that `serialize_keras_object` described.

    Args:
        config: a config, or a nested structure of them.
        custom_objects: dict from names to classes or functions, looked at first.
        safe_mode: refuse configs that carry code (Lambda layers). True unless the caller says
            otherwise.

    Raises:
        UnknownNameError: nothing is registered under the name; says how to name it.
        UserInputError: the config is not one, or holds code in safe mode.
    """
    module_objects = kwargs.pop("module_objects", None)
    custom = {**(custom_objects or {})}
    if (
        config is None
        or isinstance(config, (int, float, bool, str))
        and not (isinstance(config, str) and module_objects is not None)
    ):
        if isinstance(config, str) and custom.get(config) is not None:
            return custom[config]
        return config
    if isinstance(config, str):
        found = get_registered_object(config, custom, module_objects)
        if found is None:
            raise unknown_name("object", config, module_objects)
        return found() if isinstance(found, type) else found
    if isinstance(config, (list, tuple)):
        made = [deserialize_keras_object(x, custom, safe_mode) for x in config]
        return made if isinstance(config, list) else tuple(made)
    if callable(config):
        return config  # an object already
    if not isinstance(config, dict):
        raise UserTypeError(f"Could not parse config: {config!r}")
    if "class_name" not in config or "config" not in config:
        return {k: deserialize_keras_object(v, custom, safe_mode) for k, v in config.items()}
    name, inner = config["class_name"], config["config"] if config["config"] is not None else {}
    if name in _SPECIAL:
        return _SPECIAL[name](inner, custom, safe_mode)
    shared = config.get("shared_object_id")
    if shared is not None and scoped.shared is not None and shared in scoped.shared:
        return scoped.shared[shared]
    if name == "function":
        found = find(config.get("module"), inner, config.get("registered_name"), custom) or (
            module_objects or {}
        ).get(inner)
        if found is None:
            raise unknown_name("function", inner, _known(custom))
        return found
    cls = find(config.get("module"), name, config.get("registered_name"), custom)
    if cls is None and module_objects:
        cls = module_objects.get(name)
    if cls is None:
        raise _unknown_class(name, config, custom)
    if isinstance(cls, types.FunctionType):
        return cls
    if not hasattr(cls, "from_config"):
        raise UserTypeError(
            f"Unable to revive an object of class {name!r}: it has no `from_config` class method."
        )
    with (
        custom_object_scope(custom),
        SafeModeScope(safe_mode and in_safe_mode() if safe_mode is not None else in_safe_mode()),
    ):
        try:
            instance = cls.from_config(inner)
        except TypeError as error:
            raise UserTypeError(
                f"{name} could not be made from its config: {error}. The config's keys: "
                f"{sorted(inner)}. Check that `get_config()` and the constructor agree, or define "
                "`from_config`."
            ) from error
        if (
            config.get("build_config")
            and hasattr(instance, "build_from_config")
            and not getattr(instance, "built", False)
        ):
            instance.build_from_config(
                deserialize_keras_object(config["build_config"], custom, safe_mode)
            )
        if config.get("compile_config") and hasattr(instance, "compile_from_config"):
            instance.compile_from_config(config["compile_config"])
    if shared is not None and scoped.shared is not None:
        scoped.shared[shared] = instance
    return instance


def _known(custom):
    return [*custom, *(n.split(">")[-1] for n in registered), *(n for _, n in builtins_by_name)]


def _unknown_class(name, config, custom):
    error = unknown_name("class", name, _known(custom))
    return type(error)(
        f"{error} (module {config.get('module')!r}). Pass it: custom_objects={{{name!r}: {name}}}, "
        "or decorate it with `@fkeras.saving.register_keras_serializable()`."
    )


def _revive_lambda(config, custom, safe_mode):
    if safe_mode and in_safe_mode():
        raise UserInputError(
            "The config holds a Python lambda, which is code. It is not revived in safe mode. If "
            "you trust its source, pass `safe_mode=False`; better, register a named function."
        )
    import builtins

    code = marshal.loads(base64.b64decode(config["code"]))
    defaults = deserialize_keras_object(config.get("defaults"), custom, safe_mode)
    return types.FunctionType(
        code, {"__builtins__": builtins}, argdefs=tuple(defaults) if defaults else None
    )


_SPECIAL = {
    "__tuple__": lambda c, custom, safe: tuple(
        deserialize_keras_object(x, custom, safe) for x in c["value"]
    ),
    "__bytes__": lambda c, custom, safe: c["value"].encode("utf-8"),
    "__slice__": lambda c, custom, safe: slice(c["start"], c["stop"], c["step"]),
    "__ellipsis__": lambda c, custom, safe: Ellipsis,
    "__numpy__": lambda c, custom, safe: np.array(c["value"], dtype=c["dtype"]),
    "__tensor__": lambda c, custom, safe: jax.numpy.asarray(c["value"], dtype=c["dtype"]),
    "__keras_tensor__": lambda c, custom, safe: KerasTensor(c["shape"], dtype=c["dtype"]),
    "__lambda__": _revive_lambda,
    "__type__": lambda c, custom, safe: {t.__name__: t for t in (int, float, str, bool)}[
        c["value"]
    ],
}
