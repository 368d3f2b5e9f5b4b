"""Overlap of predicted and true regions, for segmentation."""

import jax.numpy as jnp

from fkeras.core.settings import epsilon
from fkeras.losses.alignment import elementwise
from fkeras.losses.loss import LossFunctionWrapper


@elementwise
def dice(y_true, y_pred, axis=None):
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
    axis = _plain(axis)
    both = jnp.sum(y_true * y_pred, axis)
    return 1 - 2.0 * both / (jnp.sum(y_true, axis) + jnp.sum(y_pred, axis) + epsilon())


@elementwise
def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - TP / (TP + alpha FP + beta FN), summed over `axis`; 0.5 and 0.5 give `dice`.

    Args:
        y_true, y_pred: in [0, 1], same shape.
        alpha, beta: weights of false positives and of false negatives.
        axis: int or tuple that is summed over; None for all, the batch included.

    References:
        Salehi et al., 2017, https://arxiv.org/abs/1706.05721
    """
    axis = _plain(axis)
    both = jnp.sum(y_true * y_pred, axis)
    false_positives = jnp.sum((1 - y_true) * y_pred, axis)
    false_negatives = jnp.sum(y_true * (1 - y_pred), axis)
    return 1 - both / (both + alpha * false_positives + beta * false_negatives + epsilon())


def _plain(axis):
    return tuple(axis) if isinstance(axis, list) else axis  # tuples come out of JSON as lists


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

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
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
        >>> round(float(fkeras.losses.Tversky(alpha=0.25, beta=0.75)([[1.0, 1.0]], [[1.0, 0.0]])), 4)
        0.4286
    """

    def __init__(
        self,
        alpha=0.5,
        beta=0.5,
        reduction="sum_over_batch_size",
        name="tversky",
        axis=None,
        dtype=None,
    ):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
