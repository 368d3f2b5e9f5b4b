"""Targets beside predictions: the same rank, then the same shape.

Nothing broadcasts by accident.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.losses.precision import F, computed_in_float32
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import Shape, TensorLike


def squeeze_or_expand_to_same_rank(
    x1: jax.Array, x2: jax.Array, expand_rank_1: bool = True
) -> tuple[jax.Array, jax.Array]:
    """A pair at the same rank, if that takes but one axis of 1 at the end; else as it is.

    (n,) beside (n, 1) becomes (n, 1), unless `expand_rank_1` is False; (n, t) beside (n, t, 1)
    stays (n, t), the other one is squeezed.
    """
    if x1.ndim == x2.ndim + 1 and x1.shape[-1] == 1:
        return (x1, x2[..., None]) if x2.ndim == 1 and expand_rank_1 else (x1[..., 0], x2)
    if x2.ndim == x1.ndim + 1 and x2.shape[-1] == 1:
        return (x1[..., None], x2) if x1.ndim == 1 and expand_rank_1 else (x1, x2[..., 0])
    return x1, x2


def aligned(name: str, y_true: jax.Array, y_pred: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Two arrays of one shape.

    A scalar stands for every element; anything else that would broadcast is an error: (n, 7)
    against (n, 1), or (n,) against (n, 3), is a model with the wrong output, not a loss.

    Args:
        name: of the loss or metric, for the error.
        y_true: targets.
        y_pred: predictions.

    Raises:
        UserInputError: shapes that differ by more than a last axis of 1.
    """
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    if y_true.ndim == 0:
        y_true = jnp.broadcast_to(y_true, y_pred.shape)
    if y_true.shape != y_pred.shape:
        raise shape_error(name, y_true.shape, y_pred.shape)
    return y_true, y_pred


def shape_error(name: str, true_shape: Shape, pred_shape: Shape, hint: str = "") -> UserInputError:
    """The error for targets that do not fit the predictions; the caller raises it."""
    return UserInputError(
        f"{name}: `y_true` and `y_pred` must have the same shape. Received: y_true of shape "
        f"{tuple(true_shape)}, y_pred of shape {tuple(pred_shape)}. "
        f"{hint or 'Check the number of units of the output layer, or reshape the targets.'}"
    )


def elementwise(fn: F) -> F:
    """Makes `fn(y_true, y_pred, ...)` a loss that may be called on anything array-like.

    Both come in as floats of 32 bits at least, in one shape; the result has the dtype of the
    predictions. Scalars, as under `vmap` over examples of one value, count as one example.
    """

    @op
    @computed_in_float32
    @functools.wraps(fn)
    def loss(y_true: TensorLike, y_pred: jax.Array, *args: Any, **kwargs: Any) -> jax.Array:
        y_true = as_array(y_true, y_pred.dtype)
        y_true, y_pred = aligned(fn.__name__, y_true, y_pred)
        if y_pred.ndim == 0:  # `fn` takes the mean over the last axis
            y_true, y_pred = y_true[None], y_pred[None]
        return fn(y_true, y_pred, *args, **kwargs)

    return cast(F, loss)  # with the signature of `fn`, for editors
