"""How often a prediction is right."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.settings import floatx
from fkeras.core.symbolic.op import op
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.losses.alignment import aligned, shape_error
from fkeras.losses.precision import at_least_float32
from fkeras.metrics.reduction import MeanMetricWrapper
from fkeras.ops.math import in_top_k
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


F = TypeVar("F", bound=Callable[..., jax.Array])


def _share(fn: F) -> F:
    """Makes `fn`, which tells right from wrong, one that returns 1 and 0 as floats."""

    @op
    @functools.wraps(fn)
    def metric(y_true: TensorLike, y_pred: TensorLike, *args: Any, **kwargs: Any) -> jax.Array:
        # Wide, since an integer target beside bfloat16 would become bfloat16, and 257 there 256.
        y_pred = at_least_float32(as_array(y_pred))
        return fn(as_array(y_true), y_pred, *args, **kwargs).astype(floatx())

    return cast(F, metric)  # with the signature of `fn`, for editors


@_share
def accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """1 where y_true equals y_pred, else 0, for each element."""
    y_true, y_pred = aligned("accuracy", y_true, y_pred)
    return y_true == y_pred


@_share
def binary_accuracy(y_true: TensorLike, y_pred: TensorLike, threshold: float = 0.5) -> Tensor:
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
    return y_true == (y_pred > threshold).astype(y_true.dtype)


@_share
def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
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
def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
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
    ids = _class_ids("sparse_categorical_accuracy", y_true, y_pred)
    matches = ids == jnp.argmax(y_pred, axis=-1)
    # (batch, 1) positions are one for each example, which weights of shape (batch,) then fit.
    return matches[..., 0] if matches.ndim > 1 and matches.shape[-1] == 1 else matches


@_share
def top_k_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike, k: int = 5) -> Tensor:
    """1 where the true class is among the k largest predictions, ties included, else 0.

    Args:
        y_true: one-hot, (batch, ..., classes).
        y_pred: same shape.
        k: int.

    Returns:
        (batch, ...)
    """
    _check_one_hot("top_k_categorical_accuracy", y_true, y_pred)
    _warn_of_all_classes("top_k_categorical_accuracy", k, y_pred)
    return in_top_k(jnp.argmax(y_true, axis=-1), y_pred, k)


@_share
def sparse_top_k_categorical_accuracy(
    y_true: TensorLike, y_pred: TensorLike, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
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
        matches = jnp.any(ids[..., None].astype(y_pred.dtype) == y_pred[..., :k], axis=-1)
    else:
        _warn_of_all_classes("sparse_top_k_categorical_accuracy", k, y_pred)
        matches = in_top_k(ids.astype("int32"), y_pred, k)
    return matches.reshape(y_true.shape)  # with the last axis of 1, if there was one


def _check_k(k: int) -> None:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise UserInputError(f"`k` must be an int of 1 or more. Received: k={k!r}")


def _warn_of_all_classes(name: str, k: int, y_pred: jax.Array) -> None:
    if k >= y_pred.shape[-1]:
        warn_user(
            f"{name}: k={k} of {y_pred.shape[-1]} classes, so that every prediction counts as "
            "right. Choose a smaller k."
        )


def _check_one_hot(name: str, y_true: jax.Array, y_pred: jax.Array) -> None:
    if y_true.shape != y_pred.shape:
        are_ids = y_true.ndim == y_pred.ndim - 1 or y_true.shape[-1:] == (1,)
        hint = f"For class ids use `sparse_{name}`." if are_ids else ""
        raise shape_error(name, y_true.shape, y_pred.shape, hint)


def _class_ids(name: str, y_true: jax.Array, y_pred: jax.Array) -> jax.Array:
    """Ids in the shape of the predictions without their last axis."""
    ids = y_true[..., 0] if y_true.ndim == y_pred.ndim and y_true.shape[-1:] == (1,) else y_true
    if ids.shape != y_pred.shape[:-1]:
        is_one_hot = ids.shape == y_pred.shape
        hint = f" For one-hot targets use `{name.removeprefix('sparse_')}`." if is_one_hot else ""
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
    _needs_class_ids = True

    def __init__(self, name: str = "accuracy", dtype: DTypePolicyLike | None = None):
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

    def __init__(
        self,
        name: str = "binary_accuracy",
        dtype: DTypePolicyLike | None = None,
        threshold: float = 0.5,
    ):
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self._needs_probabilities = threshold == 0.5  # of logits the middle is 0
        self._option_for_logits = "threshold=0"


class CategoricalAccuracy(MeanMetricWrapper):
    """The share of one-hot targets whose class has the largest prediction.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.CategoricalAccuracy()
        >>> float(metric([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
        0.5
    """

    _direction = "up"

    def __init__(self, name: str = "categorical_accuracy", dtype: DTypePolicyLike | None = None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """The share of class ids that have the largest prediction.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.SparseCategoricalAccuracy()
        >>> float(metric([2, 1], [[0.1, 0.6, 0.3], [0.05, 0.95, 0.0]]))
        0.5
    """

    _direction = "up"

    def __init__(
        self, name: str = "sparse_categorical_accuracy", dtype: DTypePolicyLike | None = None
    ):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """The share of one-hot targets whose class is among the k largest predictions.

    Args:
        k: int.
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.TopKCategoricalAccuracy(k=1)
        >>> float(metric([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
        0.5
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "top_k_categorical_accuracy",
        dtype: DTypePolicyLike | None = None,
    ):
        _check_k(k)
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
        >>> metric = fkeras.metrics.SparseTopKCategoricalAccuracy(k=1)
        >>> float(metric([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]]))
        0.5
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: DTypePolicyLike | None = None,
        from_sorted_ids: bool = False,
    ):
        _check_k(k)
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )
