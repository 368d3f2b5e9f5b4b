"""`FeatureDistillation`: the student's inner layers learn from the teacher's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.distillation.distillation_loss import LossOfEachOutput
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.models import Model
    from fkeras.types import Config, Nested


class FeatureDistillation(LossOfEachOutput):
    """A loss between outputs of two layers, one of the teacher and one of the student.

    Args:
        loss: name, function or object for all outputs, or a structure of them like the outputs of
            the layers, with None for those that do not count.
        teacher_layer_name, student_layer_name: names of the layers; None for the models' outputs.

    Raises:
        UserInputError: no loss; later, a layer that does not exist, or outputs of different shapes.

    References:
        Romero et al., 2014, https://arxiv.org/abs/1412.6550

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> loss = fkeras.distillation.FeatureDistillation("mse")
        >>> float(loss.compute_loss(jnp.array([[1.0, 2.0]]), jnp.array([[1.0, 4.0]])))
        2.0
    """

    def __init__(
        self,
        loss: Nested[Any] = "mse",
        teacher_layer_name: str | None = None,
        student_layer_name: str | None = None,
    ) -> None:
        super().__init__(loss)
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name

    def validate_model_compatibility(self, teacher: Model, student: Model) -> None:
        for role, model, name in (
            ("teacher", teacher, self.teacher_layer_name),
            ("student", student, self.student_layer_name),
        ):
            if name is not None:
                try:
                    model.get_layer(name)
                except ValueError as error:
                    raise UserInputError(f"In {role} model '{model.name}': {error}") from None

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "teacher_layer_name": self.teacher_layer_name,
            "student_layer_name": self.student_layer_name,
        }
