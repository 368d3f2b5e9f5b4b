"""`Operation`: a named computation that can be called on arrays and recorded on KerasTensors.
Layers are the operations with weights.
"""

import abc

from fkeras.core import names
from fkeras.core.config import constructor, serialization
from fkeras.core.symbolic.evaluate import evaluate
from fkeras.core.symbolic.keras_tensor import any_symbolic
from fkeras.core.symbolic.node import Node
from fkeras.errors import UserInputError


class Operation(abc.ABC):  # noqa: B024  abstract so that layers can be registered as operations
    """A computation to subclass: `call` on arrays; on KerasTensors the call is recorded.

    Args:
        name: None for an automatic name.

    Examples:
        >>> import fkeras
        >>> class Twice(fkeras.Operation):
        ...     def call(self, x):
        ...         return 2 * x
        >>> Twice()(fkeras.KerasTensor((None, 3))).shape
        (None, 3)
    """

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        self._arguments = (args, kwargs)
        self._inbound_nodes = []
        return self

    def __init__(self, name=None):
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise UserInputError(
                "Argument `name` must be a string and cannot contain character `/`. Received: "
                f"name={name}"
            )
        self.name = name or names.auto_name(type(self).__name__)

    def __call__(self, *args, **kwargs):
        if any_symbolic(*args, *kwargs.values()):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args, **kwargs):
        raise TypeError(
            f"Operation {type(self).__name__!r} does not have a `call()` method implemented."
        )

    def symbolic_call(self, *args, **kwargs):
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args, **kwargs):
        """KerasTensors that the outputs would be."""
        return evaluate(self.call, *args, **kwargs)

    def get_config(self):
        config = {"name": self.name}
        arguments = constructor.bind_arguments(type(self), *self._arguments)
        found = constructor.config_from_signature(self, arguments)
        return {
            **config,
            **{
                k: serialization.serialize_keras_object(v)
                for k, v in found.items()
                if k not in config
            },
        }

    @classmethod
    def from_config(cls, config):
        return cls(**{k: serialization.deserialize_keras_object(v) for k, v in config.items()})

    def _node(self, what):
        if len(self._inbound_nodes) != 1:
            raise AttributeError(
                f"The operation {self.name!r} was called {len(self._inbound_nodes)} times: it has "
                f"no single {what}."
            )
        return self._inbound_nodes[0]

    @property
    def input(self):
        inputs = self._node("input").inputs
        return inputs[0] if len(inputs) == 1 else inputs

    @property
    def output(self):
        return self._node("output").outputs

    def __repr__(self):
        return f"<Operation name={self.name}>"
