"""Margins: a prediction is good once it is far enough on the right side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.losses.alignment import elementwise
from fkeras.losses.expectation import expects
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.losses.reduction import Reduction

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


def _as_signs(y_true: jax.Array) -> jax.Array:
    """Targets as they are, or from {0, 1} to {-1, 1} where a whole batch is in {0, 1}."""
    is_binary = jnp.all((y_true == 0) | (y_true == 1))
    return jnp.where(is_binary, 2.0 * y_true - 1.0, y_true)


@expects("signs")
@elementwise
def hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """mean(max(1 - y_true y_pred, 0)) over the last axis.

    Args:
        y_true: -1 or 1, (batch, ..., d). A batch that holds nothing but 0 and 1 is read as -1 and
            1.
        y_pred: any numbers, same shape.

    Returns:
        One loss per example, (batch, ...).

    Examples:
        >>> import fkeras
        >>> fkeras.losses.hinge([[1.0], [-1.0]], [[0.5], [0.5]])
        Array([0.5, 1.5], dtype=float32)
    """
    return jnp.mean(jnp.maximum(1.0 - _as_signs(y_true) * y_pred, 0.0), axis=-1)


@expects("signs")
@elementwise
def squared_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """mean(max(1 - y_true y_pred, 0)^2) over the last axis; targets as for `hinge`."""
    return jnp.mean(jnp.square(jnp.maximum(1.0 - _as_signs(y_true) * y_pred, 0.0)), axis=-1)


@expects("one_hot")
@elementwise
def categorical_hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """max(largest score of a wrong class - score of the right class + 1, 0).

    Args:
        y_true: one-hot, (batch, ..., classes).
        y_pred: scores, same shape.

    Returns:
        One loss per example, (batch, ...).
    """
    right = jnp.sum(y_true * y_pred, axis=-1)
    wrong = jnp.max((1.0 - y_true) * y_pred, axis=-1)
    return jnp.maximum(wrong - right + 1.0, 0.0)


class Hinge(LossFunctionWrapper):
    """`hinge`, reduced: targets -1 and 1 (or 0 and 1), a linear output.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.losses.Hinge()([[0.0, 1.0]], [[-2.0, 0.5]]))
        0.25
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "hinge",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """`squared_hinge`, reduced.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.losses.SquaredHinge()([[0.0, 1.0]], [[-2.0, 0.5]]))
        0.125
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "squared_hinge",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """`categorical_hinge`, reduced: one-hot targets, one score per class.

    Args:
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> float(fkeras.losses.CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]]))
        0.75
    """

    def __init__(
        self,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_hinge",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(categorical_hinge, reduction, name, dtype)
