"""`Function`: a recorded graph as a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fkeras.core.nested import flatten
from fkeras.core.symbolic.graph import Graph
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.operation import Operation
from fkeras.layers.base import layer as base
from fkeras.layers.base import nested, signature
from fkeras.layers.core.input_layer import InputLayer
from fkeras.models.input_structure import flatten_like, pack_like

if TYPE_CHECKING:
    from fkeras.types import Nested, Shape, Tensor


class Function(Operation):
    """A recorded graph as a function: no weights of its own, no training.

    Args:
        inputs, outputs: KerasTensors, or structures of them.
        name: None for an automatic name.

    Examples:
        >>> import fkeras
        >>> x = fkeras.KerasTensor((2,))
        >>> fn = fkeras.Function(x, fkeras.ops.add(x, 1))
        >>> fn(fkeras.ops.ones((2,))).tolist()
        [2.0, 2.0]
    """

    def __init__(
        self, inputs: Nested[KerasTensor], outputs: Nested[KerasTensor], name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self._inputs_struct = inputs
        self._outputs_struct = outputs
        give_history(flatten(inputs))
        self._graph = Graph(flatten(inputs), flatten(outputs), self.name)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The input KerasTensors as a flat list."""
        return flatten(self._inputs_struct)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The output KerasTensors as a flat list."""
        return flatten(self._outputs_struct)

    @property
    def operations(self) -> list:
        """Layers and functions in the order of the graph."""
        return list(self._graph.operations)

    def call(self, inputs: Nested[Tensor]) -> Nested[Tensor]:
        """The outputs for arrays in the structure of the inputs."""
        tensors = flatten_like(self._inputs_struct, inputs, self.name)
        return pack_like(self._outputs_struct, self._graph.replay(tensors))

    def compute_output_spec(self, inputs: Nested[KerasTensor]) -> Nested[KerasTensor]:
        """The outputs for KerasTensors in the structure of the inputs."""
        tensors = flatten_like(self._inputs_struct, inputs, self.name)
        return pack_like(self._outputs_struct, self._graph.replay(tensors, call=spec_function))

    def compute_output_shape(self, input_shape: Nested[Shape]) -> Nested[Shape]:
        """Shapes of the outputs for shapes of the inputs."""
        tensors = nested.map_shapes(KerasTensor, input_shape)
        return signature.shape_of(self.compute_output_spec(tensors))


def give_history(tensors: Sequence[Any]) -> None:
    """Lets bare KerasTensors start a graph: each gets an InputLayer behind it."""
    for tensor in tensors:
        if isinstance(tensor, KerasTensor) and tensor._keras_history is None:
            InputLayer(input_tensor=tensor, name=None)


def spec_function(operation: Any) -> Callable:
    """What stands for an operation when only shapes are asked for, recording nothing."""
    if isinstance(operation, (base.Layer, Operation)):
        return operation.compute_output_spec
    return operation.fn.compute_output_spec
