"""Errors of predicted numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.losses.alignment import aligned, elementwise
from fkeras.losses.regression import cosine_similarity as negative_cosine_similarity
from fkeras.losses.regression import (
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from fkeras.metrics.reduction import Mean, MeanMetricWrapper
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


@elementwise
def cosine_similarity(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """The cosine of the angle between the vectors along `axis`, in [-1, 1].

    The loss of this name has the other sign.
    """
    return -negative_cosine_similarity(y_true, y_pred, axis=axis)


class MeanSquaredError(MeanMetricWrapper):
    """The mean of `fkeras.losses.mean_squared_error`.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.MeanSquaredError()([[0.0, 1.0]], [[1.0, 1.0]]))
        0.5
    """

    _direction = "down"

    def __init__(self, name: str = "mean_squared_error", dtype: DTypePolicyLike | None = None):
        super().__init__(mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of `fkeras.losses.mean_absolute_error`.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.MeanAbsoluteError()([[0.0, 1.0]], [[3.0, 1.0]]))
        1.5
    """

    _direction = "down"

    def __init__(self, name: str = "mean_absolute_error", dtype: DTypePolicyLike | None = None):
        super().__init__(mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of `fkeras.losses.mean_absolute_percentage_error`, in percent.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.MeanAbsolutePercentageError()([[2.0]], [[3.0]]))
        50.0
    """

    _direction = "down"

    def __init__(
        self, name: str = "mean_absolute_percentage_error", dtype: DTypePolicyLike | None = None
    ):
        super().__init__(mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of `fkeras.losses.mean_squared_logarithmic_error`.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.MeanSquaredLogarithmicError()([[1.0]], [[3.0]])), 4)
        0.4805
    """

    _direction = "down"

    def __init__(
        self, name: str = "mean_squared_logarithmic_error", dtype: DTypePolicyLike | None = None
    ):
        super().__init__(mean_squared_logarithmic_error, name, dtype)


class RootMeanSquaredError(Mean):
    """The root of the mean squared error over everything seen, in units of y.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]]))
        3.0
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: DTypePolicyLike | None = None):
        super().__init__(name, dtype)

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in a batch (batch, ...); `sample_weight` fits its leading axes."""
        dtype = self._sum_dtype
        y_true, y_pred = aligned(self.name, as_array(y_true, dtype), as_array(y_pred, dtype))
        super().update_state(jnp.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self) -> jax.Array:
        # The root before the rounding: a mean square of 70,000 is infinite in float16.
        return jnp.sqrt(self._mean()).astype(self.dtype)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between target and prediction: 1 for equal directions.

    The loss of this name is its negative.

    Args:
        name, dtype: as for `Metric`.
        axis: along which the vectors lie.

    Examples:
        >>> import fkeras
        >>> float(fkeras.metrics.CosineSimilarity()([[1.0, 0.0]], [[5.0, 0.0]]))
        1.0
    """

    _direction = "up"

    def __init__(
        self, name: str = "cosine_similarity", dtype: DTypePolicyLike | None = None, axis: int = -1
    ):
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class LogCoshError(MeanMetricWrapper):
    """The mean of `fkeras.losses.log_cosh`.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.metrics.LogCoshError()([[0.0]], [[1.0]])), 4)
        0.4338
    """

    _direction = "down"

    def __init__(self, name: str = "logcosh", dtype: DTypePolicyLike | None = None):
        super().__init__(log_cosh, name, dtype)
