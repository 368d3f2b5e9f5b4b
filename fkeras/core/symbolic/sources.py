"""Which inputs a symbolic tensor is computed from."""

from __future__ import annotations

from typing import Any

from fkeras.core.symbolic.keras_tensor import KerasTensor


def get_source_inputs(tensor: KerasTensor) -> list[KerasTensor] | Any:
    """The input tensors that a symbolic tensor is computed from.

    Args:
        tensor: made by `Input`, or by calling layers on such tensors.

    Returns:
        Input tensors, each once, those that come first in the arguments of calls first. What is no
        symbolic tensor is returned as it is.

    Examples:
        >>> import fkeras
        >>> a, b = fkeras.Input((2,), name="a"), fkeras.Input((2,), name="b")
        >>> [x.name for x in fkeras.utils.get_source_inputs(a * b + a)]
        ['a', 'b']
    """
    if not isinstance(tensor, KerasTensor):
        return tensor
    found: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    waiting = [tensor]  # instead of recursion: models are deeper than Python's stack
    while waiting:
        x = waiting.pop()
        if id(x) in seen:
            continue
        seen.add(id(x))
        node = _node_of(x)
        if node is None or not node.input_tensors:
            for source in [x] if node is None else node.output_tensors:
                found.setdefault(id(source), source)
        else:
            waiting.extend(reversed(node.input_tensors))
    return list(found.values())


def _node_of(tensor: KerasTensor) -> Any:
    """The recorded call that a tensor came from; None where there is none."""
    if tensor._keras_history is None:
        return None
    operation, node_index, _ = tensor._keras_history
    return operation._inbound_nodes[node_index]
