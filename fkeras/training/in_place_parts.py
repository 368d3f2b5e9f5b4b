"""What steps in tf.keras's form call: `super().train_step(data)`, `compiled_loss`, and what
`compute_loss` does for the metric 'loss' there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fkeras.core.nested import flatten
from fkeras.training import steps
from fkeras.training.in_place_steps import variables_of

if TYPE_CHECKING:
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Trainable
    from fkeras.types import Nested, Tensor


def run_own(model: Trainable, compiled: Compiled, name: str, data: Any) -> Any:
    """fkeras's own step, as `super().train_step(data)` calls it inside of one in this form."""
    groups = variables_of(model, name)
    state = tuple([variable.value for variable in group] for group in groups)
    if name == "predict_step":
        result, non_trainable = steps.predict_step(model, state, data)
        groups, new = groups[1:], [non_trainable]
    else:
        own = steps.train_step if name == "train_step" else steps.test_step
        if name == "train_step":  # without those of further optimizers
            slots = len(state[2]) if model.optimizer is None else len(model.optimizer.variables)
            groups[2], state = groups[2][:slots], (*state[:2], state[2][:slots], state[3])
        result, new = own(model, compiled, state, data)
    for variables, old, values in zip(groups, state[-len(groups) :], new):
        for variable, before, value in zip(variables, old, values):
            if value is not before:
                variable.assign(value)
    return result


class LossFace:
    """`model.compiled_loss` of tf.keras: the compiled loss as a function that also updates the
    metric 'loss'.

    Args:
        model: the model. compiled: what `compile` chose for it.
    """

    def __init__(self, model: Trainable, compiled: Compiled) -> None:
        self._model, self._compiled = model, compiled

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the loss."""
        return [m for m in self._model.metrics if m.name == "loss" or m.name.endswith("_loss")]

    def __call__(
        self,
        y_true: Nested[Tensor],
        y_pred: Nested[Tensor],
        sample_weight: Any = None,
        regularization_losses: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """The loss as a scalar, with further losses added to it."""
        total = self._compiled.loss(y_true, y_pred, sample_weight)
        for value in regularization_losses or ():
            total = total + value
        track(self._compiled, total, y_pred)
        return total

    def reset_state(self) -> None:
        """Starts its metrics again."""
        for metric in self.metrics:
            metric.reset_state()

    reset_states = reset_state


def track(compiled: Compiled, loss: Tensor, batch: Any) -> None:
    """Counts a batch's loss in the metric 'loss'."""
    leaves = flatten(batch)
    if compiled.tracker is not None:
        rows = steps.batch_size_of(leaves) if leaves else 1
        compiled.tracker.update_state(loss, sample_weight=rows)
