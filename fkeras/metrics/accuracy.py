"""How often a prediction is right."""

import functools

import jax.numpy as jnp

from fkeras.core.settings import floatx
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.losses.alignment import aligned, shape_error
from fkeras.metrics.reduction import MeanMetricWrapper
from fkeras.ops.math import in_top_k
from fkeras.ops.tensors import as_array


def _share(fn):
    """Makes `fn`, which tells right from wrong, one that returns 1 and 0 as floats."""

    @op
    @functools.wraps(fn)
    def metric(y_true, y_pred, *args, **kwargs):
        return fn(as_array(y_true), as_array(y_pred), *args, **kwargs).astype(floatx())

    return metric


@_share
def accuracy(y_true, y_pred):
    """1 where y_true equals y_pred, else 0, for each element."""
    y_true, y_pred = aligned("accuracy", y_true, y_pred)
    return y_true == y_pred


@_share
def binary_accuracy(y_true, y_pred, threshold=0.5):
    """1 where y_pred > threshold is what y_true says, else 0, for each element.

    Args:
        y_true: 0 or 1, (batch, ..., d).
        y_pred: same shape.
        threshold: 0.5 for probabilities, 0 for logits.

    Examples:
        >>> import fkeras
        >>> fkeras.metrics.binary_accuracy([[1], [0]], [[0.9], [0.6]])
        Array([[1.],
               [0.]], dtype=float32)
    """
    y_true, y_pred = aligned("binary_accuracy", y_true, y_pred)
    return y_true == (y_pred > threshold)


@_share
def categorical_accuracy(y_true, y_pred):
    """1 where the largest prediction stands at the largest target, else 0.

    Args:
        y_true: one-hot, (batch, ..., classes).
        y_pred: same shape.

    Returns:
        (batch, ...)
    """
    _check_one_hot("categorical_accuracy", y_true, y_pred)
    return jnp.argmax(y_true, axis=-1) == jnp.argmax(y_pred, axis=-1)


@_share
def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the largest prediction stands at the true class, else 0.

    Args:
        y_true: class ids, (batch, ...) or (batch, ..., 1).
        y_pred: (batch, ..., classes).

    Returns:
        (batch, ...)

    Examples:
        >>> import fkeras
        >>> fkeras.metrics.sparse_categorical_accuracy([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0.0]])
        Array([0., 1.], dtype=float32)
    """
    matches = _class_ids("sparse_categorical_accuracy", y_true, y_pred) == jnp.argmax(
        y_pred, axis=-1
    )
    return matches[..., 0] if matches.ndim > 1 and matches.shape[-1] == 1 else matches


@_share
def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where the true class is among the k largest predictions, ties included, else 0.

    Args:
        y_true: one-hot, (batch, ..., classes).
        y_pred: same shape.
        k: int.

    Returns:
        (batch, ...)
    """
    _check_one_hot("top_k_categorical_accuracy", y_true, y_pred)
    return in_top_k(jnp.argmax(y_true, axis=-1), y_pred, k)


@_share
def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """1 where the true class is among the k largest predictions, ties included, else 0.

    Args:
        y_true: class ids, (batch, ...).
        y_pred: (batch, ..., classes); with `from_sorted_ids` class ids, best first.
        k: int.
        from_sorted_ids: whether `y_pred` holds ids.

    Returns:
        The shape of `y_true`.
    """
    ids = _class_ids("sparse_top_k_categorical_accuracy", y_true, y_pred)
    if from_sorted_ids:
        matches = jnp.any(ids[..., None] == y_pred[..., :k], axis=-1)
    else:
        matches = in_top_k(ids.astype("int32"), y_pred, k)
    return matches.reshape(y_true.shape)


def _check_one_hot(name, y_true, y_pred):
    if y_true.shape != y_pred.shape:
        hint = (
            f"For class ids use `sparse_{name}`."
            if y_true.ndim == y_pred.ndim - 1 or y_true.shape[-1:] == (1,)
            else ""
        )
        raise shape_error(name, y_true.shape, y_pred.shape, hint)


def _class_ids(name, y_true, y_pred):
    """Ids in the shape of the predictions without their last axis."""
    ids = y_true[..., 0] if y_true.ndim == y_pred.ndim and y_true.shape[-1:] == (1,) else y_true
    if ids.shape != y_pred.shape[:-1]:
        hint = (
            f" For one-hot targets use `{name.removeprefix('sparse_')}`."
            if ids.shape == y_pred.shape
            else ""
        )
        raise UserInputError(
            f"{name}: `y_true` must hold one class id per prediction, shape {y_pred.shape[:-1]}. "
            f"Received: y_true of shape {y_true.shape}, y_pred of shape {y_pred.shape}.{hint}"
        )
    return ids


class Accuracy(MeanMetricWrapper):
    """The share of predictions that equal their targets exactly: for predicted labels, not for
    probabilities.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.Accuracy()([1, 2, 3, 4], [0, 2, 3, 4]))
        0.75
    """

    _direction = "up"

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """The share of labels that are right, yes being a prediction above `threshold`.

    Args:
        name, dtype: as for `Metric`.
        threshold: 0.5 for probabilities, 0 for logits.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.BinaryAccuracy()([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]]))
        0.75
    """

    _direction = "up"

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self._needs_probabilities = threshold == 0.5


class CategoricalAccuracy(MeanMetricWrapper):
    """The share of one-hot targets whose class has the largest prediction.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.CategoricalAccuracy()([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
        0.5
    """

    _direction = "up"

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """The share of class ids that have the largest prediction.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.SparseCategoricalAccuracy()([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0.0]]))
        0.5
    """

    _direction = "up"

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of one-hot targets whose class is among the k largest predictions.

    Args:
        k: int.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.TopKCategoricalAccuracy(k=1)([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
        0.5
    """

    _direction = "up"

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of class ids that are among the k largest predictions.

    Args:
        k: int.
        name, dtype: as for `Metric`.
        from_sorted_ids: whether predictions are class ids, best first, instead of one score per
            class.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.SparseTopKCategoricalAccuracy(k=1)([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
        0.5
    """

    _direction = "up"

    def __init__(
        self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False
    ):
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )
