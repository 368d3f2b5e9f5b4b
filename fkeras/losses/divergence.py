"""Distances between distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras.core.settings import epsilon
from fkeras.losses.alignment import elementwise
from fkeras.losses.expectation import expects
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.losses.reduction import Reduction

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


@expects("distribution", "probabilities")
@elementwise
def kl_divergence(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """sum(y_true log(y_true / y_pred)) over the last axis, both clipped to [epsilon, 1].

    Args:
        y_true, y_pred: probabilities, (batch, ..., classes).

    Returns:
        One loss per example, (batch, ...), in nats.

    Examples:
        >>> import fkeras
        >>> fkeras.losses.kl_divergence([[0.5, 0.5]], [[0.25, 0.75]])
        Array([0.14384104], dtype=float32)
    """
    # Both away from 0: of 0 log 0 the value is 0, but the gradient NaN.
    y_true = jnp.clip(y_true, epsilon(), 1)
    y_pred = jnp.clip(y_pred, epsilon(), 1)
    return jnp.sum(y_true * jnp.log(y_true / y_pred), axis=-1)


@expects("not_negative", "rates")
@elementwise
def poisson(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """mean(y_pred - y_true log(y_pred + epsilon)) over the last axis.

    Args:
        y_true: counts, (batch, ..., d).
        y_pred: predicted rates, not negative, same shape.

    Returns:
        One loss per example, (batch, ...).
    """
    return jnp.mean(y_pred - y_true * jnp.log(y_pred + epsilon()), axis=-1)


class KLDivergence(LossFunctionWrapper):
    """`kl_divergence`, reduced: targets and predictions are distributions over the last axis.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
        0.1438
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "kl_divergence",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """`poisson`, reduced: targets are counts, predictions rates.

    An `exp` or `softplus` output keeps rates positive.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.Poisson()([[3.0]], [[1.0]])), 4)
        1.0
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "poisson",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(poisson, reduction, name, dtype)
