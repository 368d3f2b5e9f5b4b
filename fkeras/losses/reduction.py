"""From one loss per example to one number: masks, weights, reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.losses.precision import at_least_float32
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import DTypeLike, Shape, TensorLike

Reduction: TypeAlias = (
    Literal["sum_over_batch_size", "sum", "none", "mean", "mean_with_sample_weight"] | None
)
REDUCTIONS = ("sum_over_batch_size", "sum", None, "none", "mean", "mean_with_sample_weight")


class ReductionNames:
    """`losses.Reduction` of older Keras: names for the strings that `reduction=` takes."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return (cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: str) -> None:
        """Raises `UserInputError` for what is none of them."""
        if key not in cls.all():
            raise UserInputError(f"Expected a reduction, one of {cls.all()}. Received: {key!r}")


def standardize_reduction(reduction: Reduction) -> Reduction:
    """The reduction itself, if it is one; 'auto' of older Keras is the mean over the batch.

    Raises:
        UserInputError: an unknown one.
    """
    if reduction == ReductionNames.AUTO:
        return ReductionNames.SUM_OVER_BATCH_SIZE
    if reduction not in REDUCTIONS:
        raise UserInputError(
            f"Invalid value for argument `reduction`. Expected one of {REDUCTIONS}. Received: "
            f"reduction={reduction!r}"
        )
    return reduction


def divide_no_nan(x: jax.Array, y: jax.Array) -> jax.Array:
    """x / y, and 0 where y is 0; the gradient is finite there too."""
    # The inner `where` keeps the division itself finite: the gradient of a branch that is not
    # chosen is multiplied by 0, and 0 * inf is NaN.
    return jnp.where(y == 0, 0, x / jnp.where(y == 0, 1, y))


def fit_weights(weights: jax.Array, shape: Shape, name: str = "sample_weight") -> jax.Array:
    """Weights at the rank of what they weigh, by the leading axes: (n,) weighs the rows of (n, t).

    Args:
        weights: array; a number fits everything.
        shape: of what they weigh.
        name: of the argument, for the error.

    Returns:
        Weights that broadcast to `shape`.

    Raises:
        UserInputError: where they fit nothing, or would weigh a mean that was taken already.
    """
    if weights.ndim == len(shape) + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.ndim > len(shape):
        raise _weights_error(name, weights.shape, shape)
    if not weights.ndim:
        return weights
    fitted = weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))
    if any(size not in (1, n) for size, n in zip(fitted.shape, shape)):
        raise _weights_error(name, weights.shape, shape)
    return fitted


def _weights_error(name: str, weights_shape: Shape, shape: Shape) -> UserInputError:
    """The error for weights that fit nothing; the caller raises it."""
    reason = ""
    if not shape:
        reason = (
            " The loss is a single number already. Return one loss per example, e.g. the mean "
            "over axis=-1 of predictions of shape (n, 1)."
        )
    return UserInputError(
        f"`{name}` of shape {tuple(weights_shape)} does not fit values of shape {tuple(shape)}. "
        f"Expected a number, one weight per example, or one per value.{reason}"
    )


def masked_weights(
    sample_weight: jax.Array | None, mask: jax.Array, dtype: DTypeLike, reduction: Reduction
) -> jax.Array:
    """The mask as a factor of the sample weights.

    For means over the batch the remaining values weigh total / valid, so that the mean is one over
    valid values.

    Args:
        sample_weight: array; None for ones.
        mask: boolean array.
        dtype: of the weights.
        reduction: what will be done with what they weigh.
    """
    weights = mask.astype(dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        weights = weights * divide_no_nan(jnp.asarray(mask.size, dtype), jnp.sum(weights))
    if sample_weight is None:
        return weights
    sample_weight = sample_weight.astype(dtype)
    # Whichever has fewer axes is fitted to the other one.
    if sample_weight.ndim > weights.ndim:
        return sample_weight * fit_weights(weights, sample_weight.shape, "mask")
    return weights * fit_weights(sample_weight, weights.shape)


@op
def reduce_weighted_values(
    values: TensorLike,
    sample_weight: TensorLike | None = None,
    mask: TensorLike | None = None,
    reduction: Reduction = "sum_over_batch_size",
    dtype: DTypeLike | None = None,
) -> jax.Array:
    """The values times their weights, reduced. Half precision is added up in float32.

    Args:
        values: one loss per example or per position, any shape.
        sample_weight: number or array that fits the leading axes of `values`; None for ones.
        mask: boolean array that fits the leading axes; False leaves a value out. None for all.
        reduction: `'sum_over_batch_size'` and `'mean'` divide by the number of values,
            `'mean_with_sample_weight'` by the sum of the weights, `'sum'` by nothing; `'none'` and
            None return all values.
        dtype: of the result; None for that of `values`.

    Returns:
        A number, or as many as there are values where nothing is reduced.

    Raises:
        UserInputError: an unknown reduction, or weights that do not fit.

    Examples:
        >>> from fkeras.losses.reduction import reduce_weighted_values
        >>> float(reduce_weighted_values([1.0, 3.0], sample_weight=[1.0, 0.0]))
        0.5
    """
    reduction = standardize_reduction(reduction)
    values = as_array(values, dtype)
    wide = at_least_float32(values)
    if sample_weight is not None:
        sample_weight = as_array(sample_weight, wide.dtype)
    if mask is not None and wide.ndim:  # a single number has used its mask, or has none
        sample_weight = masked_weights(sample_weight, as_array(mask), wide.dtype, reduction)
    reduced = _reduce(wide, sample_weight, reduction)
    return reduced.astype(values.dtype) if wide.dtype != values.dtype else reduced


def _reduce(values: jax.Array, weights: jax.Array | None, reduction: Reduction) -> jax.Array:
    """Arrays of 32 bits at least, weighed and reduced."""
    if weights is not None:
        values = values * fit_weights(weights, values.shape)
    if reduction in (None, "none") or values.ndim == 0:
        return values
    total = jnp.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weights is not None:
        return divide_no_nan(total, jnp.sum(weights))
    return total / max(values.size, 1)  # an empty batch has loss 0
