"""Steps in the form of tf.keras: `train_step(self, data)`, `test_step(self, data)` and
`predict_step(self, data)`, which read and write the model's Variables where they stand.

They are as pure as the others: the values of a step are lent to the Variables while it runs, and
what it wrote to them is the new state.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fkeras.core import jax_private
from fkeras.core.scoped import Scoped
from fkeras.core.values import lending
from fkeras.layers.base import context as contexts

if TYPE_CHECKING:
    from collections.abc import Callable

    from fkeras.core.values.variable import Variable
    from fkeras.training.trainable import Trainable, Values

# The model whose step of this form is running on this thread, and the trace that it runs in.
_running: Scoped[tuple[Any, Any]] = Scoped((None, None))


def is_running(model: Trainable) -> bool:
    """Whether a step of this form is running for the model, and not a derivative inside of it,
    from where no metric could be updated.
    """
    running, trace = _running.value
    return running is model and jax_private.is_same(jax_private.current_trace(), trace)


def takes_data_alone(step: Callable[..., Any]) -> bool:
    """Whether a step is of this form: it can be called with a batch, and not with a state too."""
    signature = inspect.signature(step)
    return _binds(signature, 1) and not _binds(signature, 2)


def _binds(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def call(model: Trainable, name: str, state: tuple[Values, ...], data: Any) -> tuple[Any, Any]:
    """What a step of Keras's contract returns, of one in this form.

    Args:
        model: the model. name: of the step. state: the lists of values. data: a batch.
    """
    groups = variables_of(model, name)
    variables = [variable for group in groups for variable in group]
    values = [value for group in state for value in group]
    result, after = lending.call(_run, variables, values, model, name, data)
    new, start = [], 0
    for group in groups:
        new.append(after[start : start + len(group)])
        start += len(group)
    return result, (new[1] if name == "predict_step" else tuple(new))


def _run(model, name, data):
    # Losses that layers add are of this step, as `self.losses` shows them.
    context = contexts.CallContext(model, losses=[])
    if type(data) is tuple and len(data) == 1 and hasattr(data[0], "shape"):
        data = data[0]  # as tf.keras hands inputs alone
    with contexts.opened(context), _running.inside((model, context.trace)):
        return getattr(model, name)(data)


def variables_of(model: Trainable, name: str) -> list[Sequence[Variable]]:
    """The Variables whose values are the state of a step, in Keras's order."""
    weights: list[Sequence[Variable]] = [model.trainable_variables, model.non_trainable_variables]
    if name == "predict_step":
        return weights
    if name == "test_step":
        return [*weights, model.metrics_variables]
    optimizer = [] if model.optimizer is None else model.optimizer.variables
    return [*weights, optimizer, model.metrics_variables]
