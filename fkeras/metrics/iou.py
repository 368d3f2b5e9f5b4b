"""Intersection over union of predicted and true regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.core.settings import epsilon
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.losses.reduction import fit_weights
from fkeras.metrics.metric import Metric
from fkeras.metrics.probability_check import warn_unless_class_ids, warn_unless_probabilities
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, TensorLike


class IoU(Metric):
    """True positives / (true positives + false positives + false negatives) of some classes.

    Averaged over those that occur.

    Args:
        num_classes: of the confusion matrix.
        target_class_ids: the classes to average over.
        name: None for an automatic name.
        dtype: of the confusion matrix; None for int32, which holds 2e9 pixels of a kind: more give
            NaN. Use `'float32'` for fractional weights. (Half precision is kept as float32.)
        ignore_class: an id, often 255 or -1: places where it is the target do not count. None for
            none.
        sparse_y_true, sparse_y_pred: whether targets and predictions are class ids; else the
            largest of the last axis is taken.
        axis: the classes' axis of what is not sparse.

    Raises:
        UserInputError: a target class outside of the classes.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(name=name, dtype=dtype or "int32")
        if max(target_class_ids) >= num_classes:
            raise UserInputError(
                f"Target class id {max(target_class_ids)} is out of range, which is [0, "
                f"{num_classes})."
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self._needs_class_ids = sparse_y_pred
        self.total_cm = self._add_sum(
            (num_classes, num_classes), "total_confusion_matrix", self.dtype
        )

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Adds a batch to the confusion matrix (rows: targets, columns: predictions).

        Ids outside of the classes do not count.
        """
        warn_unless_class_ids(self, y_pred)
        true = _class_ids(y_true, self.sparse_y_true, self.axis)
        pred = _class_ids(y_pred, self.sparse_y_pred, self.axis)
        if true.size != pred.size:
            raise UserInputError(
                f"{self.name}: targets and predictions must have one class each per place. "
                f"Received shapes {as_array(y_true).shape} and {as_array(y_pred).shape}."
            )
        before = self.total_cm.value
        batch = self._confusion(true, pred.reshape(-1), sample_weight)
        total = before + batch
        if "int" in self.dtype:  # once a count has wrapped around it stays -1
            total = jnp.where((before < 0) | (batch > 0) & (total < before), -1, total)
        self.total_cm.assign(total)

    def _confusion(
        self, true: jax.Array, pred: jax.Array, sample_weight: TensorLike | None
    ) -> jax.Array:
        """The confusion matrix of one batch of ids; those that were predicted are flat."""
        weights = as_array(1 if sample_weight is None else sample_weight)
        if jnp.issubdtype(weights.dtype, jnp.floating) and "int" in self.dtype:
            warn_user(
                f"{self.name}: weights of dtype {weights.dtype} are cut to whole numbers. Pass "
                "dtype='float32' to the metric, or integer weights."
            )
        weights = weights.astype(self.total_cm.dtype)
        if weights.size != true.size:
            weights = jnp.broadcast_to(fit_weights(weights, true.shape), true.shape)
        true, weights = true.reshape(-1), weights.reshape(-1)
        is_counted = (true >= 0) & (true < self.num_classes)
        is_counted &= (pred >= 0) & (pred < self.num_classes)
        if self.ignore_class is not None:
            is_counted &= true != self.ignore_class
        # What does not count is added to the first cell with weight 0: shapes are static.
        rows = jnp.where(is_counted, true, 0)
        columns = jnp.where(is_counted, pred, 0)
        matrix = jnp.zeros(self.total_cm.shape, self.total_cm.dtype)
        return matrix.at[rows, columns].add(jnp.where(is_counted, weights, 0))

    def result(self) -> jax.Array:
        matrix = self.total_cm.value
        ids = jnp.asarray(self.target_class_ids)
        counts = matrix.astype("float32")
        right = jnp.diag(counts)[ids]
        # Rows and columns hold the intersection once each.
        union = (jnp.sum(counts, axis=0) + jnp.sum(counts, axis=1))[ids] - right
        # A class that neither targets nor predictions have says nothing.
        occurs = union > 1e-9
        scores = jnp.where(occurs, right / (union + epsilon()), 0.0)
        mean = jnp.sum(scores) / (jnp.sum(occurs, dtype=scores.dtype) + epsilon())
        return jnp.where(jnp.any(matrix < 0), jnp.nan, mean)  # a count has wrapped around


def _class_ids(y: TensorLike, sparse: bool, axis: int) -> jax.Array:
    """Ids as they are, or the largest along the axis."""
    y = as_array(y)
    return (y if sparse else jnp.argmax(y, axis=axis)).astype("int32")


class BinaryIoU(IoU):
    """`IoU` of two classes, where class 1 is a prediction of at least `threshold`.

    Args:
        target_class_ids: which of 0 and 1 to average over.
        threshold: from which on a prediction is class 1.
        name, dtype: as for `IoU`.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.BinaryIoU(threshold=0.3)
        >>> round(float(metric([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold
        self._needs_class_ids = False
        self._needs_probabilities = bool(threshold)  # logits may be compared with 0
        self._option_for_logits = "threshold=0"

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Adds a batch: targets 0 or 1, predictions to compare with the threshold."""
        warn_unless_probabilities(self, y_pred)
        super().update_state(y_true, as_array(y_pred, "float32") >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """`IoU` averaged over all classes that occur.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: as for `IoU`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(
            num_classes,
            list(range(num_classes)),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )


class OneHotIoU(IoU):
    """`IoU` of one-hot targets.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class, axis: as for `IoU`.
        sparse_y_pred: whether predictions are class ids; else the largest is taken.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.OneHotIoU(num_classes=3, target_class_ids=[0, 2])
        >>> y_pred = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1]]
        >>> round(float(metric([[0, 0, 1], [1, 0, 0], [0, 1, 0]], y_pred)), 4)
        0.25
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot targets.

    Args:
        num_classes, name, dtype, ignore_class, axis: as for `IoU`.
        sparse_y_pred: whether predictions are class ids; else the largest is taken.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.OneHotMeanIoU(num_classes=3)
        >>> y_pred = [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1]]
        >>> round(float(metric([[0, 0, 1], [1, 0, 0], [0, 1, 0]], y_pred)), 4)
        0.1667
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
