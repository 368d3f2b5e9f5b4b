"""Which optimizer takes which parameter, by paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, Self

from fkeras.core.config import serialization
from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers.optimizer import Optimizer

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.types import Config


class OptimizerMap(MutableMapping[str, Optimizer]):
    """Optimizers by the path of a parameter.

    A key is a path or a regular expression that must match the whole of one: `"encoder/.*"` is all
    below `encoder`. An exact path wins; a path that two expressions match is an error.

    Args:
        default_optimizer: for all other parameters.
        optimizer_map: dict from keys to optimizers.

    Examples:
        >>> import fkeras
        >>> chosen = fkeras.optimizers.OptimizerMap(fkeras.optimizers.SGD(name="rest"))
        >>> chosen["encoder/.*"] = fkeras.optimizers.Adam(name="slow")
        >>> chosen["encoder/dense/kernel"].name, chosen["head/kernel"].name
        ('slow', 'rest')
    """

    def __init__(
        self,
        default_optimizer: Optimizer,
        optimizer_map: dict[str, Optimizer] | None = None,
    ) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise UserTypeError(
                "default_optimizer must be a Keras Optimizer instance. Received: "
                f"{default_optimizer!r}"
            )
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise UserTypeError(f"optimizer_map must be a dictionary. Received: {optimizer_map!r}")
        refuse_composite(default_optimizer)
        self._default_optimizer = default_optimizer
        self._optimizer_map: dict[str, Optimizer] = {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of all parameters that no key matches."""
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        matching = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise UserInputError(
                f"Multiple optimizers assigned to variable {key}: by the keys {matching}."
            )
        return self._optimizer_map[matching[0]] if matching else self._default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise UserInputError(f"key must be a string. Received: {key!r}")
        if key in self._optimizer_map:
            raise UserInputError(
                f"'{key}' already exists in the OptimizerMap with value "
                f"{self._optimizer_map[key]}. Please make sure to not use duplicated keys."
            )
        if not isinstance(optimizer, Optimizer):
            raise UserInputError(
                f"optimizer must be a Keras Optimizer instance. Received: {optimizer!r}"
            )
        refuse_composite(optimizer)
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __contains__(self, key: object) -> bool:
        return key in self._optimizer_map

    def __call__(self, variable: nnx.Variable | ParameterInfo) -> Optimizer:
        """The optimizer of a parameter, by its `path`."""
        return self[variable.path]

    def get_config(self) -> Config:
        return {
            "default_optimizer": serialization.serialize_keras_object(self._default_optimizer),
            "optimizer_map": serialization.serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        return cls(
            serialization.deserialize_keras_object(
                config["default_optimizer"], custom_objects=custom_objects
            ),
            serialization.deserialize_keras_object(
                config["optimizer_map"], custom_objects=custom_objects
            ),
        )


def refuse_composite(optimizer: Optimizer, message: str = "optimizer cannot be {}.") -> None:
    """Raises for an optimizer with others inside, which would scale or count steps on its own."""
    if optimizer._composite_kind is not None:
        raise UserInputError(message.format(optimizer._composite_kind))


def refuse_needs_of_loss(optimizer: Optimizer, composite: str, remedy: str) -> None:
    """Raises for an Optax transformation that asks for the loss, which others do not pass on."""
    if optimizer._needs is not None:
        raise UserInputError(
            f"{optimizer!r} asks for more than gradients ({optimizer._needs}) It cannot be inside "
            f"of a {composite}: {remedy}."
        )
