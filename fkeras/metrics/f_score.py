"""The harmonic mean of precision and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from fkeras.core.settings import epsilon
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.losses.alignment import aligned
from fkeras.losses.reduction import fit_weights
from fkeras.metrics.metric import Metric
from fkeras.metrics.probability_check import warn_unless_probabilities
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Shape, TensorLike

Average: TypeAlias = Literal["micro", "macro", "weighted"] | None


class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall).

    For one-hot or multi-label targets.

    Args:
        average: over classes: None for one score per class, `'micro'` (all counts together),
            `'macro'` (plain mean) or `'weighted'` (by the number of true examples).
        beta: float > 0: how many times as much recall counts as precision.
        threshold: float in (0, 1] above which a prediction is positive; None for the largest of
            each example.
        name, dtype: as for `Metric`.

    Raises:
        UserInputError: arguments out of range, or batches that are not (batch, classes).

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.FBetaScore(beta=2.0, threshold=0.5)
        >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> scores = metric(y_true, [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]])
        >>> [round(float(score), 4) for score in scores]
        [0.3846, 0.9091, 0.8333]
    """

    _direction = "up"

    def __init__(
        self,
        average: Average = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        _check_arguments(average, beta, threshold)
        self.average = average
        self.beta = beta
        self.threshold = threshold
        # The largest of several may as well be found among logits.
        self._needs_probabilities = threshold is not None
        self._built = False

    # The number of classes is seen at the first batch.
    def _build(self, y_true_shape: Shape, y_pred_shape: Shape) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            raise UserInputError(
                "FBetaScore expects 2D inputs with shape (batch_size, output_dim). Received input "
                f"shapes: y_pred.shape={y_pred_shape} and y_true.shape={y_true_shape}."
            )
        if y_pred_shape[-1] is None or y_true_shape[-1] is None:
            raise UserInputError(
                "FBetaScore expects 2D inputs with shape (batch_size, output_dim), with "
                "output_dim fully defined (not None). Received input shapes: "
                f"y_pred.shape={y_pred_shape} and y_true.shape={y_true_shape}."
            )
        if self.threshold is None and y_pred_shape[-1] == 1:
            warn_user(
                f"Metric {self.name!r} counts the largest of each example's predictions as "
                "positive, and there is one only, which always is. Give it a threshold: "
                f"{type(self).__name__}(threshold=0.5)."
            )
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        self.true_positives = self._add_sum(shape, "true_positives", self.dtype)
        self.false_positives = self._add_sum(shape, "false_positives", self.dtype)
        self.false_negatives = self._add_sum(shape, "false_negatives", self.dtype)
        self.intermediate_weights = self._add_sum(shape, "intermediate_weights", self.dtype)
        self._built = True

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Counts a batch (batch, classes) of targets 0 and 1.

        Weights are (batch,) or (batch, classes).
        """
        warn_unless_probabilities(self, y_pred)
        y_true = as_array(y_true, self._sum_dtype)
        y_pred = as_array(y_pred, self._sum_dtype)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        y_true, y_pred = aligned(self.name, y_true, y_pred)
        if self.threshold is None:
            # The largest of each example; of all zeros none is.
            is_largest = y_pred >= jnp.max(y_pred, axis=-1, keepdims=True)
            positive = is_largest & (jnp.abs(y_pred) > 1e-9)
        else:
            positive = y_pred > self.threshold
        positive = positive.astype(y_pred.dtype)
        weights = as_array(1 if sample_weight is None else sample_weight, y_pred.dtype)
        weights = fit_weights(weights, y_true.shape)
        axis = None if self.average == "micro" else 0
        self.true_positives.assign_add(jnp.sum(weights * positive * y_true, axis))
        self.false_positives.assign_add(jnp.sum(weights * positive * (1 - y_true), axis))
        self.false_negatives.assign_add(jnp.sum(weights * (1 - positive) * y_true, axis))
        self.intermediate_weights.assign_add(jnp.sum(weights * y_true, axis))

    def result(self) -> jax.Array:
        if not self._built:
            return jnp.zeros((), self.dtype)
        tp = self.true_positives.value
        # Keras adds epsilon to each quotient; without it a perfect score would be exactly 1.
        precision = tp / (tp + self.false_positives.value + epsilon())
        recall = tp / (tp + self.false_negatives.value + epsilon())
        squared_beta = self.beta**2
        weighted_sum = squared_beta * precision + recall + epsilon()
        scores = (1 + squared_beta) * precision * recall / weighted_sum
        if self.average == "weighted":
            counts = self.intermediate_weights.value
            return jnp.sum(scores * counts / (jnp.sum(counts) + epsilon()))
        return scores if self.average is None else jnp.mean(scores)


def _check_arguments(average: Any, beta: Any, threshold: Any) -> None:
    """Raises for what is out of range, in Keras's words."""
    if average not in (None, "micro", "macro", "weighted"):
        raise UserInputError(
            "Invalid `average` argument value. Expected one of: {None, 'micro', 'macro', "
            f"'weighted'}}. Received: average={average}"
        )
    if not isinstance(beta, float):
        raise UserInputError(
            "Invalid `beta` argument value. It should be a Python float. Received: "
            f"beta={beta} of type '{type(beta)}'"
        )
    if beta <= 0.0:
        raise UserInputError(
            f"Invalid `beta` argument value. It should be > 0. Received: beta={beta}"
        )
    if threshold is not None and not isinstance(threshold, float):
        raise UserInputError(
            "Invalid `threshold` argument value. It should be a Python float. Received: "
            f"threshold={threshold} of type '{type(threshold)}'"
        )
    if threshold is not None and not 0.0 < threshold <= 1.0:
        raise UserInputError(
            "Invalid `threshold` argument value. It should verify 0 < threshold <= 1. "
            f"Received: threshold={threshold}"
        )


class F1Score(FBetaScore):
    """`FBetaScore` with beta = 1: precision and recall count the same.

    Args:
        average, threshold, name, dtype: as for `FBetaScore`.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.F1Score(threshold=0.5)
        >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> scores = metric(y_true, [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]])
        >>> [round(float(score), 4) for score in scores]
        [0.5, 0.8, 0.6667]
    """

    def __init__(
        self,
        average: Average = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)
