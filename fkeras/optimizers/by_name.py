"""Optimizers by name, config or Optax transformation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import optax

from fkeras.core.config import registry, scopes, serialization
from fkeras.errors import UserTypeError, unknown_name
from fkeras.optimizers.optimizer import Optimizer

if TYPE_CHECKING:
    from fkeras.types import Config, Identifier


def _classes_by_lower_name() -> dict[str, type[Optimizer]]:
    """fkeras's own classes, as `fkeras.optimizers` lists them."""
    builtins = registry.builtins_of("keras.optimizers")
    return {name.lower(): cls for name, cls in builtins.items() if isinstance(cls, type)}


def serialize(optimizer: Optimizer) -> Config:
    """The config of an optimizer, without its state."""
    return serialization.serialize_keras_object(optimizer)


def deserialize(config: Config, custom_objects: dict[str, Any] | None = None) -> Optimizer:
    """The optimizer that a config describes. Names of fkeras's own count in any case.

    Args:
        config: what `serialize` returned.
        custom_objects: dict from names to classes, looked at first.

    Raises:
        UnknownNameError: nothing is known under its name.
    """
    if not isinstance(config, dict) or "class_name" not in config:
        raise UserTypeError(
            f"An optimizer's config is a dict with 'class_name' and 'config'. Received: {config!r}"
        )
    name, builtins = config["class_name"], _classes_by_lower_name()
    custom = _found(name, config.get("registered_name"), custom_objects, builtins)
    is_ours = str(config.get("module") or "keras").split(".")[0] in ("keras", "fkeras")
    if custom is None and is_ours and str(name).lower() in builtins:
        # Open for what the config holds: schedules, optimizers inside.
        with scopes.custom_object_scope(custom_objects):
            return builtins[name.lower()].from_config(dict(config.get("config") or {}))
    if custom is None and config.get("module") is None:
        raise unknown_name("optimizer", name, [*builtins, *(custom_objects or {})])
    return serialization.deserialize_keras_object(
        {"config": {}, **config}, custom_objects=custom_objects
    )


def _found(
    name: Any,
    registered_name: str | None,
    custom_objects: dict[str, Any] | None,
    builtins: dict[str, type[Optimizer]],
) -> Any:
    """What a config names, in the case in which it is written; None for nothing.

    The search of all rooms, which loads them, is left out for optimizers of fkeras's own.
    """
    own = builtins.get(str(name).lower())
    if own is None:
        return registry.find(None, name, registered_name, custom_objects)
    for key in filter(None, (registered_name, name)):
        registered = registry.get_registered_object(key, custom_objects)
        if registered is not None:
            return registered
    return registry.builtins_of("keras.optimizers").get(name)


def get(
    identifier: Optimizer | Identifier | optax.GradientTransformation | optax.MultiSteps | None,
) -> Optimizer | None:
    """An optimizer from a name, a config, an Optax transformation, itself, or None from None.

    Args:
        identifier: `'adam'`, a config dict, an `Optimizer`, any `optax.GradientTransformation`, an
            `optax.MultiSteps`, or None.

    Raises:
        UnknownNameError: no such name; suggests the nearest.
        UserTypeError: anything else.

    Examples:
        >>> import fkeras, optax
        >>> fkeras.optimizers.get("adamw").name
        'adam_w'
        >>> fkeras.optimizers.get(optax.adabelief(1e-3))
        <OptaxOptimizer 'optax_optimizer'>
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):
        return _checked(deserialize(identifier), identifier)
    if isinstance(identifier, str):
        return _checked(deserialize({"class_name": identifier, "config": {}}), identifier)
    if isinstance(identifier, (optax.GradientTransformation, optax.MultiSteps)):
        return registry.builtins_of("keras.optimizers")["OptaxOptimizer"](identifier)
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        raise UserTypeError(
            f"An optimizer is given as an object: write {identifier.__name__}() instead of "
            f"{identifier.__name__}."
        )
    raise _no_optimizer(identifier)


def _checked(result: Any, identifier: Any) -> Optimizer:
    if not isinstance(result, Optimizer):
        raise _no_optimizer(identifier)
    return result


def _no_optimizer(identifier: Any) -> UserTypeError:
    return UserTypeError(
        f"Could not interpret optimizer identifier: {identifier!r}. Pass a name such as 'adam', an "
        "optimizer such as `fkeras.optimizers.Adam(1e-3)`, or an Optax transformation."
    )
