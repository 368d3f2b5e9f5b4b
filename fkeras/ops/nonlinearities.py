"""Elementwise nonlinearities and the softmax family. Shapes in equal shapes out, but for `glu`."""

from __future__ import annotations

from numbers import Integral

import jax
import jax.numpy as jnp
from numpy.lib.array_utils import normalize_axis_index

from fkeras.core import warn_once
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array, widen
from fkeras.types import Axis, Tensor, TensorLike

# Outside of jit, a function with a derivative rule of its own costs JAX ten times as much.
_relu, _relu6 = (jax.jit(f, inline=True) for f in (jax.nn.relu, jax.nn.relu6))


@op
def relu(x: TensorLike) -> Tensor:
    """max(x, 0)."""
    return _relu(as_array(x))


@op
def relu6(x: TensorLike) -> Tensor:
    """x clipped to [0, 6]."""
    return _relu6(as_array(x))


@op
def sigmoid(x: TensorLike) -> Tensor:
    """1 / (1 + exp(-x)), in (0, 1)."""
    return jax.nn.sigmoid(as_array(x))


@op
def sparse_sigmoid(x: TensorLike) -> Tensor:
    """0 below -1, 1 above 1, and the straight line (x + 1) / 2 between."""
    return jax.nn.sparse_sigmoid(as_array(x))


@op
def softplus(x: TensorLike) -> Tensor:
    """log(1 + exp(x)), without overflow."""
    return jax.nn.softplus(as_array(x))


@op
def softsign(x: TensorLike) -> Tensor:
    """x / (1 + |x|), in (-1, 1)."""
    return jax.nn.soft_sign(as_array(x))


@op
def soft_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """Moves x by `threshold` towards 0; 0 where |x| <= threshold."""
    x = as_array(x)
    return jnp.where(x > threshold, x - threshold, jnp.where(x < -threshold, x + threshold, 0.0))


@op
def sparse_plus(x: TensorLike) -> Tensor:
    """0 below -1, x above 1, and the parabola (x + 1)^2 / 4 between."""
    return jax.nn.sparse_plus(as_array(x))


@op
def silu(x: TensorLike) -> Tensor:
    """x * sigmoid(x), also called swish."""
    return jax.nn.silu(as_array(x))


@op
def squareplus(x: TensorLike, b: float = 4) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2, a smooth `relu`."""
    return jax.nn.squareplus(as_array(x), b)


@op
def log_sigmoid(x: TensorLike) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return jax.nn.log_sigmoid(as_array(x))


@op
def leaky_relu(x: TensorLike, negative_slope: float = 0.2) -> Tensor:
    """x where x >= 0, else negative_slope * x."""
    return jax.nn.leaky_relu(as_array(x), negative_slope)


@op
def hard_sigmoid(x: TensorLike) -> Tensor:
    """relu6(x + 3) / 6."""
    return jax.nn.hard_sigmoid(as_array(x))


@op
def hard_silu(x: TensorLike) -> Tensor:
    """x * hard_sigmoid(x), also called hard_swish."""
    return jax.nn.hard_silu(as_array(x))


swish = silu
hard_swish = hard_silu


@op
def elu(x: TensorLike, alpha: TensorLike = 1.0) -> Tensor:
    """x where x > 0, else alpha * (exp(x) - 1)."""
    return jax.nn.elu(as_array(x), alpha)


@op
def selu(x: TensorLike) -> Tensor:
    """`elu` with the two constants that keep mean 0 and variance 1 (Klambauer et al., 2017)."""
    return jax.nn.selu(as_array(x))


@op
def gelu(x: TensorLike, approximate: bool = True) -> Tensor:
    """x * Phi(x), Phi the normal distribution; `approximate` takes the tanh formula, else erf."""
    return jax.nn.gelu(as_array(x), approximate)


@op
def celu(x: TensorLike, alpha: TensorLike = 1.0) -> Tensor:
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))."""
    return jax.nn.celu(as_array(x), alpha)


@op
def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """First half of x along `axis` times the sigmoid of the second half.

    The size of that axis must be even, and is halved.

    >>> from fkeras import ops
    >>> ops.glu([1.0, 2.0, 0.0, 0.0])
    Array([0.5, 1. ], dtype=float32)
    """
    x = as_array(x)
    size = x.shape[normalize_axis_index(axis, x.ndim)]
    if size % 2:
        raise UserInputError(
            f"glu: axis {axis} is split in two halves, so its size must be even. Received: "
            f"x.shape={x.shape}."
        )
    return jax.nn.glu(x, axis)


@op
def tanh_shrink(x: TensorLike) -> Tensor:
    """x - tanh(x)."""
    x = as_array(x)
    return x - jnp.tanh(x)


@op
def hard_tanh(x: TensorLike) -> Tensor:
    """x clipped to [-1, 1]."""
    return jax.nn.hard_tanh(as_array(x))


@op
def hard_shrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x where |x| > threshold, else 0."""
    x = as_array(x)
    return jnp.where(jnp.abs(x) > threshold, x, 0.0)


@op
def threshold(x: TensorLike, threshold: float, default_value: float) -> Tensor:
    """x where x > threshold, else `default_value`."""
    x = as_array(x)
    return jnp.where(x > threshold, x, default_value)


@op
def softmax(x: TensorLike, axis: Axis | None = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along `axis` (an int, a tuple, or None for all).

    Warns where the axis has size 1: all ones, always.

    >>> from fkeras import ops
    >>> ops.softmax([0.0, 0.0])
    Array([0.5, 0.5], dtype=float32)
    """
    x = as_array(x)
    if isinstance(axis, Integral) and -x.ndim <= axis < x.ndim and x.shape[axis] == 1:
        warn_once.warn(
            f"You are using a softmax over axis {axis} of a tensor of shape {x.shape}. This axis "
            "has size 1, so the result is always 1, which is likely not what you intended. Did "
            "you mean to use a sigmoid instead?",
            stacklevel=3,
            key=("softmax", axis, x.shape[1:]),  # batches of other sizes are the same mistake
        )
    return jax.nn.softmax(x, _tuple(axis))


@op
def log_softmax(x: TensorLike, axis: Axis | None = -1) -> Tensor:
    """log(softmax(x)) along `axis` (an int, a tuple, or None for all), without overflow."""
    return jax.nn.log_softmax(as_array(x), _tuple(axis))


def _tuple(axis: Axis | None) -> int | tuple[int, ...] | None:
    """Axes as JAX takes them: hashable."""
    return tuple(axis) if isinstance(axis, list) else axis


@op
def sparsemax(x: TensorLike, axis: int = -1) -> Tensor:
    """The point of the probability simplex nearest to x along `axis`.

    Like softmax, with exact zeros.

    Keras 3.15 returns entries that do not sum to 1 where more than one is positive; here they do.

    >>> from fkeras import ops
    >>> ops.sparsemax([1.0, 1.0, -1.0])
    Array([0.5, 0.5, 0. ], dtype=float32)

    References:
        Martins and Astudillo, 2016, https://arxiv.org/abs/1602.02068
    """
    x = as_array(x)
    dtype = result_type(x.dtype, float)
    x = widen(x)
    axis = normalize_axis_index(axis, x.ndim)
    # The support is the longest run of largest values whose threshold stays below its last one.
    descending = -jnp.sort(-1.0 * x, axis=axis)
    sums = jnp.cumsum(descending, axis=axis)
    rank = jnp.arange(1, x.shape[axis] + 1).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    in_support = descending - (sums - 1) / rank > 0
    count = jnp.sum(in_support, axis=axis, keepdims=True)
    # The largest value is always in the support, so count >= 1.
    tau = (jnp.sum(jnp.where(in_support, descending, 0.0), axis=axis, keepdims=True) - 1) / count
    return jnp.maximum(x - tau, 0.0).astype(dtype)
