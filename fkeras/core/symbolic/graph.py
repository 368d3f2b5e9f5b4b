"""Graphs recorded on KerasTensors, compiled once into a static plan and replayed on arrays.

A plan is a list of steps. Each names the operation to call (an index into the graph's operations),
its arguments with a `TensorRef` in the place of each tensor, and the slots that its outputs fill.
Replaying it visits no KerasTensor and no Node, and a plan without them can be copied and pickled:
the KerasTensors are made again by replaying it on new inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fkeras.core.nested import flatten, map_structure
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.core.symbolic.node import Node


class TensorRef:
    """Stands for a tensor in the arguments of a plan: the slot that holds it in a replay."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def __repr__(self) -> str:
        return f"TensorRef({self.index})"


class Step:
    """One call of a plan.

    Attributes:
        operation: index into the graph's operations.
        node: index of the record among the operation's calls.
        args, kwargs: the arguments, a `TensorRef` for each tensor.
        outputs: the slots that the output tensors fill, in order; None where the value is not
            used, since the graph was given its own.
    """

    __slots__ = ("operation", "node", "args", "kwargs", "outputs")

    def __init__(
        self,
        operation: int,
        node: int,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        outputs: list[int | None],
    ) -> None:
        self.operation = operation
        self.node = node
        self.args = args
        self.kwargs = kwargs
        self.outputs = outputs


class Graph:
    """What leads from inputs to outputs.

    Args:
        inputs, outputs: lists of KerasTensors.
        name: who asks, for errors.

    Attributes:
        operations: in the order in which Keras lists a model's layers: by depth from the outputs,
            then by first visit.
        nodes: the recorded calls it consists of.
        steps: the plan, in an order in which it can be run.
        input_slots, output_slots: where inputs and outputs are in a replay, which has
            `slot_count` slots.
        slot_specs: shape and dtype of the tensor that each slot was filled with.

    Raises:
        UserInputError: inputs or outputs that are not symbolic, an output that does not depend on
            the inputs alone, a cycle.
    """

    def __init__(
        self,
        inputs: Sequence[KerasTensor],
        outputs: Sequence[KerasTensor],
        name: str = "function",
    ) -> None:
        _check_symbolic(inputs, outputs, name)
        visit = _Visit(inputs, name)
        visit.run(outputs)
        self.nodes = visit.order
        self.operations = _ranked_operations(inputs, visit)
        self._compile(inputs, outputs)

    def _compile(self, inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor]) -> None:
        """Makes the plan from the nodes."""
        positions = {id(operation): i for i, operation in enumerate(self.operations)}
        slots = {id(tensor): i for i, tensor in enumerate(inputs)}
        self.input_slots = list(range(len(inputs)))
        self.slot_count = len(inputs)
        self.slot_specs = [(tuple(tensor.shape), tensor.dtype) for tensor in inputs]
        self.steps: list[Step] = []
        for node in self.nodes:  # inputs of a node come before it
            if all(id(tensor) in slots for tensor in node.output_tensors):
                continue  # computed already, or given as an input
            refer = lambda x: TensorRef(slots[id(x)]) if isinstance(x, KerasTensor) else x
            args = map_structure(refer, node.args)
            kwargs = map_structure(refer, node.kwargs)
            filled = [self._new_slot(tensor, slots) for tensor in node.output_tensors]
            call_index = node.operation._inbound_nodes.index(node)
            position = positions[id(node.operation)]
            self.steps.append(Step(position, call_index, tuple(args), dict(kwargs), filled))
        self.output_slots = [slots[id(tensor)] for tensor in outputs]
        self._free = self._slots_to_free()

    def _new_slot(self, tensor: KerasTensor, slots: dict[int, int]) -> int | None:
        """A slot for an output; None where an input cut in: its value was given."""
        if id(tensor) in slots:
            return None
        slots[id(tensor)] = self.slot_count
        self.slot_specs.append((tuple(tensor.shape), tensor.dtype))
        self.slot_count += 1
        return slots[id(tensor)]

    def _slots_to_free(self) -> list[list[int]]:
        """For each step the slots that no later one reads: a replay lets go of their arrays."""
        last_use = {}
        for i, step in enumerate(self.steps):
            for x in flatten([step.args, step.kwargs]):
                if isinstance(x, TensorRef):
                    last_use[x.index] = i
        free: list[list[int]] = [[] for _ in self.steps]
        for slot, i in last_use.items():
            if slot not in self.output_slots:
                free[i].append(slot)
        return free

    def without_operations(self, is_member: Callable[[Any], bool]) -> Graph:
        """The plan alone: members are not kept, but come to `replay`.

        `operations` keeps what is not a member: functions of `ops`.

        Args:
            is_member: function (operation) -> whether the model itself holds it.
        """
        self.operations = [None if is_member(op) else op for op in self.operations]
        del self.nodes
        return self

    def replay(
        self,
        values: Sequence[Any],
        operations: Sequence[Any] | None = None,
        call: Callable[[Any], Callable[..., Any]] = lambda operation: operation,
    ) -> list[Any]:
        """Output values for input values, one for each input.

        Args:
            values: list of arrays or KerasTensors, as many as inputs.
            operations: what to call, in the order of `self.operations`.
            call: function (operation) -> callable that stands for it.
        """
        operations = self.operations if operations is None else operations
        table: list[Any] = [None] * self.slot_count
        table[: len(values)] = values
        fill = lambda x: table[x.index] if isinstance(x, TensorRef) else x
        # Every tensor of a step is in the table by now: the plan is in the order of the visit.
        for step, free in zip(self.steps, self._free):
            run = call(operations[step.operation])
            kwargs = {name: map_structure(fill, value) for name, value in step.kwargs.items()}
            result = run(*map_structure(fill, step.args), **kwargs)
            for slot, value in zip(step.outputs, _padded_leaves(result, len(step.outputs))):
                if slot is not None:
                    table[slot] = value
            for slot in free:
                table[slot] = None
        return [table[i] for i in self.output_slots]


def _padded_leaves(result: Any, count: int) -> list[Any]:
    """The tensors of a result, filled up with None: an optional output may be missing."""
    leaves = flatten(result)
    return leaves + [None] * (count - len(leaves))


def _check_symbolic(
    inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor], name: str
) -> None:
    for role, tensors in (("inputs", inputs), ("outputs", outputs)):
        for x in tensors:
            if not isinstance(x, KerasTensor):
                raise UserInputError(
                    f"All `{role}` values must be KerasTensors, made by `Input` and by calling "
                    f"layers on them. Received for '{name}': {role}={x!r} of type "
                    f"{type(x).__name__}"
                )


class _Visit:
    """A walk from the outputs back to the inputs, depth first.

    Without recursion, since models are deeper than Python's stack.

    Attributes:
        order: nodes in an order in which they can be run.
        first_seen: id of an operation -> when it was first met.
    """

    def __init__(self, inputs: Sequence[KerasTensor], name: str) -> None:
        self.name = name
        self.input_ids = {id(tensor) for tensor in inputs}
        self.order: list[Node] = []
        self.first_seen: dict[int, int] = {}
        self._is_done: dict[int, bool] = {}  # id of a node; False while its inputs are visited

    def run(self, outputs: Sequence[KerasTensor]) -> None:
        for output in outputs:
            if id(output) in self.input_ids and output._keras_history is None:
                continue
            entered = self._enter(output)
            stack = [] if entered is None else [entered]
            while stack:
                node, remaining = stack[-1]
                entered = next(filter(None, map(self._enter, remaining)), None)
                if entered is not None:
                    stack.append(entered)
                    continue
                self._is_done[id(node)] = True
                self.order.append(node)
                stack.pop()

    def _enter(self, tensor: KerasTensor) -> tuple[Node, Iterator[KerasTensor]] | None:
        """The node that made the tensor, and the tensors that it needs.

        None where nothing has to be visited.
        """
        if tensor._keras_history is None:
            self._check_is_input(tensor)
            return None
        operation, node_index, _ = tensor._keras_history
        node = operation._inbound_nodes[node_index]
        at_input = id(tensor) in self.input_ids
        if id(node) in self._is_done:
            if not self._is_done[id(node)] and not at_input:
                raise UserInputError(f"The graph of '{self.name}' has a cycle at {operation!r}.")
            return None
        is_input = getattr(operation, "is_input", False)
        if at_input and not is_input:
            return None  # cut in here: what lies before does not count
        self.first_seen.setdefault(id(operation), len(self.first_seen))
        if is_input and not at_input:
            raise UserInputError(
                f"The outputs of '{self.name}' are not connected to its inputs: they depend on the "
                f"input {operation.name!r} of shape {tuple(tensor.shape)}, which is not among "
                "`inputs`. Add it there."
            )
        self._is_done[id(node)] = False
        return node, iter(() if at_input else node.inputs)

    def _check_is_input(self, tensor: KerasTensor) -> None:
        if id(tensor) not in self.input_ids:
            raise UserInputError(
                f"The outputs of '{self.name}' depend on {tensor!r}, which is neither among its "
                "inputs nor made by a layer. Tensors start with `Input(...)`; list every one that "
                "the outputs need in `inputs`."
            )


def _ranked_operations(inputs: Sequence[KerasTensor], visit: _Visit) -> list[Any]:
    """All operations in Keras's order: the deepest first, then those met first."""
    depths = _depths(visit.order)
    depth_of: dict[int, int] = {}
    operations: dict[int, Any] = {}
    for node in visit.order:
        key = id(node.operation)
        operations[key] = node.operation
        depth_of[key] = max(depths[id(node)], depth_of.get(key, 0))
    for tensor in inputs:  # an input that no output needs is listed all the same
        operation = tensor._keras_history[0] if tensor._keras_history else None
        if getattr(operation, "is_input", False) and id(operation) not in operations:
            operations[id(operation)] = operation
            depth_of[id(operation)] = 0
            visit.first_seen.setdefault(id(operation), -1)
    ranked = sorted(operations, key=lambda key: (-depth_of[key], visit.first_seen[key]))
    return [operations[key] for key in ranked]


def _depths(order: Sequence[Node]) -> dict[int, int]:
    """id of a node -> the number of calls on the longest way from it to an output."""
    depths = {id(node): 0 for node in order}
    maker = {id(tensor): node for node in order for tensor in node.output_tensors}
    for node in reversed(order):
        for tensor in node.inputs:
            parent = maker.get(id(tensor))
            if parent is not None:
                depths[id(parent)] = max(depths[id(parent)], depths[id(node)] + 1)
    return depths
