"""The best of one rate at which another one is good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax

from fkeras.errors import UserInputError
from fkeras.metrics.confusion_counts import even_thresholds
from fkeras.metrics.curve import ConfusionAtThresholds
from fkeras.metrics.probability_check import warn_unless_probabilities

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, TensorLike


class _AtOperatingPoint(ConfusionAtThresholds):
    """The largest `_optimized` rate at the thresholds where the `_required` rate is high enough.

    Both name methods of `ConfusionAtThresholds`; how high is what the constructor takes.
    """

    _needs_probabilities = True
    _required: str
    _optimized: str

    def __init__(
        self,
        value: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: DTypePolicyLike | None,
        argument: str,
    ):
        super().__init__(name=name, dtype=dtype)
        # `argument` is what the subclass calls `value`.
        if not 0 <= value <= 1:
            raise UserInputError(
                f"Argument `{argument}` must be in the range [0, 1]. Received: {argument}={value}"
            )
        if num_thresholds <= 0:
            raise UserInputError(
                "Argument `num_thresholds` must be an integer > 0. Received: "
                f"num_thresholds={num_thresholds}"
            )
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        # One threshold lies in the middle, several include both ends.
        self.thresholds = [0.5] if num_thresholds == 1 else even_thresholds(num_thresholds)
        self._add_counts((len(self.thresholds),))

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Counts a batch (batch, ...): targets 0 or 1, predictions in [0, 1]."""
        warn_unless_probabilities(self, y_pred)
        self._count(y_true, y_pred, self.thresholds, sample_weight, class_id=self.class_id)

    def result(self) -> jax.Array:
        is_enough = getattr(self, self._required)() >= self.value
        return self._best(getattr(self, self._optimized)(), is_enough)


class SensitivityAtSpecificity(_AtOperatingPoint):
    """The best sensitivity at a specificity of at least `specificity`.

    Sensitivity is the recall of positives, specificity that of negatives.

    Args:
        specificity: in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this class (index of the last axis) counts. None: all.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.SensitivityAtSpecificity(0.5)
        >>> float(metric([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _required = "_specificity"
    _optimized = "_recall"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(specificity, num_thresholds, class_id, name, dtype, "specificity")
        self.specificity = specificity


class SpecificityAtSensitivity(_AtOperatingPoint):
    """The best specificity at a sensitivity of at least `sensitivity`.

    Specificity is the recall of negatives, sensitivity that of positives.

    Args:
        sensitivity: in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this class (index of the last axis) counts. None: all.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.SpecificityAtSensitivity(0.5)
        >>> round(float(metric([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])), 4)
        0.6667
    """

    _required = "_recall"
    _optimized = "_specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype, "sensitivity")
        self.sensitivity = sensitivity


class PrecisionAtRecall(_AtOperatingPoint):
    """The best precision at a recall of at least `recall`.

    Args:
        recall: in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this class (index of the last axis) counts. None: all.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _required = "_recall"
    _optimized = "_precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(recall, num_thresholds, class_id, name, dtype, "recall")
        self.recall = recall


class RecallAtPrecision(_AtOperatingPoint):
    """The best recall at a precision of at least `precision`; 0 where that is never reached.

    Args:
        precision: in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this class (index of the last axis) counts. None: all.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.5
    """

    _required = "_precision"
    _optimized = "_recall"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(precision, num_thresholds, class_id, name, dtype, "precision")
        self.precision = precision
