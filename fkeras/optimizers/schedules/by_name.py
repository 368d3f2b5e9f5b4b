"""Schedules by config."""

from fkeras.core.config import registry, serialization
from fkeras.errors import UserTypeError, unknown_name
from fkeras.optimizers.schedules.schedule import LearningRateSchedule


def serialize(learning_rate_schedule) -> dict:
    """The config of a schedule."""
    return serialization.serialize_keras_object(learning_rate_schedule)


def deserialize(config: dict, custom_objects=None):
    """The schedule that a config describes.

    Raises:
        UnknownNameError: nothing is known under its name.
    """
    known = registry.builtins_of("keras.optimizers.schedules")
    if (
        isinstance(config, dict)
        and config.get("module") is None
        and config.get("class_name") in known
    ):
        return known[config["class_name"]].from_config(config["config"])
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects)


def get(identifier):
    """A schedule from itself, its config, or None from None.

    Raises:
        UserTypeError: anything else; a name alone does not say from which rate to start.
    """
    if identifier is None or isinstance(identifier, LearningRateSchedule):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str) and identifier not in registry.builtins_of(
        "keras.optimizers.schedules"
    ):
        raise unknown_name(
            "learning rate schedule", identifier, registry.builtins_of("keras.optimizers.schedules")
        )
    raise UserTypeError(
        "A learning rate schedule is given as an object, such as "
        "`fkeras.optimizers.schedules.CosineDecay(0.1, decay_steps=1000)`, or as its config. "
        f"Received: {identifier!r}"
    )
