"""Objects from configs."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fkeras.core.config import registry, scopes, values
from fkeras.errors import UserInputError, UserTypeError, unknown_name

if TYPE_CHECKING:
    from fkeras.errors import UnknownNameError
    from fkeras.types import Config


_OF_BUILTINS = frozenset((None, "", "function"))  # as registered names


class Reader:
    """Makes objects of configs, with what one call of `deserialize_keras_object` was given.

    Args:
        custom_objects: dict from names to classes or functions, looked at first.
        safe_mode: whether code is refused, where no scope outside says so.
        module_objects: dict from further names to objects, looked at last, for the outermost config
            alone.
    """

    def __init__(
        self,
        custom_objects: Mapping[str, Any] | None = None,
        safe_mode: bool | None = True,
        module_objects: Mapping[str, Any] | None = None,
    ) -> None:
        self.custom_objects = dict(custom_objects or {})
        self.safe_mode = safe_mode
        self.module_objects = module_objects
        self._nested = self if module_objects is None else Reader(self.custom_objects, safe_mode)

    def is_safe(self) -> bool:
        """Whether code in a config is refused here."""
        return scopes.in_safe_mode(self.safe_mode)

    def read(self, config: Any) -> Any:
        """The object that a config describes; in nested structures, all of them."""
        if isinstance(config, str):
            return self._read_string(config)
        if config is None or isinstance(config, (int, float, bool)):
            return config
        if isinstance(config, tuple) and hasattr(config, "_fields"):
            return config  # an Optax transformation, which is a tuple of functions
        if isinstance(config, (list, tuple)):
            items = [self._nested.read(item) for item in config]
            return items if isinstance(config, list) else tuple(items)
        if callable(config):
            return config  # an object already
        if not isinstance(config, dict):
            if scopes.classes_in_memory() is not None:
                return config
            raise UserTypeError(f"Could not parse config: {config!r}")
        if "class_name" not in config or "config" not in config:
            return {key: self._nested.read(value) for key, value in config.items()}
        if not isinstance(config["class_name"], str):
            raise UserTypeError(f"Could not parse config: {config!r}")
        return self._read_object(config)

    def _read_string(self, name: str) -> Any:
        """A custom object of that name, or the string itself.

        Where the outermost config is a string, it can only be a name.
        """
        if self.module_objects is None:
            obj = self.custom_objects.get(name)
            return name if obj is None else obj
        obj = registry.get_registered_object(name, self.custom_objects, self.module_objects)
        if obj is None:
            raise unknown_name("object", name, self.module_objects)
        return obj() if isinstance(obj, type) else obj

    def _read_object(self, config: Config) -> Any:
        class_name = config["class_name"]
        # Plain values first: `custom_objects` cannot give another meaning to `__lambda__`.
        if class_name in values.BY_CLASS_NAME:
            return self._read_value(config)
        number = config.get("shared_object_id")
        table = scopes.read_objects() if number is not None else None
        if table is not None and number in table:
            return table[number]  # met before in this file: the same object
        if class_name == "function":
            return self._find_function(config)
        cls = self._find_class(config)
        if isinstance(cls, types.FunctionType):
            return cls
        instance = self._make_instance(cls, config)
        if table is not None:
            table[number] = instance
        return instance

    def _read_value(self, config: Config) -> Any:
        class_name = config["class_name"]
        try:
            return values.BY_CLASS_NAME[class_name].from_config(config["config"], self._nested)
        except KeyError as error:
            raise UserInputError(
                f"Could not parse config: a {class_name!r} without {error}. Received: {config!r}"
            ) from error

    def _find_function(self, config: Config) -> Any:
        name = config["config"]
        if not isinstance(name, str):
            raise UserTypeError(
                "Expected 'config' to be a non-null str, the name of a function. "
                f"Received: {config!r}"
            )
        fn = self._find(config, name)
        if fn is None and config.get("module") == "builtins":
            fn = registry.find_function(name)
            if registry.home_of(fn) and config.get("registered_name") not in _OF_BUILTINS | {name}:
                raise UserInputError(
                    f"The function {name!r} resolved to a Keras built-in, which has no registered "
                    f"name. Received: registered_name={config['registered_name']!r}. Leave it out."
                )
        if fn is None:
            raise unknown_name("function", name, registry.names_to_suggest(self.custom_objects))
        return fn

    def _find_class(self, config: Config) -> Any:
        name = config["class_name"]
        cls = (scopes.classes_in_memory() or {}).get(config.get("registered_name"))
        if cls is None:
            cls = self._find(config, name)
        if cls is None:
            raise self._unknown_class(config)
        if not isinstance(cls, types.FunctionType) and not hasattr(cls, "from_config"):
            raise UserTypeError(
                f"Unable to revive an object of class {name!r}: it has no `from_config` class "
                "method."
            )
        return cls

    def _find(self, config: Config, name: str) -> Any:
        obj = registry.find(
            config.get("module"), name, config.get("registered_name"), self.custom_objects
        )
        return (self.module_objects or {}).get(name) if obj is None else obj

    def _unknown_class(self, config: Config) -> UnknownNameError:
        name = config["class_name"]
        error = unknown_name("class", name, registry.names_to_suggest(self.custom_objects))
        return type(error)(
            f"{error} (module {config.get('module')!r}). Pass it: custom_objects="
            f"{{{name!r}: {name}}}, or decorate it with "
            "`@fkeras.saving.register_keras_serializable()`."
        )

    def _make_instance(self, cls: Any, config: Config) -> Any:
        """An instance from its config, built and compiled as the config says.

        What `from_config` reads on its own is read under the same names and the same safe mode.
        """
        inner = config["config"] if config["config"] is not None else {}
        with (
            scopes.custom_object_scope(self.custom_objects),
            scopes.SafeModeScope(self.is_safe()),
        ):
            try:
                instance = cls.from_config(inner)
            except TypeError as error:
                raise UserTypeError(
                    f"{config['class_name']} could not be made from its config: {error}. The "
                    f"config's keys: {sorted(inner)}. Check that `get_config()` and the "
                    "constructor agree, or define `from_config`."
                ) from error
            if hasattr(instance, "take_name_of_config"):
                instance.take_name_of_config()
            self._build(instance, config)
            if config.get("compile_config") and hasattr(instance, "compile_from_config"):
                instance.compile_from_config(config["compile_config"])
        return instance

    def _build(self, instance: Any, config: Config) -> None:
        if (
            config.get("build_config")
            and hasattr(instance, "build_from_config")
            and not getattr(instance, "built", False)
        ):
            instance.build_from_config(self._nested.read(config["build_config"]))
