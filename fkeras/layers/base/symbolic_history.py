"""`SymbolicHistory`: the part of a layer that remembers its symbolic calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fkeras.layers.base import signature

if TYPE_CHECKING:
    from fkeras.core.symbolic.keras_tensor import KerasTensor
    from fkeras.core.symbolic.node import Node
    from fkeras.types import Nested, Shape


class SymbolicHistory:
    """Inputs, outputs and their shapes, from the calls on KerasTensors."""

    @property
    def input(self) -> Nested[KerasTensor]:
        """The KerasTensor that the layer was called on; a list where there were several."""
        return _inputs_of(self._single_node("input"))

    @property
    def output(self) -> Nested[KerasTensor]:
        """The KerasTensor that the layer returned."""
        return self._single_node("output").outputs

    # Keras 3 has no such names, so that layers and models may keep something else there.
    _own_shapes: Mapping[str, Any] = {}

    @property
    def input_shape(self) -> Nested[Shape]:
        """Shape of the input, batch first (None for a free dimension)."""
        if "input" in self._own_shapes:
            return self._own_shapes["input"]
        return self._find_input_shape()

    def _find_input_shape(self) -> Nested[Shape]:
        if self._info.nodes:
            return self._common_shape("input")
        if self._info.build_shapes:
            return next(iter(self._info.build_shapes.values()))
        raise AttributeError(
            f"The layer {self.name} has never been called and thus has no defined input shape."
        )

    @input_shape.setter
    def input_shape(self, value: Any) -> None:
        self._own_shapes = {**self._own_shapes, "input": value}

    @property
    def output_shape(self) -> Nested[Shape]:
        """Shape of the output, batch first (None for a free dimension)."""
        if "output" in self._own_shapes:
            return self._own_shapes["output"]
        return self._find_output_shape()

    def _find_output_shape(self) -> Nested[Shape]:
        if self._info.nodes:
            return self._common_shape("output")
        if self._info.build_shapes:
            return self.compute_output_shape(*self._info.build_shapes.values())
        raise AttributeError(
            f"The layer {self.name} has never been called and thus has no defined output shape."
        )

    @output_shape.setter
    def output_shape(self, value: Any) -> None:
        self._own_shapes = {**self._own_shapes, "output": value}

    @property
    def inbound_nodes(self) -> list[Node]:
        """The records of the symbolic calls, as older Keras calls them."""
        return self._info.nodes

    def get_input_at(self, node_index: int) -> Nested[KerasTensor]:
        """What the layer was called on the `node_index`-th time."""
        return _inputs_of(self._info.nodes[node_index])

    def get_output_at(self, node_index: int) -> Nested[KerasTensor]:
        """What the layer returned the `node_index`-th time."""
        return self._info.nodes[node_index].outputs

    def get_input_shape_at(self, node_index: int) -> Nested[Shape]:
        """The shape of `get_input_at(node_index)`."""
        return _shape_at(self._info.nodes[node_index], "input")

    def get_output_shape_at(self, node_index: int) -> Nested[Shape]:
        """The shape of `get_output_at(node_index)`."""
        return _shape_at(self._info.nodes[node_index], "output")

    def _single_node(self, attribute: str) -> Node:
        """The record of the only call.

        Raises:
            AttributeError: there was none, or more than one.
        """
        nodes = self._info.nodes
        if not nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called and thus has no defined {attribute}."
            )
        if len(nodes) > 1:
            raise AttributeError(
                f"The layer {self.name!r} has {len(nodes)} inbound nodes, hence the notion of "
                f"'{attribute}' is ill-defined. Keep the tensor that its call returned instead."
            )
        return nodes[0]

    def _common_shape(self, side: str) -> Nested[Shape]:
        """The shape at all symbolic calls, where it is the same. `side`: 'input' or 'output'."""
        shapes = [_shape_at(node, side) for node in self._info.nodes]
        if any(shape != shapes[0] for shape in shapes):
            raise AttributeError(
                f"The layer {self.name!r} was called on different shapes: its {side} shape is "
                f"ill-defined. They are {shapes}."
            )
        return shapes[0]


def _shape_at(node: Node, side: str) -> Nested[Shape]:
    if side == "output":
        return signature.shape_of(node.outputs)
    return signature.shape_of(_inputs_of(node))


def _inputs_of(node: Node) -> Nested[KerasTensor]:
    """The tensor that a layer was called on, or a list. Where a graph begins, the input itself."""
    if getattr(node.operation, "is_input", False):
        return node.outputs
    return node.inputs[0] if len(node.inputs) == 1 else node.inputs
