"""True and false positives and negatives, precision and recall."""

import jax.numpy as jnp

from fkeras.losses.reduction import divide_no_nan
from fkeras.metrics.confusion_counts import NEVER, confusion_counts, parse_thresholds
from fkeras.metrics.metric import Metric


class _Count(Metric):
    """One of the four counts."""

    _counted: str

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds, 0.5)
        self._needs_probabilities = any(self.thresholds)  # logits may be compared with 0
        self.accumulator = self._add_sum((len(self.thresholds),), "accumulator")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch (batch, ...): targets 0 or 1, predictions in [0, 1]."""
        counts = confusion_counts(self.name, y_true, y_pred, self.thresholds, sample_weight)
        self.accumulator.assign_add(getattr(counts, self._counted))

    def result(self):
        return _one_or_all(self.accumulator.value)

    def get_config(self):
        return {**super().get_config(), "thresholds": self.init_thresholds}


def _one_or_all(values):
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
    _missed: str

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, 0.5 if top_k is None else NEVER)
        self._needs_probabilities = top_k is None and any(
            self.thresholds
        )  # logits may be compared with 0
        shape = (len(self.thresholds),)
        self.true_positives = self._add_sum(shape, "true_positives")
        setattr(self, self._missed, self._add_sum(shape, self._missed))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch (batch, ...): targets 0 or 1, predictions in [0, 1] unless only `top_k`
        counts.
        """
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

    def result(self):
        right = self.true_positives.value
        return _one_or_all(divide_no_nan(right, right + getattr(self, self._missed).value))

    def get_config(self):
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


class ConfusionAtThresholds(Metric):
    """Keeps all four counts at each threshold, from which curves are read."""

    _direction = "up"

    def _add_counts(self, shape):
        self.true_positives = self._add_sum(shape, "true_positives")
        self.false_positives = self._add_sum(shape, "false_positives")
        self.true_negatives = self._add_sum(shape, "true_negatives")
        self.false_negatives = self._add_sum(shape, "false_negatives")

    def _count(self, y_true, y_pred, thresholds, sample_weight, **options):
        counts = confusion_counts(self.name, y_true, y_pred, thresholds, sample_weight, **options)
        for name, value in counts._asdict().items():
            getattr(self, name).assign_add(value)

    def _recall(self):
        return divide_no_nan(
            self.true_positives.value, self.true_positives.value + self.false_negatives.value
        )

    def _precision(self):
        return divide_no_nan(
            self.true_positives.value, self.true_positives.value + self.false_positives.value
        )

    def _specificity(self):
        return divide_no_nan(
            self.true_negatives.value, self.true_negatives.value + self.false_positives.value
        )

    @staticmethod
    def _best(values, allowed):
        """The largest value where allowed, at least 0."""
        return jnp.max(jnp.where(allowed, values, 0), initial=0)
