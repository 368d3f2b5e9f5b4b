"""Means, variances, and what divides by them."""

from __future__ import annotations

from numbers import Integral

import jax
import jax.numpy as jnp
import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from fkeras.core import broadcasting, jax_private, settings
from fkeras.core.symbolic.op import op
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array, widen
from fkeras.types import Axis, DTypeLike, Tensor, TensorLike


@op
def moments(
    x: TensorLike, axes: Axis, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance over `axes`; float16 and bfloat16 are reduced in float32.

    Args:
        x: array.
        axes: an int or several.
        keepdims: whether the reduced axes stay with size 1.
        synchronized: whether the moments are those of all shares of a batch, inside of
            `jax.shard_map`, `pmap` and `vmap(axis_name=...)`, along all of their axes. Under
            `jax.jit` a sharded batch is one batch, and nothing is left to do.

    Returns:
        (mean, variance), of the dtype of `x`.
    """
    x = as_array(x)
    axes = tuple(axes) if isinstance(axes, list) else axes
    dtype = x.dtype
    low_precision = dtype in (jnp.float16, jnp.bfloat16)
    if low_precision:
        x = x.astype("float32")
    mean = jnp.mean(x, axes, keepdims=keepdims)
    variance = jnp.var(x, axes, keepdims=keepdims)
    if synchronized and jax_private.named_axes():
        mean, variance = _of_all_shares(mean, variance, jax_private.named_axes())
    if not low_precision:
        return mean, variance
    # A variance beyond float16's range becomes its largest number, not inf.
    low, high = float(jnp.finfo(dtype).min), float(jnp.finfo(dtype).max)
    return jnp.clip(mean, low, high).astype(dtype), jnp.clip(variance, low, high).astype(dtype)


def _of_all_shares(mean: Tensor, variance: Tensor, names: tuple) -> tuple[Tensor, Tensor]:
    """Moments of equally large shares along mapped axes as those of all of them together."""
    of_all = jax.lax.pmean(mean, names)
    return of_all, jax.lax.pmean(variance + jnp.square(mean - of_all), names)


@op
def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    variance: TensorLike,
    axis: int,
    offset: TensorLike | None = None,
    scale: TensorLike | None = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, each a vector along `axis`.

    Args:
        x: array.
        mean, variance: vectors of length `x.shape[axis]`.
        axis: int.
        offset, scale: vectors of that length, or None for 0 and 1.

    Returns:
        Array of the shape of `x`.
    """
    x = as_array(x)
    length = x.shape[normalize_axis_index(axis, x.ndim)]
    shape = [1] * x.ndim
    shape[axis] = length

    def along_axis(name, vector):
        vector = as_array(vector)
        if vector.shape != (length,):
            raise UserInputError(
                f"batch_normalization: argument `{name}` must be a vector of length "
                f"`x.shape[axis]`. Expected: ({length},). Received: {vector.shape}, with "
                f"x.shape={x.shape} and axis={axis}."
            )
        return vector.reshape(shape)

    mean = along_axis("mean", mean)
    inverse = jax.lax.rsqrt(along_axis("variance", variance) + epsilon)
    # One multiplication and one addition for each value of x; the rest is done on vectors.
    if scale is not None:
        inverse = inverse * along_axis("scale", scale)
    shift = -mean * inverse
    if offset is not None:
        shift = shift + along_axis("offset", offset)
    return x * inverse + shift


@op
def normalize(
    x: TensorLike, axis: Axis | None = -1, order: int = 2, epsilon: float | None = None
) -> Tensor:
    """x divided by its norm of an integer `order` >= 1 along `axis`, at least `epsilon`.

    None for `epsilon`: `fkeras.config.epsilon()`. Half precision is computed in float32.

    >>> from fkeras import ops
    >>> ops.normalize([[3.0, 4.0]])
    Array([[0.6, 0.8]], dtype=float32)
    """
    if not isinstance(order, Integral) or isinstance(order, bool) or order < 1:
        raise UserInputError(f"Argument `order` must be an int >= 1. Received: order={order}.")
    x = jnp.atleast_1d(as_array(x))
    axis = tuple(axis) if isinstance(axis, list) else axis
    if axis is not None:
        normalize_axis_tuple(axis, x.ndim)  # raises for an axis out of bounds
    epsilon = settings.epsilon() if epsilon is None else epsilon
    dtype = result_type(x.dtype, float)
    x = widen(x.astype(dtype))  # epsilon**2 is 0 in float16
    if order == 2:
        # Not 1 / max(norm, epsilon): the gradient of a norm of zeros is NaN.
        squares = jnp.sum(jnp.square(x), axis, keepdims=True)
        out = x * jax.lax.rsqrt(jnp.maximum(squares, epsilon * epsilon))
    else:
        out = x / jnp.maximum(jnp.linalg.norm(x, order, axis, keepdims=True), epsilon)
    return out.astype(dtype)


def _float32_at_least(x: TensorLike) -> tuple[jax.Array, jnp.dtype]:
    """`x` in float32 at least, and its own dtype."""
    x = as_array(x)
    return _in_dtype(x, result_type(x.dtype, "float32")), x.dtype


@op
def rms_normalization(
    x: TensorLike, scale: TensorLike | None = None, axis: Axis = -1, epsilon: float | None = None
) -> Tensor:
    """x / sqrt(mean(x^2) + epsilon) * scale along `axis`, computed in float32 at least.

    Args:
        x: array.
        scale: None, or an array that broadcasts against `x`.
        axis: an int or several.
        epsilon: None means `fkeras.config.epsilon()`.

    Returns:
        Array of the shape and dtype of `x`.
    """
    epsilon = settings.epsilon() if epsilon is None else epsilon
    x, dtype = _float32_at_least(x)
    x = jnp.atleast_1d(x)
    axis = tuple(axis) if isinstance(axis, list) else axis
    out = x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis, keepdims=True) + epsilon)
    if scale is not None:
        out = broadcasting.multiply(out, as_array(scale).astype(x.dtype))
    return out.astype(dtype)


@op
def layer_normalization(
    x: TensorLike,
    gamma: TensorLike | None = None,
    beta: TensorLike | None = None,
    axis: Axis = -1,
    epsilon: float | None = None,
    **kwargs,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta along `axis`.

    Computed in float32 at least.

    Args:
        x: array.
        gamma, beta: None, or arrays with one axis for each in `axis`, in that order (or of the rank
            of `x`).
        axis: an int or several.
        epsilon: None means `fkeras.config.epsilon()`.
        **kwargs: `rms_scaling=True` is Keras's deprecated variant x / sqrt(variance + epsilon): use
            `rms_normalization`.

    Returns:
        Array of the shape and dtype of `x`.

    Examples:
        >>> from fkeras import ops
        >>> ops.layer_normalization([[0.0, 2.0]])
        Array([[-0.99999994,  0.99999994]], dtype=float32)
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise UserInputError(f"layer_normalization: unexpected arguments {sorted(kwargs)}.")
    epsilon = settings.epsilon() if epsilon is None else epsilon
    x, dtype = _float32_at_least(x)
    axes = normalize_axis_tuple(tuple(axis) if isinstance(axis, list) else axis, x.ndim)
    gamma, beta = (
        None if v is None else _along(_in_dtype(as_array(v), x.dtype), axes, x.ndim)
        for v in (gamma, beta)
    )
    if rms_scaling:
        warn_user(
            "You passed `rms_scaling=True`, which is deprecated: it divides by the standard "
            "deviation, not by the root mean square. Use `ops.rms_normalization`."
        )
        out = x * jax.lax.rsqrt(jnp.var(x, axes, keepdims=True) + epsilon)
        return (out if gamma is None else out * gamma).astype(dtype)
    # Two passes: E[x^2] - E[x]^2 would cancel where the mean is large.
    centered = x - jnp.mean(x, axes, keepdims=True)
    inverse = jax.lax.rsqrt(jnp.mean(jnp.square(centered), axes, keepdims=True) + epsilon)
    out = centered * inverse  # not `inverse * gamma` first: a product of full shape to derive
    out = out if gamma is None else out * gamma
    return _in_dtype(out if beta is None else out + beta, dtype)


def _in_dtype(x: jax.Array, dtype: DTypeLike) -> jax.Array:
    """`x.astype(dtype)`, for nothing where there is nothing to do: deep models trace it often."""
    return x if x.dtype == dtype else x.astype(dtype)


def _along(v: jax.Array, axes: tuple[int, ...], ndim: int) -> jax.Array:
    """`v`, whose axes belong to `axes`, as an array of rank `ndim`."""
    if v.ndim == ndim:
        return v
    if v.ndim != len(axes):
        raise UserInputError(
            "layer_normalization: `gamma` and `beta` need one axis for each of "
            f"axis={tuple(map(int, axes))}. Received shape {v.shape}."
        )
    if len(axes) > 1:
        v = v.transpose(np.argsort(axes))
    return jax.lax.expand_dims(v, [i for i in range(ndim) if i not in axes])
