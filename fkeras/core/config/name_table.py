"""What the `get` and `deserialize` of a room share: one table of its own objects, by every name
that Keras knows them by.
"""

from fkeras.core.config import registry, serialization
from fkeras.core.names import to_snake_case
from fkeras.errors import UserTypeError, unknown_name


class NameTable:
    """The named objects of one room.

    Args:
        kind: what they are, for messages: `'initializer'`.
        module: where configs say that they live: `'keras.initializers'`.
        objects: classes and functions, found by their own names; classes in snake case too.
        aliases: dict of further names.
    """

    def __init__(self, kind, module, objects, aliases=None):
        self.kind = kind
        self.names = {obj.__name__: obj for obj in objects}
        self.names.update(
            {to_snake_case(obj.__name__): obj for obj in objects if isinstance(obj, type)}
        )
        self.names.update(aliases or {})
        registry.add_builtins(module, self.names)

    def get(self, identifier):
        """The object that a name, a config, a class (made with its defaults) or an object stands
        for; None for None.

        Raises:
            UnknownNameError: a name that neither this room nor the program has.
            UserTypeError: neither a name nor a config nor callable.
        """
        found = self.deserialize(identifier) if isinstance(identifier, (str, dict)) else identifier
        if found is None:
            return None
        if not callable(found):
            raise UserTypeError(
                f"Could not interpret {self.kind} identifier: {identifier!r} (of type "
                f"{type(identifier).__name__}). Expected a name, a config (a dict), a class, a "
                "callable or None."
            )
        return found() if isinstance(found, type) else found

    def deserialize(self, config, custom_objects=None):
        """The object of a config or a name, looked for in `custom_objects`, the open scopes, what
        the program registered, then this room.
        """
        if not isinstance(config, str):
            return serialization.deserialize_keras_object(
                config, custom_objects, module_objects=self.names
            )
        found = registry.get_registered_object(config, custom_objects, self.names)
        if found is None:
            raise unknown_name(self.kind, config, self.names)
        return found() if isinstance(found, type) else found
