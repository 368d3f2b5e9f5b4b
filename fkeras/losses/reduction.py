"""From one loss per example to one number: masks, weights, reductions."""

import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.tensors import as_array

REDUCTIONS = ("sum_over_batch_size", "sum", None, "none", "mean", "mean_with_sample_weight")


def standardize_reduction(reduction):
    """The reduction itself, if it is one."""
    if reduction not in REDUCTIONS:
        raise UserInputError(
            f"Invalid value for argument `reduction`. Expected one of {REDUCTIONS}. Received: "
            f"reduction={reduction!r}"
        )
    return reduction


def divide_no_nan(x, y):
    """x / y, and 0 where y is 0; the gradient is finite there too."""
    return jnp.where(y == 0, 0, x / jnp.where(y == 0, 1, y))


def fit_weights(weights, shape, what="sample_weight"):
    """Weights at the rank of what they weigh, by the leading axes: (n,) weighs the rows of (n, t).

    Raises:
        UserInputError: where they fit nothing, or would weigh a mean that was taken already.
    """
    if weights.ndim == len(shape) + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.ndim > len(shape):
        reason = (
            ""
            if shape
            else (
                " The loss is a single number already. Return one loss per example, e.g. the mean "
                "over axis=-1 of predictions of shape (n, 1)."
            )
        )
        raise _weights_error(what, weights.shape, shape, reason)
    full = (
        weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))
        if weights.ndim
        else weights
    )
    if any(w not in (1, n) for w, n in zip(full.shape, shape)):
        raise _weights_error(what, weights.shape, shape)
    return full


def _weights_error(what, weights_shape, shape, reason=""):
    return UserInputError(
        f"`{what}` of shape {tuple(weights_shape)} does not fit values of shape {tuple(shape)}. "
        f"Expected a number, one weight per example, or one per value.{reason}"
    )


def masked_weights(sample_weight, mask, dtype, reduction):
    """The mask as a factor of the sample weights (None: ones).

    For means over the batch the remaining values weigh total / valid, so that the mean is one over
    valid values.
    """
    if mask is None:
        return sample_weight
    mask = as_array(mask)
    weights = mask.astype(dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        weights = weights * divide_no_nan(jnp.asarray(mask.size, dtype), jnp.sum(weights))
    if sample_weight is None:
        return weights
    sample_weight = as_array(sample_weight, dtype)
    if sample_weight.ndim > weights.ndim:
        return sample_weight * fit_weights(weights, sample_weight.shape, "mask")
    return weights * fit_weights(sample_weight, weights.shape)


@op
def reduce_weighted_values(
    values, sample_weight=None, mask=None, reduction="sum_over_batch_size", dtype=None
):
    """The values times their weights, reduced.

    Args:
        values: one loss per example or per position, any shape.
        sample_weight: number or array that fits the leading axes of `values`; None for ones.
        mask: boolean array that fits the leading axes; False leaves a value out. None for all.
        reduction: `'sum_over_batch_size'` and `'mean'` divide by the number of values,
            `'mean_with_sample_weight'` by the sum of the weights, `'sum'` by nothing; `'none'` and
            None return all values.
        dtype: of the result; None for that of `values`.
    """
    reduction = standardize_reduction(reduction)
    values = as_array(values, dtype)
    if mask is not None and values.ndim == 0:
        mask = None  # whoever averaged has used the mask, or meant to leave it out
    weights = masked_weights(sample_weight, mask, values.dtype, reduction)
    if weights is not None:
        weights = as_array(weights, values.dtype)
        values = values * fit_weights(weights, values.shape)
    if reduction in (None, "none") or values.ndim == 0:
        return values
    total = jnp.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weights is not None:
        return divide_no_nan(total, jnp.sum(weights))
    return total / max(values.size, 1)
