"""Means, spreads, quantiles and counts; results are floats.

`axis` is an int, a tuple or list of ints, or None for all axes.

float16 and bfloat16 are summed in float32, so that long axes do not overflow or lose digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops import sparse as sparse_rules
from fkeras.ops.promotion import result_type
from fkeras.ops.reductions import axes
from fkeras.ops.tensors import as_array, as_float, as_tensor, widen
from fkeras.types import Axis, Tensor, TensorLike


def _wide(x: jax.Array) -> str:
    """The dtype in which sums of values like `x` are taken."""
    return result_type(x.dtype, "float32")


@op(sparse=sparse_rules.average)
def mean(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """The mean along `axis`."""
    x = as_float(x)
    return jnp.mean(x, axis=axes(axis), keepdims=keepdims, dtype=_wide(x)).astype(x.dtype)


@op
def var(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """The variance along `axis`: the mean squared distance from the mean (divided by n)."""
    x = as_float(x)
    return jnp.var(x, axis=axes(axis), keepdims=keepdims, dtype=_wide(x)).astype(x.dtype)


@op
def std(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """The standard deviation along `axis`: the root of `var`."""
    x = as_float(x)
    return jnp.std(x, axis=axes(axis), keepdims=keepdims, dtype=_wide(x)).astype(x.dtype)


@op
def average(x: TensorLike, axis: Axis | None = None, weights: TensorLike | None = None) -> Tensor:
    """The mean along `axis` weighted by `weights`.

    Weights of the shape of `x`, or one per index of a single `axis`.
    """
    x = as_float(x)
    if weights is not None:  # they take part in the result's dtype, as in Keras
        weights = as_array(weights)
        x = x.astype(result_type(x.dtype, weights.dtype, float))
        weights = weights.astype(_wide(x))
    return jnp.average(widen(x), weights=weights, axis=axes(axis)).astype(x.dtype)


@op
def median(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """The median along `axis`; the mean of the middle two of an even number."""
    return jnp.median(as_float(x), axis=axes(axis), keepdims=keepdims)


@op
def quantile(
    x: TensorLike,
    q: TensorLike,
    axis: Axis | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The quantiles `q` (fractions in [0, 1]) along `axis`; an array `q` adds its axes in front.

    Args:
        x: the values.
        q: a fraction, or a 1-D array of them.
        axis: int, tuple of ints, or None for all axes.
        method: between two values: 'linear', 'lower', 'higher', 'midpoint' or 'nearest'.
        keepdims: whether folded axes stay with size 1.
    """
    return jnp.quantile(as_float(x), as_float(q), axis=axes(axis), method=method, keepdims=keepdims)


@op
def percentile(
    x: TensorLike,
    q: TensorLike,
    axis: Axis | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """The percentiles `q` (in [0, 100]) along `axis`: see `quantile`."""
    return jnp.percentile(
        as_float(x), as_float(q), axis=axes(axis), method=method, keepdims=keepdims
    )


@op
def nanmean(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`mean` of what is not NaN; NaN where nothing is left."""
    x = as_float(x)
    return jnp.nanmean(widen(x), axis=axes(axis), keepdims=keepdims).astype(x.dtype)


@op
def nanvar(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`var` of what is not NaN."""
    x = as_float(x)
    return jnp.nanvar(widen(x), axis=axes(axis), keepdims=keepdims).astype(x.dtype)


@op
def nanstd(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`std` of what is not NaN."""
    x = as_float(x)
    return jnp.nanstd(widen(x), axis=axes(axis), keepdims=keepdims).astype(x.dtype)


@op
def nanmedian(x: TensorLike, axis: Axis | None = None, keepdims: bool = False) -> Tensor:
    """`median` of what is not NaN."""
    return jnp.nanmedian(as_float(x), axis=axes(axis), keepdims=keepdims)


@op
def nanquantile(
    x: TensorLike,
    q: TensorLike,
    axis: Axis | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """`quantile` of what is not NaN."""
    return jnp.nanquantile(
        as_float(x), as_float(q), axis=axes(axis), method=method, keepdims=keepdims
    )


@op
def nanpercentile(
    x: TensorLike,
    q: TensorLike,
    axis: Axis | None = None,
    method: str = "linear",
    keepdims: bool = False,
) -> Tensor:
    """`percentile` of what is not NaN."""
    return jnp.nanpercentile(
        as_float(x), as_float(q), axis=axes(axis), method=method, keepdims=keepdims
    )


@op
def corrcoef(x: TensorLike) -> Tensor:
    """The correlations between the rows of `x` (variables, samples).

    Shape (variables, variables).
    """
    x = as_float(x)
    return jnp.corrcoef(widen(x)).astype(x.dtype)


def _bincount_spec(
    x: KerasTensor, weights: TensorLike | None = None, minlength: int = 0, sparse: bool = False
) -> KerasTensor:
    dtype = (
        "int32"
        if weights is None
        else result_type(x.dtype, getattr(weights, "dtype", None) or as_array(weights).dtype)
    )
    return KerasTensor(
        (*x.shape[:-1], None), dtype=dtype, sparse=getattr(x, "sparse", False) or bool(sparse)
    )


def _sparse_bincount(
    fn, x: jax.Array, weights: TensorLike | None = None, minlength: int = 0, sparse: bool = False
) -> Any:
    """The rule of `bincount` for sparse arguments: a sparse result."""
    if not sparse_rules.is_sparse(x):  # only the weights are sparse
        return fn(x, sparse_rules.dense(weights), minlength, sparse)
    if weights is not None and not sparse_rules.is_sparse(weights):
        raise UserInputError(
            "bincount: `x` is sparse, so `weights` must be sparse too, with the same indices."
        )
    if weights is not None and not bool(jnp.all(x.indices == weights.indices)):
        raise UserInputError("bincount: the sparse `x` and `weights` must have the same indices.")
    x = sparse_rules.flat(x)
    counted = jnp.ones_like(x.data) if weights is None else sparse_rules.flat(weights).data
    return _counts(x.data, x.indices[:, :-1], counted, x.shape[:-1], minlength)


def _bin_count(x: jax.Array, minlength: int) -> int:
    """How many bins hold all values of `x`, at least `minlength`."""
    # No `initial=-1` for empty arrays: it would wrap around in unsigned integers.
    return max(int(x.max()) + 1 if x.size else 0, minlength)


def _counts(
    values: jax.Array, rows: jax.Array, weights: jax.Array, lead: Sequence[int], minlength: int
) -> Any:
    """A sparse array of shape lead + (n,) with the weights added up at (row, value)."""
    size = _bin_count(values, minlength)
    indices = jnp.concatenate([rows, values[:, None].astype(rows.dtype)], axis=1)
    counts = sparse_rules.jax_sparse().BCOO((widen(weights), indices), shape=(*lead, size))
    return counts.sum_duplicates().astype(weights.dtype)


@op(spec=_bincount_spec, sparse=_sparse_bincount)
def bincount(
    x: TensorLike, weights: TensorLike | None = None, minlength: int = 0, sparse: bool = False
) -> Tensor:
    """How often each of 0, 1, 2, ... stands in the integers `x`, or their summed `weights`.

    Not under jit.

    Args:
        x: non-negative integers, 1-D, or 2-D to count each row.
        weights: what each counts, of the shape of `x`; None: 1.
        minlength: the result has at least this size.
        sparse: whether to return a sparse array.

    Returns:
        An array of shape (n,) or (rows, n), n the largest value plus 1 or `minlength`; int32, or
        the dtype of the weights.
    """
    x = as_array(x)
    weights = None if weights is None else as_array(weights)
    if sparse:
        # Entries (row, value) in any order; duplicates are summed.
        weights = jnp.ones_like(x) if weights is None else weights
        rows = jnp.stack(jnp.indices(x.shape), axis=-1)[..., :-1].reshape(x.size, x.ndim - 1)
        return _counts(x.ravel(), rows, weights.ravel(), x.shape[:-1], minlength)
    # The result's size depends on the values, hence "not under jit".
    length = _bin_count(x, minlength)
    if weights is None:
        rows = [jnp.bincount(row, length=length) for row in jnp.atleast_2d(x)]
    else:
        pairs = zip(jnp.atleast_2d(x), jnp.atleast_2d(widen(weights)), strict=True)
        rows = [jnp.bincount(row, w, length=length).astype(weights.dtype) for row, w in pairs]
    return jnp.stack(rows) if x.ndim > 1 else rows[0]


@op
def histogram(
    x: TensorLike, bins: int = 10, range: tuple[float, float] | None = None
) -> tuple[Tensor, Tensor]:
    """How many values of the 1-D `x` fall into each of `bins` equal bins over `range`.

    Args:
        x: 1-D array.
        bins: number of bins.
        range: (low, high); values outside are not counted. None: the smallest and largest value.

    Returns:
        The counts, shape (bins,), and the edges, shape (bins + 1,).
    """
    x = as_array(x)
    _check_histogram(x, bins, range)
    return jnp.histogram(x, bins=bins, range=range)


def _check_histogram(x: jax.Array, bins: int, range: tuple[float, float] | None) -> None:
    """Raises for arguments of `histogram` that cannot be right."""
    if not isinstance(bins, Integral):
        raise UserTypeError(f"Argument `bins` must be of type `int`. Received: bins={bins}.")
    if bins < 0:
        raise UserInputError(
            f"Argument `bins` should be a non-negative integer. Received: bins={bins}."
        )
    if range and (not isinstance(range, tuple) or len(range) < 2):
        raise UserInputError(
            f"Argument `range` must be a tuple of two elements. Received: range={range}."
        )
    if range and range[1] < range[0]:
        raise UserInputError(
            "The second element of `range` must be greater than the first. Received: "
            f"range={range}."
        )
    if len(x.shape) > 1:
        raise UserInputError(
            f"Input tensor must be 1-dimensional. Received: shape {tuple(x.shape)}."
        )


@op
def correlate(x1: TensorLike, x2: TensorLike, mode: str = "valid") -> Tensor:
    """The cross-correlation of two 1-D arrays; `mode` as in NumPy: 'valid', 'same' or 'full'."""
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise UserInputError(
            f"correlate: both arguments must be 1-D. Received: shapes {x1.shape} and {x2.shape}."
        )
    return jnp.correlate(as_tensor(x1), as_tensor(x2), mode)
