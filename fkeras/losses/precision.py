"""Half precision: computed in float32, rounded once at the end.

A sum of 70,000 ones is infinite in float16 and a whole number off in bfloat16, and 1 - epsilon is 1
in both, so that log(1 - p) of a saturated prediction is infinite.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import jax
import jax.numpy as jnp

from fkeras.core.values.masks import get_mask, set_mask
from fkeras.ops.tensors import as_float

if TYPE_CHECKING:
    from fkeras.types import DTypeLike, TensorLike

F = TypeVar("F", bound=Callable[..., jax.Array])


def is_half(dtype: DTypeLike) -> bool:
    """Whether a dtype is a float narrower than float32."""
    dtype = jnp.dtype(dtype)
    return dtype.itemsize < 4 and jnp.issubdtype(dtype, jnp.floating)


def at_least_float32(x: jax.Array) -> jax.Array:
    """`x`, as float32 where it is a narrower float."""
    return x.astype(jnp.float32) if is_half(x.dtype) else x


def widened(fn: F) -> F:
    """Makes `fn(y_true, y_pred, ...)` see predictions as floats of 32 bits at least."""

    @functools.wraps(fn)
    def loss(y_true: TensorLike, y_pred: TensorLike, *args: Any, **kwargs: Any) -> jax.Array:
        return fn(y_true, at_least_float32(as_float(y_pred)), *args, **kwargs)

    return cast(F, loss)  # with the signature of `fn`, for editors


def computed_in_float32(fn: F) -> F:
    """As `widened`, with the losses rounded to the dtype of the predictions at the end."""

    @functools.wraps(fn)
    def loss(y_true: TensorLike, y_pred: TensorLike, *args: Any, **kwargs: Any) -> jax.Array:
        y_pred = as_float(y_pred)
        if not is_half(y_pred.dtype):
            return fn(y_true, y_pred, *args, **kwargs)
        wide = fn(y_true, y_pred.astype(jnp.float32), *args, **kwargs)
        losses = wide.astype(y_pred.dtype)
        set_mask(losses, get_mask(wide))  # `astype` makes a new array, which has none
        return losses

    return cast(F, loss)  # with the signature of `fn`, for editors
