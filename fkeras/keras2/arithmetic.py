"""Arithmetic with other defaults than in `fkeras.ops`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from fkeras import ops
from fkeras.core.symbolic.op import op

if TYPE_CHECKING:
    from fkeras.types import Axis, Tensor, TensorLike


def argmax(x: TensorLike, axis: int = -1) -> Tensor:
    """The index of the largest value along one axis, the last by default; int32."""
    return ops.argmax(x, axis)


def argmin(x: TensorLike, axis: int = -1) -> Tensor:
    """The index of the smallest value along one axis, the last by default; int32."""
    return ops.argmin(x, axis)


def cumsum(x: TensorLike, axis: int = 0) -> Tensor:
    """Running sums along one axis, the first by default."""
    return ops.cumsum(x, axis)


def cumprod(x: TensorLike, axis: int = 0) -> Tensor:
    """Running products along one axis, the first by default."""
    return ops.cumprod(x, axis)


def clip(x: TensorLike, min_value: TensorLike | None, max_value: TensorLike | None) -> Tensor:
    """`x` limited to [min_value, max_value]; None for no limit.

    Where the limits cross, `min_value` counts.
    """
    if isinstance(min_value, int | float) and isinstance(max_value, int | float):
        max_value = max(min_value, max_value)
    lowest = -np.inf if min_value is None else min_value
    highest = np.inf if max_value is None else max_value
    return ops.clip(x, lowest, highest)


def sqrt(x: TensorLike) -> Tensor:
    """The square root; 0 for negative numbers."""
    return ops.sqrt(ops.maximum(x, 0.0))


def relu(
    x: TensorLike, alpha: float = 0.0, max_value: TensorLike | None = None, threshold: float = 0.0
) -> Tensor:
    """`x` above `threshold`, at most `max_value`; `alpha * (x - threshold)` below."""
    below = alpha * (x - threshold)
    above = x if max_value is None else ops.minimum(x, max_value)
    return ops.where(ops.greater(x, threshold), above, below)


def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """`x` where positive, `alpha * (exp(x) - 1)` elsewhere."""
    return ops.elu(x, alpha)


def hard_sigmoid(x: TensorLike) -> Tensor:
    """`0.2 * x + 0.5` limited to [0, 1], as in Keras 2. `fkeras.ops.hard_sigmoid` has slope 1/6."""
    return ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


def l2_normalize(x: TensorLike, axis: Axis | None = None) -> Tensor:
    """`x` divided by its Euclidean norm over `axis`; None for the norm of all of it."""
    total = ops.sum(ops.square(x), axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(total, 1e-12))  # rows of zeros stay zeros


def in_top_k(predictions: TensorLike, targets: TensorLike, k: int) -> Tensor:
    """Whether each target is among the `k` largest of its row of predictions.

    Shapes: (batch, classes), (batch,) -> (batch,) bool.
    """
    return ops.in_top_k(targets, predictions, k)


def identity(x: TensorLike, name: str | None = None) -> Tensor:
    """The same values."""
    return ops.copy(x)


def print_tensor(x: TensorLike, message: str = "", summarize: int = 3) -> TensorLike:
    """`x` itself; prints it behind `message`, in compiled steps at each of them.

    `summarize`: without effect; NumPy shortens what is long.
    """
    return _printed(x, message)


@op
def _printed(x, message):
    jax.debug.print("{message} {x}", message=message, x=x)
    return jnp.asarray(x)
