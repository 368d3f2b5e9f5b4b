"""`SymbolicLosses`: losses and metrics that are tensors of a functional model's graph, as scripts
of tf.keras 2 add them: `model.add_loss(K.mean(...))`.

They are further outputs of the graph. Each call of the model counts them and hands on the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from fkeras.core.nested import flatten
from fkeras.core.symbolic.argument_kinds import any_symbolic
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import context
from fkeras.metrics import Mean, Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.models.functional import Functional
    from fkeras.types import Tensor


class Addition:
    """What a model adds to its results.

    Attributes:
        metric: what collects the values; None for a loss.
        operand: of a tensor that a loss function uses, its key among `CallContext.tensors`: it is
            neither.
    """

    def __init__(self, metric: Metric | None = None, operand: int | None = None) -> None:
        self.metric = metric
        self.operand = operand


def add_loss(model: Functional, loss: Any) -> None:
    """Takes tensors of the model's graph as losses.

    Raises:
        UserInputError: what depends on other inputs than the model's.
    """
    tensors = flatten(loss)
    _check(model, "add_loss", tensors)
    if any(tensor.shape for tensor in tensors):
        warn_user(
            f"`add_loss()` of model '{model.name}': of a tensor with axes the sum of all elements "
            "is minimised, as in tf.keras 2. For their mean, write `K.mean(...)`."
        )
    _extend(model, tensors, [Addition() for _ in tensors])


def add_metric(
    model: Functional, value: Any, aggregation: str | None = None, name: str | None = None
) -> None:
    """Takes a tensor of the model's graph as a metric: its mean over the batches.

    Args:
        value: the tensor. aggregation: 'mean' or None; both are the mean.
        name: in the logs; None for the name of the tensor.
    """
    if aggregation not in (None, "mean"):
        raise UserInputError(
            f"`add_metric()`: `aggregation` must be 'mean' or None. Received: {aggregation!r}"
        )
    _check(model, "add_metric", [value])
    warn_user(
        "`add_metric()` is of tf.keras 2. Today a layer keeps a `keras.metrics.Mean()` as an "
        "attribute and updates it in `call`."
    )
    metric = Mean(name=name or value._keras_history[0].name)
    model.graph_metrics = [*model.graph_metrics, metric]
    _extend(model, [value], [Addition(metric)])


def add_operands(model: Functional, tensors: Sequence[KerasTensor]) -> None:
    """Lets calls of the model keep the values of tensors of its graph, for loss functions."""
    known = {addition.operand for addition in model.additions}
    new = [tensor for tensor in tensors if id(tensor) not in known]
    if new:
        _extend(model, new, [Addition(operand=id(tensor)) for tensor in new])


def _check(model: Functional, method: str, tensors: Sequence[Any]) -> None:
    for tensor in tensors:
        if not isinstance(tensor, KerasTensor) or tensor._keras_history is None:
            raise UserTypeError(
                f"`{method}()` of model '{model.name}' takes tensors computed from its inputs or "
                f"from outputs of its layers. Received: {tensor!r:.100}"
            )


def _extend(model: Functional, tensors: list[KerasTensor], additions: list[Addition]) -> None:
    model._assemble(model._inputs_struct, model._outputs_struct, [*model._symbols.added, *tensors])
    model.additions = [*model.additions, *additions]
    model._compiled.change()  # what was compiled before knows nothing of it


def count(model: Functional, values: Sequence[Tensor]) -> None:
    """Adds the values of one call to the losses and metrics."""
    call = context.current()
    for addition, value in zip(model.additions, values):
        if addition.operand is not None:
            if call is not None and call.entry is model:
                call.tensors = {**(call.tensors or {}), addition.operand: value}
        elif addition.metric is None:
            model.add_loss(jnp.sum(value))
        else:
            addition.metric.update_state(value)


def is_symbolic(loss: Any) -> bool:
    """Whether what was added is of a graph, and not a value of a call."""
    return any_symbolic(loss)


def describe(model: Functional, histories: Sequence[list[Any]]) -> list[dict[str, Any]]:
    """The additions as plain values, by what made their tensors."""
    return [
        {"tensor": history, "metric": None if a.metric is None else a.metric.name}
        for a, history in zip(model.additions, histories)
        if a.operand is None
    ]


def revive(model: Functional, entries: Sequence[dict[str, Any]], tensors: list) -> None:
    """Takes the additions of a config."""
    _extend_by_names(model, tensors, [entry["metric"] for entry in entries])


def copy(model: Functional, original: Functional, tensors: list) -> None:
    """Takes the additions of another model, whose tensors are these here."""
    kept = [(t, a) for t, a in zip(tensors, original.additions) if a.operand is None]
    names = [a.metric and a.metric.name for _, a in kept]
    _extend_by_names(model, [tensor for tensor, _ in kept], names)


def _extend_by_names(model: Functional, tensors: list, names: Sequence[str | None]) -> None:
    metrics = [None if name is None else Mean(name=name) for name in names]
    model.graph_metrics = [*model.graph_metrics, *(m for m in metrics if m is not None)]
    _extend(model, tensors, [Addition(metric) for metric in metrics])
