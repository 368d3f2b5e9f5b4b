"""Objects of one public room by name: what `initializers.get`, `regularizers.get` and `constraints.get` share."""

import inspect

from fkeras.core import names, registry
from fkeras.errors import UserTypeError, unknown_name


class NameTable:
    """The classes of one room, by class name, by its snake case spelling and by aliases.

    Args:
        kind: what the room holds, for messages: `'initializer'`.
        classes: the classes.
        aliases: dict from further names to classes.
    """

    def __init__(self, kind: str, classes, aliases=None):
        self.kind = kind
        self.classes = {cls.__name__: cls for cls in classes}
        self.names = {**self.classes, **{names.to_snake_case(name): cls for name, cls in self.classes.items()}, **(aliases or {})}

    def deserialize(self, config, custom_objects=None):
        """The object that a config describes."""
        return registry.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=self.names)

    def get(self, identifier):
        """An object from a name, a config, a class (made with its defaults) or a callable; None for None."""
        if identifier is None:
            return None
        found = identifier
        if isinstance(identifier, str):
            found = registry.get_registered_object(identifier, module_objects=self.names)
            if found is None:
                raise unknown_name(self.kind, identifier, self.names)
        elif isinstance(identifier, dict):
            found = self.deserialize(identifier)
        if not callable(found):
            raise UserTypeError(f"Could not interpret {self.kind} identifier: {identifier!r} (of type {type(identifier).__name__}). Expected "
                                f"the name of one, a config (a dict), a class, a callable or None.")
        return found() if inspect.isclass(found) else found
