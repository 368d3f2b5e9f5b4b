"""Overlap of predicted and true regions, for segmentation."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras.core.settings import epsilon
from fkeras.losses.alignment import elementwise
from fkeras.losses.expectation import expects
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.losses.reduction import Reduction

if TYPE_CHECKING:
    from fkeras.types import Axis, DTypePolicyLike, Tensor, TensorLike


@expects("unit_interval", "probabilities")
@elementwise
def dice(y_true: TensorLike, y_pred: TensorLike, axis: Axis | None = None) -> Tensor:
    """1 - 2 |true and predicted| / (|true| + |predicted|), sizes being sums over `axis`.

    Args:
        y_true, y_pred: in [0, 1], same shape.
        axis: int or tuple that is summed over; None for all, the batch included: one number, which
            cannot be weighted by example.

    Returns:
        The shape without `axis`, in [0, 1].

    Examples:
        >>> import fkeras
        >>> fkeras.losses.dice([[1.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 0.0]], axis=1)
        Array([0., 1.], dtype=float32)
    """
    axis = _axes(axis)
    intersection = jnp.sum(y_true * y_pred, axis)
    return 1 - 2.0 * intersection / (jnp.sum(y_true, axis) + jnp.sum(y_pred, axis) + epsilon())


@expects("unit_interval", "probabilities")
@elementwise
def tversky(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: Axis | None = None,
) -> Tensor:
    """1 - TP / (TP + alpha FP + beta FN), summed over `axis`; 0.5 and 0.5 give `dice`.

    Args:
        y_true, y_pred: in [0, 1], same shape.
        alpha, beta: weights of false positives and of false negatives.
        axis: int or tuple that is summed over; None for all, the batch included.

    References:
        Salehi et al., 2017, https://arxiv.org/abs/1706.05721
    """
    axis = _axes(axis)
    intersection = jnp.sum(y_true * y_pred, axis)
    false_positives = jnp.sum((1 - y_true) * y_pred, axis)
    false_negatives = jnp.sum(y_true * (1 - y_pred), axis)
    # For 0.5 and 0.5 the mean of both sizes, else what counts of both.
    union = intersection + alpha * false_positives + beta * false_negatives
    return 1 - intersection / (union + epsilon())


def _axes(axis: Axis | None) -> int | tuple[int, ...] | None:
    """The axis as JAX takes it: a tuple comes out of JSON as a list."""
    return axis if axis is None or isinstance(axis, Integral) else tuple(axis)


class Dice(LossFunctionWrapper):
    """`dice`, reduced.

    Args:
        reduction, name: as for `Loss`.
        axis: int or tuple that is summed over, such as (1, 2, 3) for one loss per image; None for
            one over the whole batch.
        dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.losses.Dice(axis=1)([[1.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 0.0]]))
        0.5
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "dice",
        axis: Axis | None = None,
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """`tversky`, reduced: `beta` above `alpha` punishes what is missed more than what is invented.

    Args:
        alpha, beta: weights of false positives and of false negatives.
        reduction, name: as for `Loss`.
        axis: as for `Dice`.
        dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> loss = fkeras.losses.Tversky(alpha=0.25, beta=0.75)
        >>> round(float(loss([[1.0, 1.0]], [[1.0, 0.0]])), 4)
        0.4286
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "tversky",
        axis: Axis | None = None,
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
