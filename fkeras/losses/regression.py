"""How far numbers are from numbers."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.core.settings import epsilon
from fkeras.errors import UserInputError
from fkeras.losses.alignment import elementwise
from fkeras.losses.expectation import expects
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.losses.reduction import Reduction
from fkeras.ops.normalization import normalize

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


@expects("same_shape", "quantities")
@elementwise
def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """mean((y_true - y_pred)^2) over the last axis.

    Args:
        y_true, y_pred: (batch, ..., d).

    Returns:
        One loss per example, (batch, ...), not averaged over the batch.

    Raises:
        UserInputError: shapes that differ by more than a last axis of 1.

    Examples:
        >>> import fkeras
        >>> fkeras.losses.mean_squared_error([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]])
        Array([0.5, 1. ], dtype=float32)
    """
    return jnp.mean(jnp.square(y_true - y_pred), axis=-1)


@expects("same_shape", "quantities")
@elementwise
def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """mean(|y_true - y_pred|) over the last axis: (batch, ..., d) -> (batch, ...)."""
    return jnp.mean(jnp.abs(y_true - y_pred), axis=-1)


@expects("same_shape", "quantities")
@elementwise
def mean_absolute_percentage_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """100 mean(|(y_true - y_pred) / y_true|) over the last axis, in percent.

    |y_true| counts as epsilon at least. (batch, ..., d) -> (batch, ...).
    """
    relative = (y_true - y_pred) / jnp.maximum(jnp.abs(y_true), epsilon())
    return 100.0 * jnp.mean(jnp.abs(relative), axis=-1)


@expects("not_negative", "quantities")
@elementwise
def mean_squared_logarithmic_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """mean((log(1 + y_true) - log(1 + y_pred))^2) over the last axis.

    Numbers below epsilon count as epsilon. (batch, ..., d) -> (batch, ...).
    """
    log_true = jnp.log(jnp.maximum(y_true, epsilon()) + 1.0)
    log_pred = jnp.log(jnp.maximum(y_pred, epsilon()) + 1.0)
    return jnp.mean(jnp.square(log_pred - log_true), axis=-1)


@expects("same_shape", "quantities")
@elementwise
def huber(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Tensor:
    """Half the squared error up to an error of `delta`, linear beyond; the mean over the last axis.

    Args:
        y_true, y_pred: (batch, ..., d).
        delta: where squares end, in units of y.

    Returns:
        (batch, ...)
    """
    if isinstance(delta, numbers.Real) and not delta > 0:
        raise UserInputError(f"`delta` must be above 0. Received: delta={delta}")
    error = jnp.abs(y_pred - y_true)
    linear = delta * error - 0.5 * delta**2  # meets the square at `delta`, with the same slope
    return jnp.mean(jnp.where(error <= delta, 0.5 * jnp.square(error), linear), axis=-1)


@expects("same_shape", "quantities")
@elementwise
def log_cosh(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """mean(log(cosh(y_pred - y_true))) over the last axis.

    Half the square of small errors, the size of large ones less log 2. (batch, ..., d) ->
    (batch, ...).
    """
    error = y_pred - y_true
    # log((e^x + e^-x) / 2) without the exponential of a large number.
    return jnp.mean(error + jax.nn.softplus(-2.0 * error) - math.log(2.0), axis=-1)


@expects("same_shape", "quantities")
@elementwise
def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """**Minus** the cosine of the angle between the vectors along `axis`.

    -1 for the same direction, 0 where one vector is zero.

    Args:
        y_true, y_pred: (batch, ..., d).
        axis: along which the vectors lie.

    Returns:
        The shape without `axis`, in [-1, 1].
    """
    return -jnp.sum(normalize(y_true, axis=axis) * normalize(y_pred, axis=axis), axis=axis)


class MeanSquaredError(LossFunctionWrapper):
    """`mean_squared_error`, reduced.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.losses.MeanSquaredError()([[0.0, 1.0]], [[1.0, 1.0]]))
        0.5
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """`mean_absolute_error`, reduced.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.losses.MeanAbsoluteError()([[0.0, 1.0]], [[3.0, 1.0]]))
        1.5
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_absolute_error",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """`mean_absolute_percentage_error`, reduced: percent. Targets near 0 give huge losses.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.losses.MeanAbsolutePercentageError()([[2.0]], [[3.0]]))
        50.0
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """`mean_squared_logarithmic_error`, reduced: for targets of many orders of magnitude.

    Negative numbers count as 0.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.MeanSquaredLogarithmicError()([[1.0]], [[3.0]])), 4)
        0.4805
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(LossFunctionWrapper):
    """`huber`, reduced: a squared error that outliers pull less on.

    Args:
        delta: where squares end and lines begin, in units of y.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> fkeras.losses.Huber(reduction=None)([[0.0], [0.0]], [[1.0], [3.0]])
        Array([0.5, 2.5], dtype=float32)
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """`log_cosh`, reduced: much like `Huber`, smooth everywhere.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.LogCosh()([[0.0]], [[1.0]])), 4)
        0.4338
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "log_cosh",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(log_cosh, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """`cosine_similarity`, reduced: -1 for equal directions, so that less is better.

    Args:
        axis: along which the vectors lie.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.losses.CosineSimilarity()([[1.0, 0.0]], [[5.0, 0.0]]))
        -1.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
