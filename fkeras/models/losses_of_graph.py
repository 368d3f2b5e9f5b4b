"""Loss functions that use tensors of the model's graph, as scripts of Keras 2 write a VAE's:
`K.mean(xent(y_true, y_pred)) - 0.5 * K.sum(1 + z_log_var - ...)`.

The tensors become further outputs of the graph. When the loss is asked for, the function is called
on symbolic targets and predictions, and what it recorded is replayed on the values of the step.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any

from fkeras.core.code_names import global_names
from fkeras.core.nested import flatten, map_structure
from fkeras.core.symbolic.graph import Graph
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError
from fkeras.layers.base import context
from fkeras.models import symbolic_losses
from fkeras.models.gradients import sources_of

if TYPE_CHECKING:
    from fkeras.models.functional import Functional
    from fkeras.types import Identifier, Nested, Tensor


def bind(model: Functional, loss: Nested[Identifier | None]) -> Nested[Identifier | None]:
    """The `loss` of `compile`, with functions of values in the place of those that use tensors of
    the model's graph.
    """
    return map_structure(lambda choice: _bind(model, choice), loss)


def _bind(model: Functional, choice: Any) -> Any:
    if not inspect.isfunction(choice):
        return choice
    inputs = {id(tensor) for tensor in model.inputs}
    tensors = [
        tensor
        for tensor in {id(tensor): tensor for tensor in _tensors_in(choice, set())}.values()
        if all(id(source) in inputs for source in sources_of([tensor], None)[0])
    ]
    if not tensors:
        return choice
    symbolic_losses.add_operands(model, tensors)

    @functools.wraps(choice)
    def loss(y_true: Tensor, y_pred: Tensor) -> Tensor:
        given = [_symbol(y_true), _symbol(y_pred)]
        result = choice(*given)
        if not isinstance(result, KerasTensor):
            return choice(y_true, y_pred)
        graph = Graph([*given, *tensors], [result], choice.__name__)
        return graph.replay([y_true, y_pred, *_values_of(tensors, choice)])[0]

    return loss


def _symbol(value: Tensor) -> KerasTensor:
    return KerasTensor((*([None] * (value.ndim > 0)), *value.shape[1:]), dtype=value.dtype)


def _values_of(tensors: list[KerasTensor], function: Callable) -> list[Tensor]:
    """What the tensors were in the model's call of this step."""
    call = context.current()
    values = None if call is None else call.tensors
    if values is None:
        raise UserInputError(
            f"The loss '{function.__name__}' uses tensors of the model's graph, such as "
            f"{tensors[0]!r}: it is known in `fit`, `train_on_batch` and `evaluate` only. Where "
            "you call it yourself, let it be a function of values."
        )
    return [values[id(tensor)] for tensor in tensors]


def _tensors_in(function: FunctionType, seen: set[int]) -> Iterator[KerasTensor]:
    """The symbolic tensors that a function and the functions beside it use by name."""
    seen.add(id(function))
    for value in _values_used_by(function):
        for leaf in flatten(value) if isinstance(value, (list, tuple, dict)) else [value]:
            if isinstance(leaf, KerasTensor):
                yield leaf
            elif (
                inspect.isfunction(leaf)
                and id(leaf) not in seen
                and leaf.__globals__ is function.__globals__
            ):
                yield from _tensors_in(leaf, seen)


def _values_used_by(function: FunctionType) -> Iterator[Any]:
    for name in global_names(function.__code__):
        if name in function.__globals__:
            yield function.__globals__[name]
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield from function.__defaults__ or ()
