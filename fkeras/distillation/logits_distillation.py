"""`LogitsDistillation`: the student learns the teacher's probabilities."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax

from fkeras.distillation.distillation_loss import LossOfEachOutput
from fkeras.errors import UserInputError
from fkeras.losses.expectation import expectation_of

if TYPE_CHECKING:
    from fkeras.types import Config, Nested, Tensor

# What makes probabilities of logits, by what the targets of a loss are.
_ACTIVATIONS = {
    "distribution": jax.nn.softmax,
    "one_hot": jax.nn.softmax,
    "unit_interval": jax.nn.sigmoid,
}


class LogitsDistillation(LossOfEachOutput):
    """A loss between the models' outputs, which are logits, softened by a temperature.

    Both are divided by the temperature T. For losses of probabilities (`kl_divergence`,
    `categorical_crossentropy`, `binary_crossentropy`) they become probabilities, and the loss is
    multiplied by T², so that its gradients do not shrink with T. Other losses compare the divided
    logits themselves.

    Args:
        temperature: T, positive; larger ones show more of how the teacher ranks the wrong classes.
            3 to 5 are usual.
        loss: name, function or object for all outputs, or a structure of them like the outputs,
            with None for outputs that do not count.

    Raises:
        UserInputError: no loss, one of class ids, a temperature that is not positive.

    References:
        Hinton et al., 2015, https://arxiv.org/abs/1503.02531

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> loss = fkeras.distillation.LogitsDistillation(temperature=2.0)
        >>> value = loss.compute_loss(jnp.array([[2.0, 0.0]]), jnp.array([[0.0, 2.0]]))
        >>> round(float(value), 4)
        1.8485
    """

    def __init__(self, temperature: float = 3.0, loss: Nested[Any] = "kl_divergence") -> None:
        super().__init__(loss)
        if isinstance(temperature, bool) or not isinstance(temperature, numbers.Real):
            raise UserInputError(
                "LogitsDistillation: `temperature` must be a number. Received: "
                f"temperature={temperature!r}"
            )
        if not temperature > 0:
            raise UserInputError(
                f"LogitsDistillation: `temperature` must be positive. Received: {temperature}"
            )
        for choice, _, _ in self._pairs(self.loss, self.loss):
            expectation = expectation_of(choice)
            if expectation is not None and expectation.targets == "class_ids":
                raise UserInputError(
                    f"LogitsDistillation: the loss {choice!r} takes class ids as targets, but the "
                    "teacher's outputs are logits. Use 'kl_divergence' or "
                    "'categorical_crossentropy'."
                )
        self.temperature = temperature

    def _distance(self, loss: Callable[..., Any], teacher: Tensor, student: Tensor) -> Tensor:
        teacher, student = teacher / self.temperature, student / self.temperature
        expectation = expectation_of(loss)
        is_of_probabilities = expectation is not None and expectation.predictions == "probabilities"
        if not is_of_probabilities:
            return loss(teacher, student)
        activation = _ACTIVATIONS[expectation.targets]
        if not getattr(loss, "from_logits", False):
            student = activation(student)
        return loss(activation(teacher), student) * self.temperature**2

    def get_config(self) -> Config:
        return {"temperature": self.temperature, **super().get_config()}
