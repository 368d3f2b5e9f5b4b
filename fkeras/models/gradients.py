"""`K.gradients`: derivatives as tensors of a graph, as older scripts use them.

A gradient is one more operation of the graph: when it is replayed it replays the part of the graph
that lies between, and differentiates that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import nnx

from fkeras.core.nested import flatten
from fkeras.core.symbolic.graph import Graph
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.core.values import lending
from fkeras.errors import UserTypeError
from fkeras.layers.base import learning_phase

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable


def gradients(
    loss: KerasTensor | Sequence[KerasTensor], variables: Any
) -> list[KerasTensor | None]:
    """Derivatives of the sum of a symbolic loss.

    Args:
        loss: a KerasTensor of any shape, or a list of them; all elements are summed.
        variables: KerasTensors that the loss was computed from, or Variables; one or a list.

    Returns:
        A list: for each of `variables` a KerasTensor of its shape; None where the loss does not
        depend on it.

    Raises:
        UserTypeError: the loss is not symbolic: derivatives of functions are `jax.grad`'s.

    Examples:
        >>> import fkeras, numpy as np
        >>> from fkeras import backend as K
        >>> x = fkeras.Input((2,))
        >>> slopes = K.gradients(K.sum(K.square(x)), x)[0]
        >>> K.function([x], [slopes])([np.array([[1.0, 2.0]])])[0].tolist()
        [[2.0, 4.0]]
    """
    losses = flatten(loss)
    for one in losses:
        if not isinstance(one, KerasTensor):
            raise UserTypeError(
                "`K.gradients` takes a loss that was computed from `Input`s or from outputs of a "
                f"model's layers. Received: {one!r:.100}. For functions of arrays, use `jax.grad`."
            )
    targets = flatten(variables)
    return [_gradient(losses, target) for target in targets]


def _gradient(losses: list[KerasTensor], target: Any) -> KerasTensor | None:
    if isinstance(target, nnx.Variable):
        return _gradient_by_variable(losses, target)
    if not isinstance(target, KerasTensor):
        raise UserTypeError(
            "`K.gradients`: derivatives are taken by KerasTensors and Variables. Received: "
            f"{target!r:.100}"
        )
    sources, reached = sources_of(losses, target)
    if not reached:
        return None
    graph = Graph([target, *sources], losses)

    def at(value: jax.Array, *others: jax.Array) -> jax.Array:
        return jax.grad(lambda x: _total(replay(graph, [x, *others])))(value)

    spec = lambda value, *others: KerasTensor(value.shape, dtype=value.dtype)
    return op(_with_floats(at), spec=spec, explained=False)(target, *sources)


def _gradient_by_variable(losses: list[KerasTensor], variable: Variable) -> KerasTensor:
    sources, _ = sources_of(losses, None)
    graph = Graph(sources, losses)

    def at(*values: jax.Array) -> jax.Array:
        def total(value: jax.Array) -> jax.Array:
            return lending.call(lambda: _total(replay(graph, values)), [variable], [value])[0]

        return jax.grad(total)(variable.value)

    spec = lambda *values: KerasTensor(tuple(variable.shape), dtype=str(variable.dtype))
    return op(at, spec=spec, explained=False)(*sources)


def _with_floats(function):
    """The function for float values: a script feeds ids and NumPy's float64, too."""

    def gradient(value, *others):
        value = jnp.asarray(value)
        if not jnp.issubdtype(value.dtype, jnp.inexact):
            value = value.astype("float32")
        return function(value, *others)

    return gradient


def replay(graph: Graph, values: Sequence[jax.Array]) -> list[jax.Array]:
    """Outputs of a graph, in the phase that `K.function` was fed."""
    return graph.replay(values, call=learning_phase.caller())


def _total(values: list[jax.Array]) -> jax.Array:
    total = jnp.zeros(())
    for value in values:
        total = total + jnp.sum(value)
    return total


def sources_of(
    outputs: Sequence[KerasTensor], target: KerasTensor | None
) -> tuple[list[KerasTensor], bool]:
    """The inputs that tensors were computed from, beside a tensor at which the search stops; and
    whether that was found.
    """
    sources: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    pending, reached = list(outputs), False
    while pending:
        tensor = pending.pop()
        if tensor is target:
            reached = True
            continue
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        history = tensor._keras_history
        if history is None or getattr(history[0], "is_input", False):
            sources[id(tensor)] = tensor
        else:
            pending += history[0]._inbound_nodes[history[1]].inputs
    return list(sources.values()), reached
