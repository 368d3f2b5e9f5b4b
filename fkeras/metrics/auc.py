"""Area under a curve over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.settings import epsilon
from fkeras.errors import UserInputError
from fkeras.losses.reduction import divide_no_nan
from fkeras.metrics.confusion_counts import even_thresholds
from fkeras.metrics.curve import ConfusionAtThresholds
from fkeras.metrics.probability_check import warn_unless_probabilities
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import Config, DTypePolicyLike, Shape, TensorLike

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "minoring", "majoring")


class AUC(ConfusionAtThresholds):
    """The area under the ROC curve, or under a precision-recall curve.

    Approximated at a number of thresholds.

    Args:
        num_thresholds: how many thresholds, evenly from 0 to 1. More are closer to the exact area.
        curve: `'ROC'`, `'PR'` (precision over recall) or `'PRGAIN'` (precision gain over recall
            gain), in small letters too.
        summation_method: `'interpolation'` (trapezoids; for `'PR'` along the true curve),
            `'minoring'` or `'majoring'` (rectangles below or above).
        name, dtype: as for `Metric`.
        thresholds: floats in [0, 1] to use in place of `num_thresholds`; the ends are added.
        multi_label: whether each label (last axis) gets its own area, of which the mean is
            returned. Else all labels are counted together.
        num_labels: with `multi_label`; None to learn it from the first batch.
        label_weights: (labels,), of the mean over labels, or of the labels when counted together;
            None for ones.
        from_logits: whether to pass predictions through a sigmoid. Else they must lie in [0, 1];
            where their values can be seen (not inside `jax.jit`) a warning says so.

    Raises:
        UserInputError: unknown curve or summation, fewer than 2 thresholds, thresholds outside of
            [0, 1], `num_labels` without `multi_label`.

    References:
        Davis, Goadrich, 2006, https://minds.wisconsin.edu/bitstream/handle/1793/60482/TR1551.pdf
            for the interpolation of PR curves;
        Flach, Kull, 2015, for gains.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | np.ndarray | None = None,
        from_logits: bool = False,
    ):
        super().__init__(name=name, dtype=dtype)
        self.curve = _one_of("AUC curve", curve, _CURVES)
        self.summation_method = _one_of("AUC summation method", summation_method, _SUMMATIONS)
        self._init_from_thresholds = thresholds is not None
        inner = _inner_thresholds(num_thresholds, thresholds)
        # A little beyond both ends, so that predictions of exactly 0 and 1 lie between.
        self._thresholds = np.array([-epsilon(), *inner, 1 + epsilon()])
        self.num_thresholds = len(self._thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights, "float32")
        self._from_logits = from_logits
        self._needs_probabilities = not from_logits
        self._option_for_logits = "from_logits=True"
        self._built = False  # whether there is state: its shape may depend on the labels
        if num_labels and not multi_label:
            raise UserInputError("`num_labels` is needed only when `multi_label` is True.")
        if not multi_label or num_labels:  # else the first batch tells
            self._build((None, num_labels))

    @property
    def thresholds(self) -> list:
        """All thresholds, the ends included."""
        return list(self._thresholds)

    def _build(self, shape: Shape) -> None:
        if self.multi_label and len(shape) != 2:
            raise UserInputError(
                f"`y_pred` must have rank 2 when `multi_label=True`. Found rank {len(shape)}. Full "
                f"shape received for `y_pred`: {shape}"
            )
        labels = (shape[1],) if self.multi_label else ()
        self._add_counts((self.num_thresholds, *labels))
        self._built = True

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Counts a batch (batch, ...), with `multi_label` (batch, labels).

        Targets are 0 or 1, predictions lie in [0, 1] or are logits.
        """
        if self._from_logits:
            y_pred = jax.nn.sigmoid(as_array(y_pred))
        else:
            warn_unless_probabilities(self, y_pred)
        if not self._built:
            self._build(as_array(y_pred).shape)
        self._count(
            y_true,
            y_pred,
            self._thresholds,
            sample_weight,
            multi_label=self.multi_label,
            # With areas of their own, labels are weighed in `result`.
            label_weights=None if self.multi_label else self.label_weights,
        )

    def result(self) -> jax.Array:
        if not self._built:
            return jnp.zeros((), self.dtype)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolate_pr_auc()
        x, y = self._curve()
        # Between neighbouring thresholds: trapezoids, or rectangles of one of the two heights.
        left, right = y[:-1], y[1:]
        if self.summation_method == "interpolation":
            heights = (left + right) / 2
        else:
            lower_or_upper = jnp.minimum if self.summation_method == "minoring" else jnp.maximum
            heights = lower_or_upper(left, right)
        return self._over_labels(jnp.sum((x[:-1] - x[1:]) * heights, axis=0))

    def _curve(self) -> tuple[jax.Array, jax.Array]:
        """x and y at each threshold, (thresholds,) or (thresholds, labels); x falls."""
        tp = self.true_positives.value
        fp = self.false_positives.value
        tn = self.true_negatives.value
        fn = self.false_negatives.value
        if self.curve == "ROC":
            return divide_no_nan(fp, fp + tn), self._recall()
        if self.curve == "PR":
            return self._recall(), self._precision()
        # Gains are rates on a harmonic scale, from 0 at the share of positives to 1 at 1. Where
        # nothing is found, recall gain is 0 and precision gain 1, as in Keras.
        odds = divide_no_nan(tp + fn, tn + fp)
        recall_gain = jnp.where(tp == 0, 0.0, 1 - odds * divide_no_nan(fn, tp))
        precision_gain = jnp.where(tp == 0, 1.0, 1 - odds * divide_no_nan(fp, tp))
        return jnp.maximum(recall_gain, 0.0), precision_gain

    def interpolate_pr_auc(self) -> jax.Array:
        """The area under the precision-recall curve, along its true course.

        Between two thresholds true and false positives grow in proportion, so that precision is
        no straight line there (Davis and Goadrich, section 4).
        """
        tp = self.true_positives.value
        positives = tp + self.false_positives.value
        d_tp = tp[:-1] - tp[1:]
        d_positives = positives[:-1] - positives[1:]
        # tp = slope * positives + intercept, so precision = slope + intercept / positives; over the
        # change of recall, d_tp / all_true, that integrates to slope * (d_tp + intercept * log).
        slope = divide_no_nan(d_tp, jnp.maximum(d_positives, 0))
        intercept = tp[1:] - slope * positives[1:]
        both = (positives[:-1] > 0) & (positives[1:] > 0)
        ratio = jnp.where(both, divide_no_nan(positives[:-1], jnp.maximum(positives[1:], 0)), 1)
        all_true = jnp.maximum(tp[1:] + self.false_negatives.value[1:], 0)
        areas = divide_no_nan(slope * (d_tp + intercept * jnp.log(ratio)), all_true)
        return self._over_labels(jnp.sum(areas, axis=0))

    def _over_labels(self, areas: jax.Array) -> jax.Array:
        """One area for all labels from () or (labels,)."""
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return jnp.mean(areas)
        return divide_no_nan(jnp.sum(areas * self.label_weights), np.sum(self.label_weights))

    def get_config(self) -> Config:
        config = super().get_config()
        config["label_weights"] = (
            None if self.label_weights is None else self.label_weights.tolist()
        )
        config["from_logits"] = self._from_logits
        config["thresholds"] = (
            [float(t) for t in self._thresholds[1:-1]] if self._init_from_thresholds else None
        )
        return config


def _inner_thresholds(num_thresholds: int, thresholds: Sequence[float] | None) -> list[float]:
    """The thresholds between both ends, ascending."""
    if thresholds is not None:
        inner = sorted(float(threshold) for threshold in thresholds)
        if inner and not 0 <= inner[0] <= inner[-1] <= 1:
            raise UserInputError(
                f"AUC: `thresholds` must lie in [0, 1]. Received: from {inner[0]} to {inner[-1]}."
            )
        return inner
    if num_thresholds <= 1:
        raise UserInputError(
            "Argument `num_thresholds` must be an integer > 1. Received: "
            f"num_thresholds={num_thresholds}"
        )
    return even_thresholds(num_thresholds)[1:-1]


def _one_of(kind: str, value: Any, choices: Sequence[str]) -> str:
    """The choice that a name in small or capital letters means, or a member of Keras's enums."""
    value = getattr(value, "value", value)
    for name in choices:
        if value in (name, name.lower(), name.capitalize()):
            return name
    raise UserInputError(f'Invalid {kind} value: "{value}". Expected values are {list(choices)}')
