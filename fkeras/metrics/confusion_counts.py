"""Weighted counts of true and false positives and negatives, at many thresholds at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.settings import epsilon
from fkeras.errors import UserInputError
from fkeras.losses.alignment import aligned
from fkeras.losses.reduction import fit_weights
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import TensorLike

# What a prediction outside of the top k becomes: below every threshold.
NEVER = -1e10


class Counts(NamedTuple):
    """One number per threshold, or (thresholds, labels)."""

    true_positives: jax.Array
    false_positives: jax.Array
    true_negatives: jax.Array
    false_negatives: jax.Array


def confusion_counts(
    name: str,
    y_true: TensorLike,
    y_pred: TensorLike,
    thresholds: Sequence[float],
    sample_weight: TensorLike | None = None,
    *,
    top_k: int | None = None,
    class_id: int | None = None,
    multi_label: bool = False,
    label_weights: Sequence[float] | np.ndarray | None = None,
) -> Counts:
    """Counts a batch.

    A prediction is positive where it is above the threshold, a target where it is not 0.

    Args:
        name: of the metric, for errors.
        y_true, y_pred: (batch, ...), same shape.
        thresholds: sequence of floats, ascending.
        sample_weight: number or array that fits the leading axes of `y_pred`; None for ones.
        top_k: int: only the k largest predictions of the last axis may be positive. None: all.
        class_id: int: only this index of the last axis counts. None: all.
        multi_label: whether to count each label (last axis) on its own.
        label_weights: (labels,), weights of the last axis when labels are counted together; None
            for ones.

    Returns:
        Counts of shape (thresholds,), or (thresholds, labels) with `multi_label`.
    """
    y_true, y_pred = aligned(name, as_array(y_true, "float32"), as_array(y_pred, "float32"))
    weights = _weights_of_each(y_pred, sample_weight, label_weights)
    for argument, value, is_inside in (
        ("top_k", top_k, lambda k, classes: k <= classes),
        ("class_id", class_id, lambda i, classes: i < classes),
    ):
        if value is not None and y_pred.ndim and not is_inside(value, y_pred.shape[-1]):
            raise UserInputError(
                f"{name}: {argument}={value}, but the predictions have {y_pred.shape[-1]} classes: "
                f"shape {y_pred.shape}."
            )
    if top_k is not None:
        y_pred = _only_top(y_pred, top_k)
    if class_id is not None:
        if y_pred.ndim < 2:
            raise UserInputError(
                "When class_id is provided, y_pred must be a 2D array with shape (num_samples, "
                f"num_classes), found shape: {y_pred.shape}"
            )
        y_true = y_true[..., class_id]
        y_pred = y_pred[..., class_id]
        weights = weights[..., class_id]
    labels = y_pred.shape[-1] if multi_label else 1  # else all are counted together
    is_true = y_true.reshape(-1, labels) != 0  # (examples, labels)
    pred = y_pred.reshape(-1, labels)
    weights = weights.reshape(-1, labels)
    positive = jnp.where(is_true, weights, 0)
    negative = jnp.where(is_true, 0, weights)
    above = _above_even if is_even(thresholds) else _above
    tp = above(pred, positive, thresholds)  # (thresholds, labels)
    fp = above(pred, negative, thresholds)
    all_negative, all_positive = (
        jnp.sum(of_class, axis=0, keepdims=True) for of_class in (negative, positive)
    )
    counts = Counts(tp, fp, all_negative - fp, all_positive - tp)
    return counts if multi_label else Counts(*(count[:, 0] for count in counts))


def _weights_of_each(
    y_pred: jax.Array,
    sample_weight: TensorLike | None,
    label_weights: Sequence[float] | np.ndarray | None,
) -> jax.Array:
    """One weight for each prediction, of which `class_id` and labels can be picked."""
    weights = jnp.ones_like(y_pred)
    if sample_weight is not None:
        weights *= fit_weights(as_array(sample_weight, y_pred.dtype), y_pred.shape)
    if label_weights is not None:
        weights *= jnp.broadcast_to(jnp.asarray(label_weights, y_pred.dtype), y_pred.shape)
    return weights


def is_even(thresholds: Sequence[float]) -> bool:
    """Whether thresholds are evenly spaced from 0 to 1, give or take epsilon at the ends."""
    even = np.linspace(0.0, 1.0, len(thresholds))
    return len(thresholds) > 2 and np.allclose(thresholds, even, rtol=0, atol=2 * epsilon())


def _above(pred: jax.Array, weights: jax.Array, thresholds: Sequence[float]) -> jax.Array:
    """The weight of predictions above each threshold, by comparing each with each."""
    limits = jnp.asarray(thresholds, pred.dtype)[:, None, None]  # (thresholds, 1, 1)
    return jnp.sum(jnp.where(pred[None] > limits, weights[None], 0), axis=1)


def _above_even(pred: jax.Array, weights: jax.Array, thresholds: Sequence[float]) -> jax.Array:
    """The same for even thresholds, by sorting predictions into buckets.

    Memory and time do not grow with their number. Bucket i holds predictions in (threshold i,
    threshold i + 1]. A prediction of 0 is above the first threshold only if that lies below 0.
    """
    buckets = len(thresholds)
    index = jnp.ceil(jnp.clip(pred, 0.0, 1.0) * (buckets - 1)).astype("int32") - 1
    if thresholds[0] < 0:  # as those of `AUC`, which reach a little beyond both ends
        index = jnp.maximum(index, 0)

    def fill(index: jax.Array, weights: jax.Array) -> jax.Array:
        return jax.ops.segment_sum(weights, index, buckets)  # drops -1

    filled = jax.vmap(fill, in_axes=1, out_axes=1)(index, weights)
    return jax.lax.cumsum(filled, axis=0, reverse=True)  # all buckets from each threshold on


def _only_top(pred: jax.Array, k: int) -> jax.Array:
    """Predictions that are not among the k largest of the last axis become `NEVER`.

    Of equal ones the first count.
    """
    _, top = jax.lax.top_k(pred, k)
    is_top = jnp.any(jax.nn.one_hot(top, pred.shape[-1], dtype=bool), axis=-2)
    return jnp.where(is_top, pred, NEVER)


def parse_thresholds(thresholds: float | Sequence[float] | None, default: float) -> list:
    """A list of thresholds from a number, a sequence or None, checked to lie in [0, 1]."""
    if thresholds is None:
        return [default]
    is_sequence = isinstance(thresholds, (list, tuple, np.ndarray))
    values = list(thresholds) if is_sequence else [thresholds]
    bad = [value for value in values if value is None or not 0 <= value <= 1]
    if bad:
        raise UserInputError(f"Threshold values must be in [0, 1]. Received: {bad}")
    return values


def even_thresholds(count: int) -> list[float]:
    """`count` thresholds from 0 to 1, ends included."""
    return [i / (count - 1) for i in range(count)]
