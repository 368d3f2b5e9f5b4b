"""What curves over all thresholds share: the four counts at each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core.values.variable import Variable
from fkeras.losses.reduction import divide_no_nan
from fkeras.metrics.confusion_counts import confusion_counts
from fkeras.metrics.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import TensorLike


class ConfusionAtThresholds(Metric):
    """Keeps all four counts at each threshold, from which curves are read."""

    _direction = "up"

    true_positives: Variable
    false_positives: Variable
    true_negatives: Variable
    false_negatives: Variable

    def _add_counts(self, shape: tuple[int, ...]) -> None:
        self.true_positives = self._add_sum(shape, "true_positives")
        self.false_positives = self._add_sum(shape, "false_positives")
        self.true_negatives = self._add_sum(shape, "true_negatives")
        self.false_negatives = self._add_sum(shape, "false_negatives")

    def _count(
        self,
        y_true: TensorLike,
        y_pred: TensorLike,
        thresholds: Sequence[float],
        sample_weight: TensorLike | None,
        **options: Any,
    ) -> None:
        counts = confusion_counts(self.name, y_true, y_pred, thresholds, sample_weight, **options)
        for name, value in counts._asdict().items():
            getattr(self, name).assign_add(value)

    def _recall(self) -> jax.Array:
        right = self.true_positives.value
        return divide_no_nan(right, right + self.false_negatives.value)

    def _precision(self) -> jax.Array:
        right = self.true_positives.value
        return divide_no_nan(right, right + self.false_positives.value)

    def _specificity(self) -> jax.Array:
        right = self.true_negatives.value
        return divide_no_nan(right, right + self.false_positives.value)

    @staticmethod
    def _best(values: jax.Array, allowed: jax.Array) -> jax.Array:
        """The largest value where allowed, at least 0."""
        return jnp.max(jnp.where(allowed, values, 0), initial=0)
