"""Mathematics beyond `numpy`: special functions, top k, log-sum-exp, distances, complex views."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array, as_float, widen
from fkeras.types import Axis, Tensor, TensorLike


@op
def top_k(
    x: TensorLike, k: int, sorted: bool = True, is_stable: bool = True
) -> tuple[Tensor, Tensor]:
    """The k largest entries along the last axis and their indices, largest first.

    Of equal ones the first comes first.

    Args:
        x: (..., n).
        k: int, at most n.
        sorted, is_stable: taken for Keras's sake; the result is always sorted and stable.

    Returns:
        (values, int32 indices), each (..., k).

    Examples:
        >>> from fkeras import ops
        >>> ops.top_k([1, 5, 3], 2)
        (Array([5, 3], dtype=int32), Array([1, 2], dtype=int32))
    """
    x = as_array(x)
    if x.ndim < 1 or not 0 <= k <= x.shape[-1]:
        raise UserInputError(
            f"top_k: k must be between 0 and the size of the last axis. Received: k={k}, "
            f"x.shape={x.shape}."
        )
    values, indices = jax.lax.top_k(x, k)
    return values, indices


@op
def in_top_k(targets: TensorLike, predictions: TensorLike, k: int) -> Tensor:
    """Whether each target class is among its k largest predictions, ties included.

    False for a NaN prediction or an id out of range.

    Args:
        targets: int class ids, (...).
        predictions: (..., classes).
        k: int.

    Returns:
        bool, (...).
    """
    targets, predictions = as_array(targets), as_array(predictions)
    if predictions.shape[:-1] != targets.shape:
        raise UserInputError(
            "in_top_k: predictions need the shape of targets and one more axis. Received: "
            f"{targets.shape} and {predictions.shape}."
        )
    classes = predictions.shape[-1]
    targets = targets.astype("int32")
    # Ids out of range read some class here and are masked below.
    mine = jnp.take_along_axis(predictions, jnp.clip(targets, 0, classes - 1)[..., None], axis=-1)
    better = jnp.sum(predictions > mine, axis=-1)  # ties do not push the target out
    return (better < k) & (targets >= 0) & (targets < classes) & ~jnp.isnan(mine[..., 0])


@op
def logsumexp(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over `axis` (None: all), without overflow."""
    return jax.nn.logsumexp(
        as_array(x), axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims
    )


@op
def cdist(x: TensorLike, y: TensorLike) -> Tensor:
    """Euclidean distance of every row of x to every row of y, as floats.

    (..., m, d) and (..., n, d) -> (..., m, n).
    """
    x, y = as_array(x), as_array(y)
    dtype = result_type(x.dtype, y.dtype, float)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise UserInputError(
            f"cdist: expected (..., m, d) and (..., n, d). Received: x.shape={x.shape}, "
            f"y.shape={y.shape}."
        )
    # Floats before the difference, since unsigned integers would wrap around.
    x, y = widen(x.astype(dtype)), widen(y.astype(dtype))
    differences = x[..., :, None, :] - y[..., None, :, :]  # (..., m, n, d)
    return jnp.sqrt(jnp.sum(jnp.square(differences), axis=-1)).astype(dtype)


@op
def rsqrt(x: TensorLike) -> Tensor:
    """1 / sqrt(x)."""
    return jax.lax.rsqrt(as_float(x))


@op
def erf(x: TensorLike) -> Tensor:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return jax.lax.erf(as_float(x))


@op
def erfc(x: TensorLike) -> Tensor:
    """1 - erf(x), exact for large x."""
    return jax.lax.erfc(as_float(x))


@op
def erfinv(x: TensorLike) -> Tensor:
    """The inverse of `erf`, for x in [-1, 1]."""
    return jax.lax.erf_inv(as_float(x))


@op
def gammainc(x1: TensorLike, x2: TensorLike) -> Tensor:
    """The regularized lower incomplete gamma function P(x1, x2)."""
    x1, x2 = as_array(x1), as_array(x2)
    dtype = result_type(x1.dtype, x2.dtype, float)
    return jax.scipy.special.gammainc(x1.astype(dtype), x2.astype(dtype))


@op
def logdet(x: TensorLike) -> Tensor:
    """log |det x| of a square matrix: (..., n, n) -> (...)."""
    return jnp.linalg.slogdet(as_array(x))[1]


@op
def view_as_complex(x: TensorLike) -> Tensor:
    """(..., 2), real and imaginary part, as complex64 (...)."""
    x = as_array(x)
    if x.ndim < 1 or x.shape[-1] != 2:
        raise UserInputError(
            "Last dimension of input must be size 2 (real and imaginary). Received shape: "
            f"{x.shape}"
        )
    return x[..., 0].astype("complex64") + 1j * x[..., 1].astype("complex64")


@op
def view_as_real(x: TensorLike) -> Tensor:
    """Complex (...) as (..., 2), real and imaginary part."""
    x = as_array(x)
    return jnp.stack((jnp.real(x), jnp.imag(x)), axis=-1)


@op
def polar(abs_: TensorLike, angle: TensorLike) -> Tensor:
    """The complex numbers abs_ * exp(i angle).

    Of absolute values and angles in radians: complex arrays of the same shape.
    """
    abs_, angle = as_array(abs_), as_array(angle)
    return jax.lax.complex(abs_ * jnp.cos(angle), abs_ * jnp.sin(angle))
