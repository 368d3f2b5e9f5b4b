"""The best of one rate at which another one is good enough."""

from fkeras.errors import UserInputError
from fkeras.metrics.confusion import ConfusionAtThresholds
from fkeras.metrics.confusion_counts import even_thresholds
from fkeras.metrics.probability_check import warn_unless_probabilities


class _AtOperatingPoint(ConfusionAtThresholds):
    """The largest `_wanted` rate over the thresholds at which the `_given` rate reaches the value
    that the constructor was given.
    """

    _needs_probabilities = True
    _given: str
    _wanted: str

    def __init__(self, value, num_thresholds, class_id, name, dtype, argument):
        super().__init__(name=name, dtype=dtype)
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
        self.thresholds = [0.5] if num_thresholds == 1 else even_thresholds(num_thresholds)
        self._add_counts((len(self.thresholds),))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch (batch, ...): targets 0 or 1, predictions in [0, 1]."""
        warn_unless_probabilities(self, y_pred)
        self._count(y_true, y_pred, self.thresholds, sample_weight, class_id=self.class_id)

    def result(self):
        return self._best(getattr(self, self._wanted)(), getattr(self, self._given)() >= self.value)


class SensitivityAtSpecificity(_AtOperatingPoint):
    """The best sensitivity (recall of positives) at a specificity (recall of negatives) of at least
    `specificity`.

    Args:
        specificity: in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this class (index of the last axis) counts. None: all.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _given, _wanted = "_specificity", "_recall"

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(specificity, num_thresholds, class_id, name, dtype, "specificity")
        self.specificity = specificity


class SpecificityAtSensitivity(_AtOperatingPoint):
    """The best specificity (recall of negatives) at a sensitivity (recall of positives) of at least
    `sensitivity`.

    Args:
        sensitivity: in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this class (index of the last axis) counts. None: all.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])), 4)
        0.6667
    """

    _given, _wanted = "_recall", "_specificity"

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
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

    _given, _wanted = "_recall", "_precision"

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
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

    _given, _wanted = "_precision", "_recall"

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(precision, num_thresholds, class_id, name, dtype, "precision")
        self.precision = precision
