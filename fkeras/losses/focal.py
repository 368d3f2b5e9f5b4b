"""Focal crossentropies: examples that are predicted well already count less."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.core import broadcasting
from fkeras.core.settings import epsilon
from fkeras.core.symbolic.op import op
from fkeras.losses.alignment import elementwise
from fkeras.losses.class_targets import one_hot_pair, smoothed
from fkeras.losses.expectation import expects
from fkeras.losses.loss import LossFunctionWrapper
from fkeras.losses.precision import at_least_float32
from fkeras.losses.reduction import Reduction
from fkeras.ops import crossentropy
from fkeras.ops.tensors import as_float

if TYPE_CHECKING:
    from fkeras.types import DTypePolicyLike, Tensor, TensorLike


@expects("unit_interval", "probabilities")
@elementwise
def binary_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Binary crossentropy times (1 - p of the truth)^gamma, averaged over `axis`.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: as for `binary_crossentropy`.
        apply_class_balancing: whether to weigh class 1 by `alpha` and class 0 by 1 - `alpha`.
        alpha: in [0, 1].
        gamma: 0 gives plain crossentropy.

    References:
        Lin et al., 2018, https://arxiv.org/abs/1708.02002
    """
    y_true = smoothed(y_true, 0.5, label_smoothing)
    # Both from the logits themselves: the sigmoid of 20 is 1 in float32, its logarithm 0, and the
    # gradient of a prediction that is certain and wrong would be 0.
    probability = jax.nn.sigmoid(y_pred) if from_logits else y_pred
    complement = jax.nn.sigmoid(-y_pred) if from_logits else 1 - y_pred
    missed = y_true * complement + (1 - y_true) * probability
    losses = crossentropy.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    losses = _focused(missed, gamma) * losses
    if apply_class_balancing:
        losses = losses * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return jnp.mean(losses, axis=axis)


@expects("one_hot", "probabilities")
@op
def categorical_focal_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum(alpha (1 - p)^gamma y log p) over the classes: easy examples count less.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: as for `categorical_crossentropy`.
        alpha: weight of all classes, or a sequence with one per class.
        gamma: 0 gives `alpha` times the plain crossentropy.

    References:
        Lin et al., 2018, https://arxiv.org/abs/1708.02002
    """
    y_pred = as_float(y_pred)
    weights = jnp.asarray(alpha)
    losses = _categorical_focal(
        y_true, at_least_float32(y_pred), weights, gamma, from_logits, label_smoothing, axis
    )
    return losses.astype(jnp.result_type(y_pred, weights))  # a list has a dtype of its own


def _categorical_focal(
    y_true: TensorLike,
    y_pred: jax.Array,
    alpha: jax.Array,
    gamma: float,
    from_logits: bool,
    label_smoothing: float,
    axis: int,
) -> jax.Array:
    """The focal crossentropy of predictions of 32 bits at least."""
    y_true, axis = one_hot_pair("categorical_focal_crossentropy", y_true, y_pred, axis)
    y_true = smoothed(y_true, 1 / y_pred.shape[axis], label_smoothing)
    if alpha.ndim:  # one weight for each class, wherever the classes are
        alpha = alpha.reshape((-1,) + (1,) * (y_pred.ndim - 1 - axis))
    if from_logits:
        log_p = jax.nn.log_softmax(y_pred, axis)
        missed = -jnp.expm1(log_p)  # exact near 0, where 1 - exp(log_p) is rounding
    else:
        p = y_pred / jnp.sum(y_pred, axis, keepdims=True)
        p = jnp.clip(p, epsilon(), 1.0 - epsilon())
        log_p = jnp.log(p)
        missed = 1.0 - p
    weights = broadcasting.multiply(_focused(missed, gamma), -alpha)
    return jnp.sum(weights * y_true * log_p, axis=axis)


def _focused(missed: jax.Array, gamma: float) -> jax.Array:
    """missed^gamma, with a finite slope at 0.

    For gamma < 1 it is infinite there, and times the loss of 0 of a perfect prediction NaN.
    """
    return jnp.where(missed == 0, jnp.finfo(missed.dtype).tiny, missed) ** gamma


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """`binary_focal_crossentropy`, reduced: for yes or no with far more of the one than the other.

    Args:
        apply_class_balancing: whether to weigh class 1 by `alpha` and class 0 by 1 - `alpha`.
        alpha: in [0, 1].
        gamma: how much less easy examples count; 0 for plain crossentropy.
        from_logits: whether predictions are logits.
        label_smoothing: in [0, 1]: moves targets towards 0.5.
        axis: averaged over.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.BinaryFocalCrossentropy()([[1.0]], [[0.5]])), 4)
        0.1733
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """`categorical_focal_crossentropy`, reduced: for classes of very different frequency.

    Args:
        alpha: weight of all classes, or a sequence with one per class.
        gamma: how much less easy examples count.
        from_logits: whether predictions are logits.
        label_smoothing: in [0, 1]: moves targets towards 1 / classes.
        axis: the classes' axis.
        reduction, name, dtype: as for `Loss`.

    Examples:
        >>> import fkeras
        >>> round(float(fkeras.losses.CategoricalFocalCrossentropy()([[0, 1]], [[0.5, 0.5]])), 4)
        0.0433
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: DTypePolicyLike | None = None,
    ):
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
