"""What the `get` and `deserialize` of a room share.

One table of the room's own objects, by every name that Keras knows them by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fkeras.core import former_names
from fkeras.core.config import registry, serialization
from fkeras.core.names import to_snake_case
from fkeras.errors import UserTypeError, unknown_name

if TYPE_CHECKING:
    from fkeras.types import Config, Identifier


class NameTable:
    """The named objects of one room.

    Args:
        kind: what they are, for messages: `'initializer'`.
        module: where configs say that they live: `'keras.initializers'`.
        objects: classes and functions, found by their own names; classes in snake case too.
        aliases: dict of further names.

    Attributes:
        names: all objects by name.
        room: where the objects live: `'initializers'`.
    """

    def __init__(
        self,
        kind: str,
        module: str,
        objects: Iterable[Callable[..., Any]],
        aliases: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        objects = list(objects)
        self.kind = kind
        self.room = module.removeprefix("keras.")
        self.names = {obj.__name__: obj for obj in objects}
        self.names.update(
            {to_snake_case(obj.__name__): obj for obj in objects if isinstance(obj, type)}
        )
        self.names.update(aliases or {})
        registry.add_builtins(module, self.names)

    def get(self, identifier: Identifier | None) -> Any:
        """The object that an identifier stands for; None for None.

        A name, a config, a class (made with its defaults), or an object itself.

        Raises:
            UnknownNameError: a name that neither this room nor the program has.
            UserTypeError: neither a name nor a config nor callable.
        """
        obj = self.deserialize(identifier) if isinstance(identifier, (str, dict)) else identifier
        if obj is None:
            return None
        if not callable(obj):
            raise UserTypeError(
                f"Could not interpret {self.kind} identifier: {identifier!r} (of type "
                f"{type(identifier).__name__}). Expected a name, a config (a dict), a class, a "
                "callable or None."
            )
        return obj() if isinstance(obj, type) else obj

    def deserialize(
        self, config: Config | str | None, custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The object of a config or a name.

        Looked for in `custom_objects`, the open scopes, what the program registered, then this
        room.

        Raises:
            UnknownNameError: a name that neither this room nor the program has.
        """
        if not isinstance(config, str):
            return serialization.deserialize_keras_object(
                config, custom_objects, module_objects=self.names
            )
        obj = registry.get_registered_object(config, custom_objects, self.names)
        if obj is None:
            obj = self._former(config)
        return obj() if isinstance(obj, type) else obj

    def _former(self, name: str) -> Any:
        """The object of a name of older Keras, with a warning; an error for an unknown one."""
        today = (former_names.today(self.room, name) or "").rpartition(":")[2]
        if today not in self.names:
            raise unknown_name(self.kind, name, self.names)
        former_names.tell(f"The {self.kind} {name!r} is called {today!r} today.")
        return self.names[today]
