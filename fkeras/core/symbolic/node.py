"""The record of one call on symbolic tensors."""

from fkeras.core import names
from fkeras.core.nested import flatten, map_structure
from fkeras.core.symbolic.keras_tensor import KerasTensor


class Node:
    """One recorded call: who, on what, what came out. `arguments` keep their structure,
    KerasTensors inside.
    """

    def __init__(self, operation, args, kwargs, outputs):
        args, kwargs = _without_casts(args), _without_casts(kwargs)
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.inputs = [x for x in flatten([args, kwargs]) if isinstance(x, KerasTensor)]
        operation._inbound_nodes.append(self)
        index = len(operation._inbound_nodes) - 1
        for i, tensor in enumerate(x for x in flatten(outputs) if isinstance(x, KerasTensor)):
            if tensor.record_history:
                tensor._keras_history = (operation, index, i)

    input_tensors = property(lambda self: self.inputs)
    output_tensors = property(
        lambda self: [x for x in flatten(self.outputs) if isinstance(x, KerasTensor)]
    )


def _without_casts(arguments):
    """The arguments with the outputs that earlier calls recorded in place of casts of them.

    A layer of another dtype policy is called on a cast of its input, which no call made. In a
    replay it casts by itself.
    """
    tensors = [x for x in flatten(arguments) if isinstance(x, KerasTensor)]
    if all(_recorded(x) is x for x in tensors):
        return arguments
    return map_structure(lambda x: _recorded(x) if isinstance(x, KerasTensor) else x, arguments)


def _recorded(tensor):
    if tensor._keras_history is None:
        return tensor
    operation, node_index, tensor_index = tensor._keras_history
    output = operation._inbound_nodes[node_index].output_tensors[tensor_index]
    return tensor if output.dtype == tensor.dtype else output


class FunctionOperation:
    """A function of `fkeras.ops` as it stands in a graph; made at each symbolic call."""

    def __init__(self, fn, name=None):
        self.fn = fn
        self.name = name or names.auto_name(fn.__name__)
        self._inbound_nodes: list[Node] = []

    def call(self, *args, **kwargs):
        return self.fn(*args, **kwargs)

    __call__ = call

    def __repr__(self):
        return f"<Op {self.fn.__name__}, name={self.name}>"


def record(operation, args, kwargs, outputs):
    """Writes a Node for outputs that are all new; returns the outputs."""
    Node(operation, args, kwargs, outputs)
    return outputs
