"""Graphs recorded on KerasTensors, compiled once into a static plan and replayed on arrays.

A plan is a list of steps. Each names the operation to call (an index into the graph's operations),
its arguments with slot numbers in the place of tensors, and the slots that its outputs fill.
Replaying it visits no KerasTensor and no Node, and a plan without them can be copied and pickled:
the KerasTensors are made again by replaying it on new inputs.
"""

from fkeras.core.nested import flatten, map_structure
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError


class Slot:
    """Stands for a tensor in the arguments of a plan."""

    __slots__ = ("index",)

    def __init__(self, index):
        self.index = index

    def __repr__(self):
        return f"Slot({self.index})"


class Step:
    """One call of a plan."""

    __slots__ = ("operation", "node", "args", "kwargs", "outputs")

    def __init__(self, operation, node, args, kwargs, outputs):
        self.operation, self.node, self.args, self.kwargs, self.outputs = (
            operation,
            node,
            args,
            kwargs,
            outputs,
        )


class Graph:
    """What leads from inputs to outputs.

    Args:
        inputs, outputs: lists of KerasTensors.
        name: who asks, for errors.

    Attributes:
        operations: in the order in which Keras lists a model's layers: by depth from the outputs,
            then by first visit.
        steps: the plan, in an order in which it can be run.
        nodes: the recorded calls it consists of.
    """

    def __init__(self, inputs, outputs, name="function"):
        self._check(inputs, outputs, name)
        order, indices = _visit(inputs, outputs, name)
        self.nodes = order
        depths = _depths(order)
        operation_depth = {}
        for node in order:
            key = id(node.operation)
            operation_depth[key] = (
                max(depths[id(node)], operation_depth.get(key, (0,))[0]),
                node.operation,
            )
        for tensor in inputs:
            operation = tensor._keras_history[0] if tensor._keras_history else None
            if getattr(operation, "is_input", False):
                operation_depth.setdefault(id(operation), (0, operation))
                indices.setdefault(id(operation), -1)
        ranked = sorted(operation_depth.values(), key=lambda pair: (-pair[0], indices[id(pair[1])]))
        self.operations = [operation for _, operation in ranked]
        self._compile(inputs, outputs, order)

    @staticmethod
    def _check(inputs, outputs, name):
        for what, tensors in (("inputs", inputs), ("outputs", outputs)):
            for x in tensors:
                if not isinstance(x, KerasTensor):
                    raise UserInputError(
                        f"All `{what}` values must be KerasTensors, made by `Input` and by calling "
                        f"layers on them. Received for '{name}': {what}={x!r} of type "
                        f"{type(x).__name__}"
                    )

    def _compile(self, inputs, outputs, order):
        position = {id(op): i for i, op in enumerate(self.operations)}
        slots = {id(t): i for i, t in enumerate(inputs)}
        self.input_slots = list(range(len(inputs)))
        count, self.steps = len(inputs), []
        for node in order:
            made = [x for x in flatten(node.outputs) if isinstance(x, KerasTensor)]
            if all(id(t) in slots for t in made):
                continue  # computed already, or given as an input
            swap = lambda x: Slot(slots[id(x)]) if isinstance(x, KerasTensor) else x
            args, kwargs = map_structure(swap, node.args), map_structure(swap, node.kwargs)
            out = []
            for tensor in made:
                if id(tensor) not in slots:
                    slots[id(tensor)] = count
                    count += 1
                    out.append(slots[id(tensor)])
                else:
                    out.append(None)  # an input cut in here: its value was given
            index = node.operation._inbound_nodes.index(node)
            self.steps.append(
                Step(position[id(node.operation)], index, tuple(args), dict(kwargs), out)
            )
        self.output_slots = [slots[id(t)] for t in outputs]
        self.slot_count = count
        last_use = {}
        for i, step in enumerate(self.steps):
            for x in flatten([step.args, step.kwargs]):
                if isinstance(x, Slot):
                    last_use[x.index] = i
        keep = set(self.output_slots)
        self._free = [[] for _ in self.steps]
        for slot, i in last_use.items():
            if slot not in keep:
                self._free[i].append(slot)

    def without_operations(self, is_member):
        """The plan alone: `operations` keeps only what is not a member (functions of `ops`);
        members come to `replay`.
        """
        self.operations = [None if is_member(op) else op for op in self.operations]
        del self.nodes
        return self

    def replay(self, values, operations=None, call=lambda operation: operation):
        """Output values for input values, one for each input.

        Args:
            values: list of arrays or KerasTensors, as many as inputs.
            operations: what to call, in the order of `self.operations`.
            call: function (operation) -> callable that stands for it.
        """
        operations = self.operations if operations is None else operations
        table = [None] * self.slot_count
        table[: len(values)] = values
        fill = lambda x: table[x.index] if isinstance(x, Slot) else x
        for step, free in zip(self.steps, self._free):
            run = call(operations[step.operation])
            result = run(
                *map_structure(fill, step.args),
                **{k: map_structure(fill, v) for k, v in step.kwargs.items()},
            )
            for slot, value in zip(step.outputs, _aligned(result, len(step.outputs))):
                if slot is not None:
                    table[slot] = value
            for slot in free:
                table[slot] = None
        return [table[i] for i in self.output_slots]


def _aligned(result, count):
    found = flatten(result)
    if len(found) != count:
        # None among the outputs (an optional output): keep the tensors' places.
        found = found + [None] * (count - len(found))
    return found


def _visit(inputs, outputs, name):
    """Depth first from the outputs. Returns nodes in run order, and the order in which operations
    were first met.
    """
    given = {id(t) for t in inputs}
    order, indices, state = [], {}, {}
    for output in outputs:
        if id(output) in given and output._keras_history is None:
            continue
        stack = [_enter(output, given, indices, state, name)]
        while stack:
            frame = stack[-1]
            if frame is None:
                stack.pop()
                continue
            node, rest = frame
            for tensor in rest:
                child = _enter(tensor, given, indices, state, name)
                if child is not None:
                    stack.append(child)
                    break
            else:
                if state[id(node)] == "open":
                    state[id(node)] = "done"
                    order.append(node)
                stack.pop()
    return order, indices


def _enter(tensor, given, indices, state, name):
    if tensor._keras_history is None:
        if id(tensor) in given:
            return None
        raise UserInputError(
            f"The outputs of '{name}' depend on {tensor!r}, which is neither among its inputs nor "
            "made by a layer. Tensors start with `Input(...)`; list every one that the outputs "
            "need in `inputs`."
        )
    operation, node_index, _ = tensor._keras_history
    node = operation._inbound_nodes[node_index]
    at_input = id(tensor) in given
    if id(node) in state:
        if state[id(node)] == "open" and not at_input:
            raise UserInputError(f"The graph of '{name}' has a cycle at {operation!r}.")
        return None
    is_input = getattr(operation, "is_input", False)
    if at_input and not is_input:
        return None  # cut in here: what lies before does not count
    if id(operation) not in indices:
        indices[id(operation)] = len(indices)
    if not at_input and is_input:
        raise UserInputError(
            f"The outputs of '{name}' are not connected to its inputs: they depend on the input "
            f"{operation.name!r} of shape {tuple(tensor.shape)}, which is not among `inputs`. Add "
            "it there."
        )
    state[id(node)] = "open"
    return node, iter(() if at_input else node.inputs)


def _depths(order):
    depths = {id(node): 0 for node in order}
    maker = {}
    for node in order:
        for t in node.output_tensors:
            maker[id(t)] = node
    for node in reversed(order):
        for tensor in node.inputs:
            parent = maker.get(id(tensor))
            if parent is not None:
                depths[id(parent)] = max(depths[id(parent)], depths[id(node)] + 1)
    return depths
