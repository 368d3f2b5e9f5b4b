"""The record of one call on symbolic tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fkeras.core import names
from fkeras.core.nested import flatten, map_structure
from fkeras.core.symbolic.keras_tensor import KerasTensor

if TYPE_CHECKING:
    from fkeras.types import Nested


class Node:
    """One recorded call: who, on what, what came out. Joins the operation's list of calls.

    Args:
        operation: what was called: a layer, an `Operation`, a `FunctionOperation`.
        args, kwargs: its arguments in their structure, KerasTensors inside.
        outputs: what it returned.

    Attributes:
        inputs: the KerasTensors among the arguments, in order.
    """

    def __init__(
        self,
        operation: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        outputs: Nested[KerasTensor],
    ) -> None:
        self.operation = operation
        self.args = _without_casts(args)
        self.kwargs = _without_casts(kwargs)
        self.outputs = outputs
        self.inputs = _symbolic_leaves([self.args, self.kwargs])
        # Tensors name this record by its index, so that operations can be copied and pickled.
        operation._inbound_nodes.append(self)
        index = len(operation._inbound_nodes) - 1
        for i, tensor in enumerate(self.output_tensors):
            if tensor.record_history:
                tensor._keras_history = (operation, index, i)

    @property
    def input_tensors(self) -> list[KerasTensor]:
        """Keras's name for `inputs`."""
        return self.inputs

    @property
    def output_tensors(self) -> list[KerasTensor]:
        """The KerasTensors among the outputs, in order."""
        return _symbolic_leaves(self.outputs)


def _symbolic_leaves(structure: Any) -> list[KerasTensor]:
    return [x for x in flatten(structure) if isinstance(x, KerasTensor)]


def _without_casts(arguments: Any) -> Any:
    """The arguments with the outputs that earlier calls recorded in place of casts of them.

    A layer of another dtype policy is called on a cast of its input, which no call made. In a
    replay it casts by itself.
    """
    if all(_recorded(x) is x for x in _symbolic_leaves(arguments)):
        return arguments
    return map_structure(lambda x: _recorded(x) if isinstance(x, KerasTensor) else x, arguments)


def _recorded(tensor: KerasTensor) -> KerasTensor:
    if tensor._keras_history is None:
        return tensor
    operation, node_index, tensor_index = tensor._keras_history
    output = operation._inbound_nodes[node_index].output_tensors[tensor_index]
    return tensor if output.dtype == tensor.dtype else output


class FunctionOperation:
    """A function of `fkeras.ops` as it stands in a graph; made at each symbolic call."""

    _apart = frozenset(("name",))  # see core/likeness.py

    def __init__(self, fn: Callable[..., Any], name: str | None = None) -> None:
        self.fn = fn
        self.name = name or names.auto_name(fn.__name__)
        self._inbound_nodes: list[Node] = []

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    __call__ = call

    def __repr__(self) -> str:
        return f"<Op {self.fn.__name__}, name={self.name}>"
