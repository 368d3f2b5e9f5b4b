"""`Distiller`: trains a small model to do what a large one does."""

from __future__ import annotations

import glob
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import jax
import jax.numpy as jnp

from fkeras import metrics as metrics_module
from fkeras import tree
from fkeras.core.config import serialization
from fkeras.distillation.distillation_loss import DistillationLoss
from fkeras.errors import UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base.capture import Capture
from fkeras.models import Model

if TYPE_CHECKING:
    from fkeras.types import Config, Nested, Tensor


class Distiller(Model):
    """A model that is its student, trained on targets and on what a teacher says.

    The loss is `w * student's loss + (1 - w) * distillation loss`, with w the
    `student_loss_weight`. `compile` is given the student's own loss, `call` returns the student's
    outputs. The teacher runs in inference and is not trained. Results have `student_loss`,
    `distillation_loss` and `total_loss` beside the metrics of `compile`. With
    `student_loss_weight=0`, `fit` needs no targets.

    Args:
        teacher: a trained model, which is frozen.
        student: the model to train, of the same inputs and outputs.
        distillation_losses: a `DistillationLoss`, or a list of them.
        distillation_loss_weights: factors of the losses, as many; None for 1 each.
        student_loss_weight: w, in [0, 1].
        name: of the model.

    Attributes:
        teacher, student: the models. The trained `student` is used and saved by itself.

    Raises:
        UserInputError: teacher or student is no model, their inputs or outputs do not fit, weights
            that cannot be.

    References:
        Hinton et al., 2015, https://arxiv.org/abs/1503.02531

    Examples:
        >>> import fkeras, numpy as np
        >>> teacher = fkeras.Sequential([fkeras.Input((4,)), fkeras.layers.Dense(3)])
        >>> student = fkeras.Sequential([fkeras.Input((4,)), fkeras.layers.Dense(3)])
        >>> distiller = fkeras.distillation.Distiller(
        ...     teacher, student, fkeras.distillation.LogitsDistillation(temperature=2.0)
        ... )
        >>> loss = fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)
        >>> distiller.compile("adam", loss)
        >>> history = distiller.fit(np.ones((8, 4)), np.zeros(8, int), verbose=0).history
        >>> sorted(history)
        ['distillation_loss', 'loss', 'student_loss', 'total_loss']
        >>> len(distiller.trainable_weights), distiller.predict(np.ones((1, 4)), verbose=0).shape
        (2, (1, 3))
    """

    def __init__(
        self,
        teacher: Model,
        student: Model,
        distillation_losses: DistillationLoss | Sequence[DistillationLoss],
        distillation_loss_weights: Sequence[float] | None = None,
        student_loss_weight: float = 0.5,
        name: str = "distiller",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        _check_models(teacher, student)
        is_number = isinstance(student_loss_weight, numbers.Real)
        if not is_number or not 0 <= student_loss_weight <= 1:
            raise UserInputError(
                "Distiller: `student_loss_weight` must be a number between 0 and 1. Received: "
                f"student_loss_weight={student_loss_weight!r}"
            )
        is_list = isinstance(distillation_losses, (list, tuple))
        losses = list(distillation_losses) if is_list else [distillation_losses]
        if not losses or not all(hasattr(loss, "compute_loss") for loss in losses):
            raise UserInputError(
                "Distiller: `distillation_losses` must be a DistillationLoss, such as "
                "`LogitsDistillation()`, or a list of them. Received: "
                f"{distillation_losses!r}"
            )
        factors = distillation_loss_weights
        factors = [1.0] * len(losses) if factors is None else list(factors)
        if len(factors) != len(losses):
            raise UserInputError(
                f"Distiller: the number of `distillation_loss_weights`, {len(factors)}, must match "
                f"the number of `distillation_losses`, {len(losses)}."
            )
        for loss in losses:
            loss.validate_model_compatibility(teacher, student)
        self.teacher = teacher
        self.student = student
        self.distillation_losses = losses
        self.distillation_loss_weights = factors
        self.student_loss_weight = student_loss_weight
        self.teacher.trainable = False
        self.student_loss_tracker = metrics_module.Mean(name="student_loss")
        self.distillation_loss_tracker = metrics_module.Mean(name="distillation_loss")
        self.total_loss_tracker = metrics_module.Mean(name="total_loss")

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Nested[Any] = None,
        metrics: Nested[Any] = None,
        **kwargs: Any,
    ) -> None:
        """Chooses how the student is trained.

        Args:
            optimizer, metrics, **kwargs: see `Model.compile`.
            loss: the student's loss on the targets.

        Raises:
            UserInputError: no loss, or what `Model.compile` refuses.
        """
        if loss is None:
            raise UserInputError(
                "Distiller: 'loss' cannot be `None`: it is the student's loss on the targets. For "
                "training without targets give any, and `student_loss_weight=0`."
            )
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def compile_from_config(self, config: Config) -> None:
        # `Model` leaves a `compile` of the user's own to the user.
        if type(self).compile is not Distiller.compile:
            super().compile_from_config(config)
        elif config.get("loss") is not None:
            self.compile(**serialization.deserialize_keras_object(config))

    def call(self, inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        names = [loss.student_layer_name for loss in self.distillation_losses]
        context = contexts.current()
        if not any(names) or context.losses is None:
            return self.student(inputs, training=training, **kwargs)
        outputs, features = _with_features(self.student, names, inputs, training=training, **kwargs)
        # `compute_loss` runs in the same context, and must not compute them once more.
        context.tensors = {**(context.tensors or {}), id(self): features}
        return outputs

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The student's loss and the distillation losses, weighted.

        Args:
            x: inputs. y: targets; None where the student's loss does not count. y_pred: the
                student's outputs; None: they are computed.
            sample_weight: weights of the examples, for the student's loss.
            training: whether this is a training step.
        """
        if contexts.current() is None:
            with contexts.opened(contexts.CallContext(self)):
                return self.compute_loss(x, y, y_pred, sample_weight, training)
        if y_pred is None:
            y_pred = self(x, training=training)
        weight = self.student_loss_weight
        student_loss = jnp.zeros(())
        if weight > 0 or y is not None:
            if y is None:
                raise UserInputError(
                    f"Distiller '{self.name}' has student_loss_weight={weight} and was given no "
                    "targets: pass `y`, or make it with `student_loss_weight=0`."
                )
            student_loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        distillation_loss = jnp.zeros(())
        if weight < 1:
            distillation_loss = self._distillation_loss(x, y_pred, training)
        total = weight * student_loss + (1 - weight) * distillation_loss
        rows = tree.flatten(y_pred)[0].shape[0]
        self.student_loss_tracker.update_state(student_loss, sample_weight=rows)
        self.distillation_loss_tracker.update_state(distillation_loss, sample_weight=rows)
        self.total_loss_tracker.update_state(total, sample_weight=rows)
        return total

    def _distillation_loss(self, x: Any, y_pred: Any, training: bool) -> Tensor:
        losses = self.distillation_losses
        names = [loss.teacher_layer_name for loss in losses]
        outputs, features = jax.lax.stop_gradient(
            _with_features(self.teacher, names, x, training=False)
        )
        of_teacher = {None: outputs, **features}
        of_student = {None: y_pred, **self._student_features(x, training)}
        total = jnp.zeros(())
        for loss, factor in zip(losses, self.distillation_loss_weights):
            teacher, student = (
                of_teacher[loss.teacher_layer_name],
                of_student[loss.student_layer_name],
            )
            loss.validate_outputs(teacher, student)
            value = loss.compute_loss(teacher, student)
            if jnp.shape(value):
                raise UserInputError(
                    f"Distiller: `compute_loss` of {type(loss).__name__} must return a scalar. "
                    f"Received: shape {jnp.shape(value)}. Take the mean: `ops.mean(...)`."
                )
            total = total + factor * value
        return total

    def _student_features(self, x: Any, training: bool) -> dict[str, Any]:
        names = [loss.student_layer_name for loss in self.distillation_losses]
        kept = (contexts.current().tensors or {}).get(id(self))
        if kept is not None or not any(names):
            return kept or {}
        return _with_features(self.student, names, x, training=training)[1]

    def get_config(self) -> Config:
        write = serialization.serialize_keras_object
        return {
            **super().get_config(),
            "teacher": write(self.teacher),
            "student": write(self.student),
            "distillation_losses": [write(loss) for loss in self.distillation_losses],
            "distillation_loss_weights": self.distillation_loss_weights,
            "student_loss_weight": self.student_loss_weight,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> Self:
        """The distiller that `get_config` described, with new weights."""
        read = lambda value: serialization.deserialize_keras_object(
            value, custom_objects=custom_objects
        )
        return cls(
            **{
                **config,
                "teacher": read(config["teacher"]),
                "student": read(config["student"]),
                "distillation_losses": [read(loss) for loss in config["distillation_losses"]],
            }
        )


def _with_features(
    model: Model, names: Sequence[str | None], *args: Any, **kwargs: Any
) -> tuple[Any, dict[str, Any]]:
    """A model's outputs, and those of the layers of these names in the same call."""
    wanted = {id(model.get_layer(name)): name for name in names if name is not None}
    if not wanted:
        return model(*args, **kwargs), {}
    context = contexts.current()
    capture = Capture([glob.escape(name) for name in wanted.values()], wanted)
    outer, context.capture = context.capture, capture
    try:
        outputs = model(*args, **kwargs)
    finally:
        context.capture = outer
    missing = set(wanted.values()) - set(capture.outputs)
    if missing:
        raise UserInputError(
            f"Distiller: model '{model.name}' did not call its layer {missing.pop()!r}."
        )
    return outputs, {name: values[-1] for name, values in capture.outputs.items()}


def _check_models(teacher: Any, student: Any) -> None:
    for role, model in (("Teacher", teacher), ("Student", student)):
        if not isinstance(model, Model):
            raise UserInputError(
                f"{role} must be a Model. Distiller received: {type(model).__name__}"
            )
    for part in ("inputs", "outputs"):
        of_teacher, of_student = (getattr(model, part, None) for model in (teacher, student))
        if not of_teacher or not of_student:
            continue  # a model without a graph
        if len(of_teacher) != len(of_student):
            raise UserInputError(
                f"Distiller: teacher and student have {len(of_teacher)} and {len(of_student)} "
                f"{part}. They must have the same."
            )
        for theirs, own in zip(of_teacher, of_student):
            same_rank = len(theirs.shape) == len(own.shape)
            sizes = zip(theirs.shape, own.shape)
            fits = same_rank and all(a is None or b is None or a == b for a, b in sizes)
            if not fits or theirs.dtype != own.dtype:
                raise UserInputError(
                    f"Distiller: teacher and student {part} are incompatible. Teacher: "
                    f"{theirs.shape} {theirs.dtype}, student: {own.shape} {own.dtype}."
                )
