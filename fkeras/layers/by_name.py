"""Layers as configs and back."""

from fkeras.core.config import serialization
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer


def serialize(layer) -> dict:
    """The layer's config: class and arguments, without weights.

    >>> import fkeras
    >>> fkeras.layers.serialize(fkeras.layers.Flatten())["class_name"]
    'Flatten'
    """
    return serialization.serialize_keras_object(layer)


def deserialize(config, custom_objects=None):
    """The layer that a config describes.

    Args:
        config: what `serialize` returned.
        custom_objects: dict from names to classes, for layers of your own.

    Raises:
        UnknownNameError: nothing is registered under the class's name.
        UserInputError: the config describes no layer.
    """
    found = serialization.deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(found, Layer):
        raise UserInputError(
            "`fkeras.layers.deserialize` was passed a config object that is not a "
            f"`fkeras.layers.Layer`. Received: {config}"
        )
    return found
