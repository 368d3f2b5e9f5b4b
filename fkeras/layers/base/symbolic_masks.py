"""The mask of a symbolic tensor: what a replay of its graph will find on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.config import registry
from fkeras.core.symbolic.evaluate import evaluate
from fkeras.core.symbolic.graph import Graph
from fkeras.core.symbolic.keras_tensor import TENSOR_METHODS, KerasTensor
from fkeras.core.symbolic.operation import Operation
from fkeras.core.values import lending, masks

if TYPE_CHECKING:
    from fkeras.types import Tensor


@registry.register_keras_serializable("fkeras")
class MaskOf(Operation):
    """The mask that travels with a tensor, as a value of the graph.

    Args:
        rank: number of the tensor's axes that the mask has.
        name: None for an automatic name.
    """

    def __init__(self, rank: int, name: str | None = None) -> None:
        super().__init__(name=name)
        self.rank = rank

    def call(self, x: Tensor) -> Tensor | None:
        return masks.get_mask(x)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(x.shape[: self.rank], dtype="bool")


def symbolic_mask_of(tensor: KerasTensor) -> KerasTensor | None:
    """The mask of a tensor that layers made, or None where they give it none."""
    inputs = _inputs_of(tensor)
    if not inputs:
        return None
    graph = Graph(inputs, [tensor])

    def replay(*values: Any) -> Tensor | None:
        (output,) = lending.call_abstractly(graph.replay, values)
        return masks.get_mask(output)

    mask = evaluate(replay, *inputs)
    return None if mask is None else MaskOf(len(mask.shape))(tensor)


def _inputs_of(tensor: KerasTensor) -> list[KerasTensor]:
    """The tensors that the graph before a tensor starts from."""
    inputs: list[KerasTensor] = []
    seen, remaining = set(), [tensor]
    while remaining:
        x = remaining.pop()
        if id(x) in seen or x._keras_history is None:
            continue
        seen.add(id(x))
        operation, node_index, _ = x._keras_history
        if getattr(operation, "is_input", False):
            inputs.append(x)
        else:
            remaining += operation._inbound_nodes[node_index].inputs
    return inputs


TENSOR_METHODS["mask"] = symbolic_mask_of
