"""Correlation of predictions with targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.core.settings import epsilon
from fkeras.losses.alignment import elementwise
from fkeras.metrics.reduction import MeanMetricWrapper

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


@elementwise
def pearson_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """Pearson's correlation along `axis`.

    1 for a rising line, -1 for a falling one, NaN where one side is constant.

    Args:
        y_true, y_pred: (batch, ..., d).
        axis: along which values are compared. With one output per example that is 0, the batch.

    Returns:
        The shape without `axis`.
    """

    def standardized(y: jax.Array) -> jax.Array:
        # Without an epsilon, as in Keras: a constant has no correlation, and says so.
        y = y - jnp.mean(y, axis=axis, keepdims=True)
        return y / jnp.std(y, axis=axis, keepdims=True)

    return jnp.mean(standardized(y_true) * standardized(y_pred), axis=axis)


@elementwise
def concordance_correlation(y_true: TensorLike, y_pred: TensorLike, axis: int = -1) -> Tensor:
    """Lin's concordance correlation along `axis`.

    Like Pearson's, and less the further predictions lie off the line y_true = y_pred.

    Args:
        y_true, y_pred: (batch, ..., d).
        axis: along which values are compared.

    Returns:
        The shape without `axis`, in [-1, 1].
    """
    mean_true = jnp.mean(y_true, axis=axis, keepdims=True)
    mean_pred = jnp.mean(y_pred, axis=axis, keepdims=True)
    true = y_true - mean_true
    pred = y_pred - mean_pred
    variances = jnp.var(true, axis=axis, keepdims=True) + jnp.var(pred, axis=axis, keepdims=True)
    spread = variances + jnp.square(mean_true - mean_pred)
    return jnp.mean(2 * true * pred / (spread + epsilon()), axis=axis)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of `pearson_correlation` over batches.

    Args:
        name, dtype: as for `Metric`.
        axis: along which values are compared: within an example (-1), or over the batch (0).

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.PearsonCorrelation()
        >>> round(float(metric([[1.0, 2.0, 4.0]], [[1.0, 3.0, 4.0]])), 4)
        0.9286
    """

    _direction = "up"

    def __init__(
        self,
        name: str = "pearson_correlation",
        dtype: DTypePolicyLike | None = None,
        axis: int = -1,
    ):
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of `concordance_correlation` over batches.

    Args:
        name, dtype: as for `Metric`.
        axis: along which values are compared: within an example (-1), or over the batch (0).

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.ConcordanceCorrelation()
        >>> round(float(metric([[0, 1, 0.5]], [[0.1, 0.9, 0.5]])), 4)
        0.9756
    """

    _direction = "up"

    def __init__(
        self,
        name: str = "concordance_correlation",
        dtype: DTypePolicyLike | None = None,
        axis: int = -1,
    ):
        super().__init__(concordance_correlation, name, dtype, axis=axis)
