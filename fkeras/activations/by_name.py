"""Activations by name, and their configs."""

import inspect

from fkeras.activations import functions
from fkeras.core.config import registry, serialization
from fkeras.errors import UserTypeError, unknown_name

_BUILTIN = {
    name: fn
    for name, fn in vars(functions).items()
    if inspect.isfunction(fn) and fn.__module__ == functions.__name__
}
_NAMES = {**_BUILTIN, "swish": functions.silu, "hard_swish": functions.hard_silu}

registry.add_builtins("keras.activations", _BUILTIN)


def get(identifier):
    """The activation that a name or config stands for.

    Args:
        identifier: a name such as `'relu'` (or that of a registered function), a config, any
            callable, or None for `linear`.

    Raises:
        UnknownNameError: no such activation.

    Examples:
        >>> import fkeras
        >>> fkeras.activations.get("swish").__name__
        'silu'
    """
    if identifier is None:
        return functions.linear
    found = deserialize(identifier) if isinstance(identifier, (str, dict)) else identifier
    if not callable(found):
        raise UserTypeError(
            "Could not interpret activation function identifier: expected a name, a config or a "
            f"callable. Received: {identifier!r}"
        )
    return found


def serialize(activation):
    """What `get` and `deserialize` make the activation of again: the name of a built-in function,
    else a config.

    Examples:
        >>> import fkeras
        >>> fkeras.activations.serialize(fkeras.activations.relu)
        'relu'
    """
    if not callable(activation):
        raise UserTypeError(
            f"Only callables can be serialized as activations. Received: {activation!r}"
        )
    if inspect.isfunction(activation):
        if _BUILTIN.get(activation.__name__) is activation:
            return activation.__name__
        config = serialization.serialize_keras_object(activation)
        if isinstance(config["config"], str) and not registry.is_builtin(activation):
            config["config"] = registry.get_registered_name(activation)
        return config
    return serialization.serialize_keras_object(activation)


def deserialize(config, custom_objects=None):
    """The activation that a name or a config describes.

    Args:
        config: what `serialize` returned.
        custom_objects: dict from names to functions or classes, looked at first.
    """
    if isinstance(config, str):
        found = registry.get_registered_object(config, custom_objects, _NAMES)
        if found is None:
            raise unknown_name("activation", config, _NAMES)
        return found
    return serialization.deserialize_keras_object(config, custom_objects, module_objects=_NAMES)
