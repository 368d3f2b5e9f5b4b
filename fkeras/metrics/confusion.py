"""True and false positives and negatives, precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax

from fkeras.losses.reduction import divide_no_nan
from fkeras.metrics.confusion_counts import NEVER, confusion_counts, parse_thresholds
from fkeras.metrics.metric import Metric
from fkeras.metrics.probability_check import warn_unless_probabilities

if TYPE_CHECKING:
    from fkeras.types import Config, DTypePolicyLike, TensorLike


class _Count(Metric):
    """One of the four counts."""

    _counted: str  # a field of `Counts`

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds, 0.5)
        self._needs_probabilities = any(self.thresholds)  # logits may be compared with 0
        self._option_for_logits = "thresholds=0"
        self.accumulator = self._add_sum((len(self.thresholds),), "accumulator")

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Counts a batch (batch, ...): targets 0 or 1, predictions in [0, 1]."""
        warn_unless_probabilities(self, y_pred)
        counts = confusion_counts(self.name, y_true, y_pred, self.thresholds, sample_weight)
        self.accumulator.assign_add(getattr(counts, self._counted))

    def result(self) -> jax.Array:
        return _one_or_all(self.accumulator.value)

    def get_config(self) -> Config:
        return {**super().get_config(), "thresholds": self.init_thresholds}


def _one_or_all(values: jax.Array) -> jax.Array:
    """A number for one threshold, else one value for each."""
    return values[0] if len(values) == 1 else values


class TruePositives(_Count):
    """The weighted number of positive predictions that are right.

    Args:
        thresholds: float or list of floats in [0, 1], above which a prediction is positive; None
            for 0.5. A list gives one count each.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.TruePositives()([0, 1, 1, 1], [1, 0, 1, 1]))
        2.0
    """

    _counted = "true_positives"


class FalsePositives(_Count):
    """The weighted number of positive predictions that are wrong.

    Args:
        thresholds: float or list of floats in [0, 1], above which a prediction is positive; None
            for 0.5. A list gives one count each.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1]))
        2.0
    """

    _counted = "false_positives"


class TrueNegatives(_Count):
    """The weighted number of negative predictions that are right.

    Args:
        thresholds: float or list of floats in [0, 1], above which a prediction is positive; None
            for 0.5. A list gives one count each.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0]))
        2.0
    """

    _counted = "true_negatives"


class FalseNegatives(_Count):
    """The weighted number of negative predictions that are wrong.

    Args:
        thresholds: float or list of floats in [0, 1], above which a prediction is positive; None
            for 0.5. A list gives one count each.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0]))
        2.0
    """

    _counted = "false_negatives"


class _Rate(Metric):
    """True positives, divided by themselves and something missed."""

    _direction = "up"
    _missed: str  # a field of `Counts`, and the name of the state that adds it up

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, 0.5 if top_k is None else NEVER)
        # Logits may be compared with 0, and with each other.
        self._needs_probabilities = top_k is None and any(self.thresholds)
        self._option_for_logits = "thresholds=0"
        shape = (len(self.thresholds),)
        self.true_positives = self._add_sum(shape, "true_positives")
        setattr(self, self._missed, self._add_sum(shape, self._missed))

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Counts a batch (batch, ...): targets 0 or 1.

        Predictions lie in [0, 1], unless only `top_k` counts.
        """
        warn_unless_probabilities(self, y_pred)
        counts = confusion_counts(
            self.name,
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            top_k=self.top_k,
            class_id=self.class_id,
        )
        self.true_positives.assign_add(counts.true_positives)
        getattr(self, self._missed).assign_add(getattr(counts, self._missed))

    def result(self) -> jax.Array:
        right = self.true_positives.value
        return _one_or_all(divide_no_nan(right, right + getattr(self, self._missed).value))

    def get_config(self) -> Config:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class Precision(_Rate):
    """The share of positive predictions that are right; 0 where there are none.

    Args:
        thresholds: float or list of floats in [0, 1], above which a prediction is positive; None
            for 0.5, or for all with `top_k`. A list gives one precision each.
        top_k: only the k largest predictions of an example can be positive. None: all.
        class_id: only this class (index of the last axis) counts. None: all.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.Precision()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
        0.6667
        >>> float(fkeras.metrics.Precision(top_k=2)([0, 0, 1, 1], [1, 1, 1, 1]))
        0.0
    """

    _missed = "false_positives"


class Recall(_Rate):
    """The share of positive targets that are found; 0 where there are none.

    Args:
        thresholds: float or list of floats in [0, 1], above which a prediction is positive; None
            for 0.5, or for all with `top_k`. A list gives one recall each.
        top_k: only the k largest predictions of an example can be positive. None: all.
        class_id: only this class (index of the last axis) counts. None: all.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.Recall()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
        0.6667
    """

    _missed = "false_negatives"
