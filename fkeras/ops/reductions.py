"""Functions that fold axes away, or run along one.

`axis` is an int, a tuple or list of ints, or None for all axes.

With `keepdims` a folded axis stays with size 1. NaN anywhere gives NaN; the `nan*` functions leave
NaN out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.symbolic.op import op
from fkeras.ops import sparse as sparse_rules
from fkeras.ops.tensors import as_array, as_tensor, optional_dtype, widen
from fkeras.types import Axis, DTypeLike, Tensor, TensorLike


def axes(axis: Axis | None) -> int | tuple[int, ...] | None:
    """Axes as jax.numpy takes them: a list becomes a tuple."""
    return tuple(axis) if isinstance(axis, list) else axis


# Running sums have one axis; Keras passes it in a tuple sometimes.
def _one_axis(axis: Axis | None) -> Any:
    """An axis, or a tuple or list of one."""
    return axis[0] if isinstance(axis, (tuple, list)) and len(axis) == 1 else axis


def _running_sum(
    function: Callable[..., jax.Array],
    x: TensorLike,
    axis: Axis | None,
    dtype: DTypeLike | None,
) -> jax.Array:
    """`function`, a running sum, in `dtype`; half precision is computed in float32."""
    x = as_array(x)
    if dtype is not None:
        x = x.astype(standardize_dtype(dtype))
    result = function(widen(x), axis=_one_axis(axis))
    # Small integers are summed as (u)int32, unless a dtype is wanted.
    return result.astype(x.dtype) if dtype is not None or result.dtype.kind == "f" else result


# -- sums and products ---------------------------------------------------------


@op(sparse=sparse_rules.total)
def sum(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """The sum along `axis`; small integer types are summed as (u)int32, bools counted."""
    return jnp.sum(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def prod(
    x: TensorLike, axis: Axis | None = None, keepdims: bool = False, dtype: DTypeLike | None = None
) -> Tensor:
    """The product along `axis`, computed in `dtype` (None: small integer types as (u)int32)."""
    return jnp.prod(as_tensor(x), axis=axes(axis), keepdims=keepdims, dtype=optional_dtype(dtype))


@op
def cumsum(x: TensorLike, axis: Axis | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """Running sums along `axis`, shape of `x`; over the flattened array for None."""
    return _running_sum(jnp.cumsum, x, axis, dtype)


@op
def cumprod(x: TensorLike, axis: Axis | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """Running products along `axis`, shape of `x`; over the flattened array for None."""
    return jnp.cumprod(as_tensor(x), axis=_one_axis(axis), dtype=optional_dtype(dtype))


@op
def trace(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the diagonal of the matrices in `axis1` and `axis2`, which fall away."""
    return jnp.trace(as_tensor(x), offset=offset, axis1=axis1, axis2=axis2)


@op
def trapezoid(
    y: TensorLike, x: TensorLike | None = None, dx: TensorLike = 1.0, axis: int = -1
) -> Tensor:
    """The integral of the samples `y` along `axis` by the trapezoidal rule.

    The samples stand at positions `x`, or `dx` apart.
    """
    return jnp.trapezoid(
        as_tensor(y), None if x is None else as_tensor(x), dx=as_tensor(dx), axis=axis
    )


# -- extremes ------------------------------------------------------------------


@op
def max(
    x: TensorLike,
    axis: Axis | None = None,
    keepdims: bool = False,
    initial: TensorLike | None = None,
) -> Tensor:
    """The largest value along `axis`, at least `initial` if it is not None.

    Empty arrays need `initial`.
    """
    return jnp.max(as_tensor(x), axis=axes(axis), keepdims=keepdims, initial=initial)


@op
def min(
    x: TensorLike,
    axis: Axis | None = None,
    keepdims: bool = False,
    initial: TensorLike | None = None,
) -> Tensor:
    """The smallest value along `axis`, at most `initial` if it is not None.

    Empty arrays need `initial`.
    """
    return jnp.min(as_tensor(x), axis=axes(axis), keepdims=keepdims, initial=initial)


@op
def amax(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """The largest value along `axis`: `max` by its long name."""
    return jnp.max(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def amin(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """The smallest value along `axis`: `min` by its long name."""
    return jnp.min(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def ptp(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """The largest minus the smallest value along `axis`."""
    return jnp.ptp(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def argmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """int32 index of the (first) largest value along `axis`; into the flattened array for None."""
    return jnp.argmax(as_array(x), axis=axis, keepdims=keepdims)


@op
def argmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """int32 index of the (first) smallest value along `axis`; into the flattened array for None."""
    return jnp.argmin(as_array(x), axis=axis, keepdims=keepdims)


# -- truth and counting --------------------------------------------------------


@op
def all(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """Whether all values along `axis` are nonzero."""
    return jnp.all(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def any(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """Whether any value along `axis` is nonzero."""
    return jnp.any(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def count_nonzero(x: TensorLike, axis: Axis | None = None) -> Tensor:
    """How many values along `axis` are nonzero, as int32."""
    return jnp.count_nonzero(as_tensor(x), axis=axes(axis)).astype("int32")


# -- without NaN ---------------------------------------------------------------


@op
def nansum(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`sum` with NaN as 0."""
    return jnp.nansum(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def nanprod(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`prod` with NaN as 1."""
    return jnp.nanprod(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def nancumsum(x: TensorLike, axis: Axis | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """`cumsum` with NaN as 0."""
    return _running_sum(jnp.nancumsum, x, axis, dtype)


@op
def nancumprod(x: TensorLike, axis: Axis | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """`cumprod` with NaN as 1."""
    return jnp.nancumprod(as_tensor(x), axis=_one_axis(axis), dtype=optional_dtype(dtype))


@op
def nanmax(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`max` of what is not NaN; NaN where nothing is left."""
    return jnp.nanmax(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def nanmin(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`min` of what is not NaN; NaN where nothing is left."""
    return jnp.nanmin(as_tensor(x), axis=axes(axis), keepdims=keepdims)


@op
def nanargmax(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """`argmax` of what is not NaN; -1 where nothing is left."""
    return jnp.nanargmax(as_array(x), axis=axis, keepdims=keepdims)


@op
def nanargmin(x: TensorLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """`argmin` of what is not NaN; -1 where nothing is left."""
    return jnp.nanargmin(as_array(x), axis=axis, keepdims=keepdims)
