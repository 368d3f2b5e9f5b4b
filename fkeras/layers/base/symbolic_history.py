"""`History`: the part of a layer that remembers its symbolic calls."""

from fkeras.layers.base import signature


class History:
    """Inputs, outputs and their shapes, from the calls on KerasTensors."""

    def _single_node(self, what):
        nodes = self._info.nodes
        if not nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called and thus has no defined {what}."
            )
        return nodes[0] if len(nodes) == 1 else nodes

    def _tensors(self, what):
        node = self._single_node(what)
        if isinstance(node, list):
            raise AttributeError(
                f"The layer {self.name!r} has {len(node)} inbound nodes, hence the notion of "
                f"'{what}' is ill-defined. Keep the tensor that its call returned instead."
            )
        if what == "output":
            return node.outputs
        tensors = node.inputs
        return tensors[0] if len(tensors) == 1 else tensors

    def _common_shape(self, what):
        """The shape at all symbolic calls, where it is the same."""
        shapes = []
        for node in self._info.nodes:
            tensors = (
                node.outputs
                if what == "output"
                else (node.inputs[0] if len(node.inputs) == 1 else node.inputs)
            )
            shapes.append(signature.shape_of(tensors))
        if any(shape != shapes[0] for shape in shapes):
            raise AttributeError(
                f"The layer {self.name!r} was called on different shapes: its {what} shape is "
                f"ill-defined. They are {shapes}."
            )
        return shapes[0]

    input = property(
        lambda self: self._tensors("input"), doc="The KerasTensor that the layer was called on."
    )
    output = property(
        lambda self: self._tensors("output"), doc="The KerasTensor that the layer returned."
    )

    @property
    def input_shape(self):
        """Shape of the input, batch first (None for a free dimension)."""
        if self._info.nodes:
            return self._common_shape("input")
        if self._info.build_shapes:
            return next(iter(self._info.build_shapes.values()))
        raise AttributeError(
            f"The layer {self.name} has never been called and thus has no defined input shape."
        )

    @property
    def output_shape(self):
        """Shape of the output, batch first (None for a free dimension)."""
        if self._info.nodes:
            return self._common_shape("output")
        if self._info.build_shapes:
            return self.compute_output_shape(*self._info.build_shapes.values())
        raise AttributeError(
            f"The layer {self.name} has never been called and thus has no defined output shape."
        )
