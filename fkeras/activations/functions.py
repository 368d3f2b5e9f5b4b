"""The activation functions.

Most are `fkeras.ops` under a second name, as objects of their own so that configs name them alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras import ops
from fkeras.core.symbolic.op import op
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from fkeras.types import Axis, Tensor, TensorLike


@op
def relu(
    x: TensorLike,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Tensor:
    """x above `threshold`, else 0.

    Args:
        x: any shape.
        negative_slope: below the threshold: `negative_slope * (x - threshold)`.
        max_value: the largest output; None: no bound.
        threshold: where the positive part starts.

    Examples:
        >>> import fkeras
        >>> fkeras.activations.relu([-10.0, 5.0, 20.0], negative_slope=0.1, max_value=10.0)
        Array([-1.,  5., 10.], dtype=float32)
    """
    x = as_array(x)
    # The common cases go to JAX's functions, whose gradients at the kinks are Keras's.
    if negative_slope and not threshold and max_value is None:
        return jax.nn.leaky_relu(x, negative_slope)
    # Not x * (x > threshold): infinity times 0 would be NaN.
    if threshold:
        positive = jnp.where(x <= threshold, 0, x)
    else:
        positive = ops.relu6(x) if max_value == 6 else ops.relu(x)
    if max_value is not None and (threshold or max_value != 6):
        positive = jnp.clip(positive, 0, max_value)
    if negative_slope:
        return positive - negative_slope * ops.relu(threshold - x)
    return positive


def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """x where x >= 0, else negative_slope * x."""
    return ops.leaky_relu(x, negative_slope)


def relu6(x: TensorLike) -> Tensor:
    """x clipped to [0, 6]."""
    return ops.relu6(x)


def softmax(x: TensorLike, axis: Axis | None = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis` (an int, a tuple, or None for all)."""
    return ops.softmax(x, axis)


def log_softmax(x: TensorLike, axis: Axis | None = -1) -> Tensor:
    """log(softmax(x)) along `axis` (an int, a tuple, or None for all)."""
    return ops.log_softmax(x, axis)


def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The point of the probability simplex nearest to x: like softmax, with exact zeros.

    Args:
        x: any shape.
        axis: the axis whose entries sum to 1.
    """
    return ops.sparsemax(x, axis)


def elu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else alpha * (exp(x) - 1)."""
    return ops.elu(x, alpha)


def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))."""
    return ops.celu(x, alpha)


def selu(x: TensorLike) -> Tensor:
    """`elu` with the two constants that keep mean 0 and variance 1."""
    return ops.selu(x)


def gelu(x: TensorLike, approximate: bool = False) -> Tensor:
    """x * Phi(x), Phi the normal distribution; `approximate` takes the tanh formula, else erf."""
    return ops.gelu(x, approximate)


def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """First half of x along `axis` times the sigmoid of the second half; that axis is halved."""
    return ops.glu(x, axis)


def silu(x: TensorLike) -> Tensor:
    """x * sigmoid(x), also called swish."""
    return ops.silu(x)


def hard_silu(x: TensorLike) -> Tensor:
    """x * hard_sigmoid(x), also called hard_swish."""
    return ops.hard_silu(x)


@op
def mish(x: TensorLike) -> Tensor:
    """x * tanh(softplus(x)) (Misra, 2019)."""
    return jax.nn.mish(as_array(x))


def sigmoid(x: TensorLike) -> Tensor:
    """1 / (1 + exp(-x)), in (0, 1)."""
    return ops.sigmoid(x)


def log_sigmoid(x: TensorLike) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return ops.log_sigmoid(x)


def hard_sigmoid(x: TensorLike) -> Tensor:
    """relu6(x + 3) / 6."""
    return ops.hard_sigmoid(x)


def sparse_sigmoid(x: TensorLike) -> Tensor:
    """0 below -1, 1 above 1, and the straight line (x + 1) / 2 between."""
    return ops.sparse_sigmoid(x)


def tanh(x: TensorLike) -> Tensor:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)), in (-1, 1)."""
    return ops.tanh(x)


def hard_tanh(x: TensorLike) -> Tensor:
    """x clipped to [-1, 1]."""
    return ops.hard_tanh(x)


def tanh_shrink(x: TensorLike) -> Tensor:
    """x - tanh(x)."""
    return ops.tanh_shrink(x)


def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """Moves x by `threshold` towards 0; 0 where |x| <= threshold."""
    return ops.soft_shrink(x, threshold)


def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0."""
    return ops.hard_shrink(x, threshold)


def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """x where x > threshold, else `default_value`."""
    return ops.threshold(x, threshold, default_value)


def softplus(x: TensorLike) -> Tensor:
    """log(1 + exp(x)), without overflow."""
    return ops.softplus(x)


def sparse_plus(x: TensorLike) -> Tensor:
    """0 below -1, x above 1, and the parabola (x + 1)^2 / 4 between."""
    return ops.sparse_plus(x)


def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2, a smooth `relu`."""
    return ops.squareplus(x, b)


def softsign(x: TensorLike) -> Tensor:
    """x / (1 + |x|), in (-1, 1)."""
    return ops.softsign(x)


def exponential(x: TensorLike) -> Tensor:
    """exp(x)."""
    return ops.exp(x)


def linear(x: TensorLike) -> TensorLike:
    """x itself."""
    return x
