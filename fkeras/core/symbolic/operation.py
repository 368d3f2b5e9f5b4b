"""`Operation`: a named computation on arrays that can be recorded on KerasTensors.

Layers are the operations with weights.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, Self

from fkeras.core import names
from fkeras.core.config import constructor, serialization
from fkeras.core.symbolic.argument_kinds import any_symbolic
from fkeras.core.symbolic.evaluate import evaluate
from fkeras.core.symbolic.node import Node
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.core.symbolic.keras_tensor import KerasTensor
    from fkeras.types import Config, Nested


class Operation(abc.ABC):  # abstract so that layers can be registered as operations
    """A computation to subclass: `call` on arrays; on KerasTensors the call is recorded.

    Args:
        name: None for an automatic name.

    Raises:
        UserInputError: a name with `/`.

    Examples:
        >>> import fkeras
        >>> class Twice(fkeras.Operation):
        ...     def call(self, x):
        ...         return 2 * x
        >>> Twice()(fkeras.KerasTensor((None, 3))).shape
        (None, 3)
    """

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]  # of the constructor's call, for the config
    _inbound_nodes: list[Node]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        self._arguments = (args, kwargs)
        self._inbound_nodes = []
        return self

    def __init__(self, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise UserInputError(
                "Argument `name` must be a string and cannot contain character `/`. Received: "
                f"name={name}"
            )
        self.name = name or names.auto_name(type(self).__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic(*args, *kwargs.values()):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation on arrays; to override."""
        raise TypeError(
            f"Operation {type(self).__name__!r} does not have a `call()` method implemented."
        )

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Nested[KerasTensor]:
        """What the outputs would be, with the call on record."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Nested[KerasTensor]:
        """KerasTensors that the outputs would be."""
        return evaluate(self.call, *args, **kwargs)

    def get_config(self) -> Config:
        """The constructor's arguments as plain values."""
        arguments = constructor.bind_arguments(type(self), *self._arguments)
        config = constructor.config_from_signature(self, arguments)
        config.pop("name", None)  # may be None, for an automatic one
        return {"name": self.name, **serialization.serialize_dict(config)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**{k: serialization.deserialize_keras_object(v) for k, v in config.items()})

    def _single_node(self, property_name: str) -> Node:
        if len(self._inbound_nodes) != 1:
            raise AttributeError(
                f"The operation {self.name!r} was called {len(self._inbound_nodes)} times: it has "
                f"no single {property_name}."
            )
        return self._inbound_nodes[0]

    @property
    def input(self) -> KerasTensor | list[KerasTensor]:
        """The symbolic input of the only call; a list of several."""
        inputs = self._single_node("input").inputs
        return inputs[0] if len(inputs) == 1 else inputs

    @property
    def output(self) -> Nested[KerasTensor]:
        """The symbolic output of the only call."""
        return self._single_node("output").outputs

    def __repr__(self) -> str:
        return f"<Operation name={self.name}>"
