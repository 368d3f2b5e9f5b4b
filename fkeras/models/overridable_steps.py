"""`OverridableSteps`: the steps, loss and metrics that users override in a `Model`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fkeras.core.values import lending
from fkeras.training import in_place_parts, in_place_steps, steps
from fkeras.training.logs import named_results

if TYPE_CHECKING:
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Logs, Values
    from fkeras.types import Nested, Tensor

# What a class may replace, and training then leaves alone.
OVERRIDABLE = (
    "compile",
    "train_step",
    "test_step",
    "predict_step",
    "compute_loss",
    "compute_metrics",
    "get_metrics_result",
    "metrics",
)


_Step = TypeVar("_Step", bound=Callable[..., Any])


def _of_data_alone_too(step: _Step) -> _Step:
    """A step that may also be called in the form of tf.keras: `super().train_step(data)`."""

    @functools.wraps(step)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) + len(kwargs) > 1:
            return step(self, *args, **kwargs)
        (data,) = (*args, *kwargs.values())
        return in_place_parts.run_own(self, self._compiled, step.__name__, data)

    return cast("_Step", wrapper)


class NoMetrics:
    """`compiled_metrics` where `compile` was given none."""

    metrics = ()

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing."""


class OverridableSteps:
    """Keras's contract on JAX: pure steps on lists of values."""

    _compiled: Compiled

    # The tensors are not typed: an override takes over the types of what it overrides, and users
    # know whether theirs are arrays, lists or dicts.

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The scalar to minimise: the compiled loss plus what layers added. Override it for a loss
        of your own.

        Args:
            x: inputs. y: targets. y_pred: outputs. sample_weight: weights of the examples.
            training: whether this is a training step.
        """
        loss = steps.compute_loss(self, self._compiled, y, y_pred, sample_weight)
        if in_place_steps.is_running(self):
            in_place_parts.track(self._compiled, loss, y_pred)
        return loss

    @property
    def compiled_loss(self) -> in_place_parts.LossFace | None:
        """The compiled loss as a function, for steps in tf.keras's form:
        `self.compiled_loss(y, y_pred, regularization_losses=self.losses)`. It updates the metric
        'loss' too. None where `compile` was given none.
        """
        if self._compiled.loss is None:
            return None
        return in_place_parts.LossFace(self, self._compiled)

    @property
    def compiled_metrics(self) -> Any:
        """The compiled metrics as one, for steps in tf.keras's form:
        `self.compiled_metrics.update_state(y, y_pred, sample_weight)`.
        """
        return self._compiled.metrics or NoMetrics()

    def compute_metrics(
        self,
        x: Any,
        y: Any,
        y_pred: Any,
        sample_weight: Any = None,
    ) -> Logs:
        """Updates the compiled metrics and returns all results by name. Override it for metrics of
        your own.

        Args:
            x: inputs. y: targets. y_pred: outputs. sample_weight: weights of the examples.
        """
        if self._compiled.metrics is not None:
            self._compiled.metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> Logs:
        """Results of all metrics by name, as floats (or arrays, inside a pure call)."""
        results: Logs = {}
        for metric in self.metrics:
            results.update(named_results(metric.name, metric.result()))
        return results

    def stateless_compute_loss(
        self,
        trainable_variables: Values,
        non_trainable_variables: Values,
        metrics_variables: Values,
        x: Nested[Tensor] | None = None,
        y: Nested[Tensor] | None = None,
        y_pred: Nested[Tensor] | None = None,
        sample_weight: Nested[Tensor] | None = None,
        training: bool = True,
    ) -> tuple[Tensor, tuple[Values, Values, Values]]:
        """Keras's pure form of `compute_loss`.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: values, in the order of
                the model's lists of these names.
            x, y, y_pred, sample_weight, training: as in `compute_loss`.

        Returns:
            `(loss, (trainable, non-trainable, metric values))`.
        """
        variables = [
            *self.trainable_variables,
            *self.non_trainable_variables,
            *self.metrics_variables,
        ]
        values = [*trainable_variables, *non_trainable_variables, *metrics_variables]

        def run():
            return steps.call_compute_loss(self, x, y, y_pred, sample_weight, training)

        loss, after = lending.call(run, variables, values)
        weights = len(trainable_variables) + len(non_trainable_variables)
        trainable = after[: len(trainable_variables)]
        non_trainable = after[len(trainable_variables) : weights]
        return loss, (trainable, non_trainable, after[weights:])

    def compute_loss_and_updates(
        self,
        trainable_variables: Values,
        non_trainable_variables: Values,
        metrics_variables: Values,
        x: Nested[Tensor],
        y: Nested[Tensor] | None,
        sample_weight: Nested[Tensor] | None,
        training: bool = False,
        optimizer_variables: Values | None = None,
    ) -> tuple[Tensor, tuple]:
        """What `train_step` differentiates.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables, optimizer_variables:
                values, in the order of the model's lists; None for no optimizer.
            x: inputs. y: targets. sample_weight: weights of the examples.
            training: whether this is a training step.

        Returns:
            `(loss to differentiate, (loss, outputs, new non-trainable values, new metric values))`.
        """
        return steps.compute_loss_and_updates(
            self,
            self._compiled,
            trainable_variables,
            non_trainable_variables,
            metrics_variables,
            x,
            y,
            sample_weight,
            training,
            optimizer_variables,
        )

    # Each of these can also be overridden in the form of tf.keras, `train_step(self, data)`, which
    # reads and writes the Variables themselves, and then be called as `super().train_step(data)`.

    @_of_data_alone_too
    def train_step(self, state: Any, data: Any) -> Any:
        """One training step, pure: Keras's contract on JAX. Override it for a step of your own.

        Args:
            state: (trainable, non-trainable, optimizer, metric) values, lists in the order of
                `trainable_variables`, `non_trainable_variables`, `optimizer.variables`,
                `metrics_variables`.
            data: a batch: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            `(logs, state)`.
        """
        return steps.train_step(self, self._compiled, state, data)

    @_of_data_alone_too
    def test_step(self, state: Any, data: Any) -> Any:
        """One evaluation step, pure: `(logs, state)` for state = (trainable, non-trainable, metric)
        values.
        """
        return steps.test_step(self, self._compiled, state, data)

    @_of_data_alone_too
    def predict_step(self, state: Any, data: Any) -> Any:
        """One prediction step, pure: `(outputs, non-trainable values)` for state = (trainable,
        non-trainable) values.
        """
        return steps.predict_step(self, state, data)
