"""Schedules by config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.config import registry, serialization
from fkeras.errors import UserTypeError, unknown_name
from fkeras.optimizers.schedules.schedule import LearningRateSchedule

if TYPE_CHECKING:
    from fkeras.types import Config


def serialize(learning_rate_schedule: LearningRateSchedule) -> Config:
    """The config of a schedule."""
    return serialization.serialize_keras_object(learning_rate_schedule)


def deserialize(
    config: Config, custom_objects: dict[str, Any] | None = None
) -> LearningRateSchedule:
    """The schedule that a config describes.

    Args:
        config: what `serialize` returned.
        custom_objects: dict from names to classes, looked at first.

    Raises:
        UnknownNameError: nothing is known under its name.
    """
    builtins = registry.builtins_of("keras.optimizers.schedules")
    # Written by hand or by an old Keras, without a module.
    if isinstance(config, dict) and config.get("module") is None:
        if config.get("class_name") in builtins:
            return builtins[config["class_name"]].from_config(config["config"])
    return serialization.deserialize_keras_object(config, custom_objects=custom_objects)


def get(
    identifier: LearningRateSchedule | Config | str | None,
) -> LearningRateSchedule | None:
    """A schedule from itself, its config, or None from None.

    Raises:
        UserTypeError: anything else; a name alone does not say from which rate to start.
    """
    if identifier is None or isinstance(identifier, LearningRateSchedule):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    builtins = registry.builtins_of("keras.optimizers.schedules")
    if isinstance(identifier, str) and identifier not in builtins:
        raise unknown_name("learning rate schedule", identifier, builtins)
    raise UserTypeError(
        "A learning rate schedule is given as an object, such as "
        "`fkeras.optimizers.schedules.CosineDecay(0.1, decay_steps=1000)`, or as its config. "
        f"Received: {identifier!r}"
    )
