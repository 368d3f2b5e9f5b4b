"""`DistillationLoss`: how far a student is from its teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import jax.numpy as jnp

from fkeras import losses as losses_module
from fkeras import tree
from fkeras.errors import UserInputError
from fkeras.losses.expectation import expectation_of

if TYPE_CHECKING:
    from fkeras.models import Model
    from fkeras.types import Config, Nested, Tensor


class DistillationLoss:
    """The base of losses between a teacher's and a student's outputs.

    Subclass it for a loss of your own: define `compute_loss`, and `get_config` where its
    constructor takes arguments that files should keep.

    Attributes:
        teacher_layer_name, student_layer_name: the layers whose outputs are compared; None for the
            models' outputs.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> class Gap(fkeras.distillation.DistillationLoss):
        ...     def compute_loss(self, teacher_outputs, student_outputs):
        ...         return jnp.mean(jnp.abs(teacher_outputs - student_outputs))
        >>> float(Gap().compute_loss(jnp.array([1.0, 2.0]), jnp.array([1.0, 4.0])))
        1.0
    """

    teacher_layer_name: str | None = None
    student_layer_name: str | None = None

    def compute_loss(
        self, teacher_outputs: Nested[Tensor], student_outputs: Nested[Tensor], **kwargs: Any
    ) -> Tensor:
        """The loss as a scalar: override it.

        Args:
            teacher_outputs, student_outputs: arrays, or the same structure of them.
            **kwargs: for losses of one's own.
        """
        raise UserInputError(
            f"{type(self).__name__}: subclasses must implement "
            "`compute_loss(teacher_outputs, student_outputs)`."
        )

    def validate_outputs(
        self, teacher_outputs: Nested[Tensor], student_outputs: Nested[Tensor]
    ) -> None:
        """Raises where the two cannot be compared: here, where their structures differ.

        Raises:
            UserInputError: says in what they differ.
        """
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Model, student: Model) -> None:
        """Raises where the loss cannot be computed for two models; told when the `Distiller` is
        made.

        Raises:
            UserInputError: a layer of that name does not exist.
        """

    def get_config(self) -> Config:
        """The constructor's arguments as plain values; none, unless overridden."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The loss that `get_config` described."""
        return cls(**config)


class LossOfEachOutput(DistillationLoss):
    """A loss between outputs that is the sum of a loss for each.

    Args:
        loss: a name, function or object for all outputs, or a structure of them like the outputs,
            with None for outputs that do not count.
    """

    def __init__(self, loss: Nested[Any]) -> None:
        self.loss = tree.map_structure(losses_module.get, loss)
        if all(choice is None for choice in tree.flatten(self.loss)):
            raise UserInputError(
                f"{type(self).__name__}: `loss` must name at least one loss that is not None. "
                f"Received: loss={loss!r}"
            )

    def validate_outputs(
        self, teacher_outputs: Nested[Tensor], student_outputs: Nested[Tensor]
    ) -> None:
        super().validate_outputs(teacher_outputs, student_outputs)
        if tree.is_nested(self.loss):
            try:
                tree.assert_same_structure(self.loss, teacher_outputs)
            except ValueError as error:
                raise UserInputError(
                    f"{type(self).__name__}: `loss` and the outputs have different structures: "
                    f"{error}"
                ) from None
        for choice, teacher, student in self._pairs(teacher_outputs, student_outputs):
            if expectation_of(choice) is not None and teacher.shape[1:] != student.shape[1:]:
                raise UserInputError(
                    f"{type(self).__name__} compares outputs of one shape. The teacher's is "
                    f"{tuple(teacher.shape)}, the student's {tuple(student.shape)}{self._layers()}."
                )

    def _layers(self) -> str:
        if self.teacher_layer_name is None and self.student_layer_name is None:
            return ""
        return (
            f" (layers {self.teacher_layer_name!r} and {self.student_layer_name!r}): name layers "
            "of one size, or bring the student's to that of the teacher by a Dense layer"
        )

    def _pairs(self, teacher_outputs: Any, student_outputs: Any) -> list[tuple[Any, Any, Any]]:
        """(loss, teacher's output, student's output) of the outputs that count."""
        teachers, students = tree.flatten(teacher_outputs), tree.flatten(student_outputs)
        choices = tree.flatten(self.loss)
        if not tree.is_nested(self.loss):
            choices = choices * len(teachers)
        triples = zip(choices, teachers, students)
        return [triple for triple in triples if triple[0] is not None]

    def _distance(self, loss: Callable[..., Any], teacher: Tensor, student: Tensor) -> Tensor:
        """The loss of one output."""
        return loss(teacher, student)

    def compute_loss(
        self, teacher_outputs: Nested[Tensor], student_outputs: Nested[Tensor], **kwargs: Any
    ) -> Tensor:
        pairs = self._pairs(teacher_outputs, student_outputs)
        return sum(jnp.mean(self._distance(*pair)) for pair in pairs)

    def get_config(self) -> Config:
        write = lambda loss: None if loss is None else losses_module.serialize(loss)
        return {"loss": tree.map_structure(write, self.loss)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**{**config, "loss": _read(config["loss"])})


def _read(config: Any) -> Any:
    """A loss, or a structure of losses, from configs."""
    if isinstance(config, dict) and "class_name" not in config:
        return {name: _read(inner) for name, inner in config.items()}
    if isinstance(config, (list, tuple)):
        return [_read(inner) for inner in config]
    return None if config is None else losses_module.deserialize(config)
