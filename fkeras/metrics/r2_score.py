"""How much of the variance is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import jax
import jax.numpy as jnp

from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.losses.alignment import aligned
from fkeras.losses.reduction import divide_no_nan, fit_weights
from fkeras.metrics.metric import Metric
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Shape, TensorLike

ClassAggregation: TypeAlias = Literal["uniform_average", "variance_weighted_average"] | None


class R2Score(Metric):
    """1 - (squared error / variance of the targets): 1 is perfect, 0 as good as their mean.

    Args:
        class_aggregation: for several outputs: `'uniform_average'`, `'variance_weighted_average'`,
            or None for one score per output.
        num_regressors: number of independent variables, for the adjusted score; 0 for the plain
            one.
        name, dtype: as for `Metric`.

    Raises:
        UserInputError: unknown aggregation, a negative number, or batches that are not (batch,
            outputs).

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.R2Score()
        >>> round(float(metric([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: ClassAggregation = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        choices = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in choices:
            raise UserInputError(
                f"Invalid value for argument `class_aggregation`. Expected one of {choices}. "
                f"Received: class_aggregation={class_aggregation}"
            )
        if num_regressors < 0:
            raise UserInputError(
                "Invalid value for argument `num_regressors`. Expected a value >= 0. Received: "
                f"num_regressors={num_regressors}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self._add_sum((), "num_samples")
        self._built = False

    def _build(self, y_true_shape: Shape, y_pred_shape: Shape) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            raise UserInputError(
                "R2Score expects 2D inputs with shape (batch_size, output_dim). Received input "
                f"shapes: y_pred.shape={y_pred_shape} and y_true.shape={y_true_shape}."
            )
        outputs = (y_pred_shape[-1],)
        self.squared_deviation = self._add_sum(outputs, "squared_deviation")
        self.sum = self._add_sum(outputs, "sum")
        self.total_mse = self._add_sum(outputs, "residual")
        self.count = self._add_sum(outputs, "count")
        self._built = True

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in a batch (batch, outputs); weights (batch,) or (batch, outputs)."""
        dtype = self._sum_dtype
        y_true, y_pred = aligned(self.name, as_array(y_true, dtype), as_array(y_pred, dtype))
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        weights = as_array(1 if sample_weight is None else sample_weight, dtype)
        weights = jnp.broadcast_to(fit_weights(weights, y_true.shape), y_true.shape)
        # Two means and squared deviations, of what was seen and of this batch, become one.
        count = jnp.sum(weights, axis=0)  # (outputs,)
        total = jnp.sum(weights * y_true, axis=0)
        mean = divide_no_nan(total, count)
        # Not the sum of squares less the square of the sum: in float32 their difference is noise
        # once means are large (Chan et al., 1983).
        between = jnp.square(mean - divide_no_nan(self.sum.value, self.count.value))
        between = between * divide_no_nan(count * self.count.value, count + self.count.value)
        within = jnp.sum(weights * jnp.square(y_true - mean[None]), axis=0)
        self.squared_deviation.assign_add(within + between)
        self.sum.assign_add(total)
        self.count.assign_add(count)
        self.total_mse.assign_add(jnp.sum(weights * jnp.square(y_true - y_pred), axis=0))
        # Examples of weight 0 are no data points.
        self.num_samples.assign_add(jnp.sum(jnp.any(weights != 0, axis=-1)))

    def result(self) -> jax.Array:
        if not self._built:
            return jnp.full((), jnp.nan, self.dtype)
        variance = self.squared_deviation.value
        scores = 1 - self.total_mse.value / variance
        scores = jnp.where(jnp.isinf(scores), 0.0, scores)  # constant targets, as Keras has it
        if self.class_aggregation == "uniform_average":
            scores = jnp.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = jnp.sum(variance * scores) / jnp.sum(variance)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, score: jax.Array) -> jax.Array:
        """The score, less what as many independent variables would explain of pure noise."""
        n, p = self.num_samples.value, self.num_regressors
        freedom = n - p - 1
        if not isinstance(n, jax.core.Tracer) and freedom <= 0:
            reason = "Division by zero in Adjusted R2 score."
            if freedom < 0:
                reason = "More independent predictors than datapoints in adjusted R2 score."
            warn_user(f"{reason} Falling back to standard R2 score.")
        adjusted = 1 - (1 - score) * (n - 1) / jnp.where(freedom > 0, freedom, 1)
        return jnp.where(freedom > 0, adjusted, score)
