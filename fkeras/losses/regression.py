"""How far numbers are from numbers."""

import jax
import jax.numpy as jnp

from fkeras.core.settings import epsilon
from fkeras.losses.alignment import elementwise
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.ops.normalization import normalize


@elementwise
def mean_squared_error(y_true, y_pred):
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


@elementwise
def mean_absolute_error(y_true, y_pred):
    """mean(|y_true - y_pred|) over the last axis: (batch, ..., d) -> (batch, ...)."""
    return jnp.mean(jnp.abs(y_true - y_pred), axis=-1)


@elementwise
def mean_absolute_percentage_error(y_true, y_pred):
    """100 mean(|(y_true - y_pred) / y_true|) over the last axis, in percent; |y_true| counts as
    epsilon at least.
    """
    return 100.0 * jnp.mean(
        jnp.abs((y_true - y_pred) / jnp.maximum(jnp.abs(y_true), epsilon())), axis=-1
    )


@elementwise
def mean_squared_logarithmic_error(y_true, y_pred):
    """mean((log(1 + y_true) - log(1 + y_pred))^2) over the last axis; numbers below epsilon count
    as epsilon.
    """

    def log(y):
        return jnp.log(jnp.maximum(y, epsilon()) + 1.0)

    return jnp.mean(jnp.square(log(y_pred) - log(y_true)), axis=-1)


@elementwise
def huber(y_true, y_pred, delta=1.0):
    """Half the squared error up to an error of `delta`, linear beyond, averaged over the last axis.

    Args:
        y_true, y_pred: (batch, ..., d).
        delta: where squares end, in units of y.

    Returns:
        (batch, ...)
    """
    error = jnp.abs(y_pred - y_true)
    return jnp.mean(
        jnp.where(error <= delta, 0.5 * jnp.square(error), delta * error - 0.5 * delta**2), axis=-1
    )


@elementwise
def log_cosh(y_true, y_pred):
    """mean(log(cosh(y_pred - y_true))) over the last axis: half the square of small errors, the
    size of large ones less log 2.
    """
    error = y_pred - y_true
    return jnp.mean(
        error + jax.nn.softplus(-2.0 * error) - jnp.log(2.0).astype(error.dtype), axis=-1
    )


@elementwise
def cosine_similarity(y_true, y_pred, axis=-1):
    """**Minus** the cosine of the angle between the vectors along `axis`: -1 for the same
    direction, 0 where one vector is zero.

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

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
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

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
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
        self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None
    ):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """`mean_squared_logarithmic_error`, reduced: for targets of many orders of magnitude. Negative
    numbers count as 0.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.MeanSquaredLogarithmicError()([[1.0]], [[3.0]])), 4)
        0.4805
    """

    def __init__(
        self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None
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

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
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

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
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
        self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None
    ):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
