"""Functions that take axes away or run along them: `tf.reduce_mean`, `tf.argmax`, `tf.cumsum`."""

from __future__ import annotations

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow.calls import axis_of, known, table, tensors
from fkeras.compat.tensorflow.dtypes import dtype_in
from fkeras.types import Axis, DTypeLike, Tensor, TensorLike


def _mean(xp: ModuleType, x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """The mean in the dtype of x: integers are cut towards zero, as TensorFlow does."""
    if x.dtype.kind not in "iu":
        return xp.mean(x, axis=axis, keepdims=keepdims)
    total = xp.sum(x, axis=axis, keepdims=keepdims)
    count = x.size // max(total.size, 1) if x.size else 1
    return (xp.sign(total) * (xp.abs(total) // count)).astype(x.dtype)


def _log_sum(xp: ModuleType, x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    if xp is jnp:
        return jax.scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)
    highest = np.max(x, axis=axis, keepdims=True)
    highest = np.where(np.isfinite(highest), highest, 0).astype(x.dtype)
    with np.errstate(divide="ignore"):
        total = np.log(np.sum(np.exp(x - highest), axis=axis, keepdims=True)) + highest
    return total if keepdims else np.squeeze(total, axis=axis)


def _reduction(fn):
    """TensorFlow's signature around `(xp, x, axis, keepdims)`."""

    def reduce(
        xp: ModuleType, input_tensor: Tensor, axis: Axis | None = None, keepdims: bool = False
    ) -> Tensor:
        return fn(xp, input_tensor, axis_of(axis), bool(keepdims))

    return reduce


REDUCTIONS = {
    "reduce_all": lambda xp, x, a, k: xp.all(x, axis=a, keepdims=k),
    "reduce_any": lambda xp, x, a, k: xp.any(x, axis=a, keepdims=k),
    "reduce_euclidean_norm": lambda xp, x, a, k: xp.sqrt(xp.sum(x * x, axis=a, keepdims=k)),
    "reduce_logsumexp": _log_sum,
    "reduce_max": lambda xp, x, a, k: xp.max(x, axis=a, keepdims=k),
    "reduce_mean": _mean,
    "reduce_min": lambda xp, x, a, k: xp.min(x, axis=a, keepdims=k),
    "reduce_prod": lambda xp, x, a, k: xp.prod(x, axis=a, keepdims=k, dtype=x.dtype),
    "reduce_std": lambda xp, x, a, k: xp.std(x, axis=a, keepdims=k),
    "reduce_sum": lambda xp, x, a, k: xp.sum(x, axis=a, keepdims=k, dtype=x.dtype),
    "reduce_variance": lambda xp, x, a, k: xp.var(x, axis=a, keepdims=k),
}


@tensors(1)
def argmax(
    xp: ModuleType, input: Tensor, axis: int | None = None, output_type: DTypeLike = "int64"
) -> Tensor:
    """Where the largest elements along an axis are; None: the first axis."""
    axis = 0 if axis is None else int(axis)
    return _positions(xp, xp.argmax(input, axis=axis), output_type)


@tensors(1)
def argmin(
    xp: ModuleType, input: Tensor, axis: int | None = None, output_type: DTypeLike = "int64"
) -> Tensor:
    """Where the least elements along an axis are; None: the first axis."""
    axis = 0 if axis is None else int(axis)
    return _positions(xp, xp.argmin(input, axis=axis), output_type)


def _positions(xp: ModuleType, indices: Tensor, dtype: DTypeLike) -> Tensor:
    return indices.astype(dtype_in(xp, dtype))


@tensors(1)
def count_nonzero(
    xp: ModuleType,
    input: Tensor,
    axis: Axis | None = None,
    keepdims: bool | None = None,
    dtype: DTypeLike = "int64",
) -> Tensor:
    """How many elements are not zero; of strings, not empty."""
    is_other = input != (b"" if input.dtype == object else 0)
    count = xp.sum(is_other, axis=axis_of(axis), keepdims=bool(keepdims))
    return _positions(xp, count, dtype)


def _cumulated(fn):
    """TensorFlow's signature around a cumulating function of `(xp, x, axis)` and what it starts
    with.
    """

    def cumulate(
        xp: ModuleType, x: Tensor, axis: int = 0, exclusive: bool = False, reverse: bool = False
    ) -> Tensor:
        axis = int(axis)
        x = xp.flip(x, axis) if reverse else x
        result, first = fn(xp, x, axis)
        if exclusive:
            kept = [slice(None)] * x.ndim
            kept[axis] = slice(0, -1)
            head = xp.full_like(xp.take(x, xp.arange(1), axis=axis), first)
            result = xp.concatenate([head, result[tuple(kept)]], axis=axis)
        return xp.flip(result, axis) if reverse else result

    return cumulate


def _log_cumsum(xp: ModuleType, x: Tensor, axis: int) -> tuple[Tensor, float]:
    if xp is jnp:
        return jax.lax.cumlogsumexp(x, axis=axis % x.ndim), -jnp.inf
    return np.logaddexp.accumulate(x, axis=axis), -np.inf


CUMULATED = {
    "cumsum": lambda xp, x, axis: (xp.cumsum(x, axis=axis, dtype=x.dtype), 0),
    "cumprod": lambda xp, x, axis: (xp.cumprod(x, axis=axis, dtype=x.dtype), 1),
    "cumulative_logsumexp": _log_cumsum,
}


def _segments(kind: str):
    """`tf.math.segment_*`: as many segments as the ids, which are sorted, name."""

    def reduce(data: TensorLike, segment_ids: TensorLike, name: str | None = None) -> Tensor:
        ids = known(segment_ids, f"tf.math.segment_{kind}")
        count = int(ids.max()) + 1 if ids.size else 0
        # A segment without rows is 0 here, whatever the reduction.
        return _unsorted[kind](data, ids, count, _empty=0)

    return reduce


def _unsorted_segments(kind: str):
    """`tf.math.unsorted_segment_*`; a negative id drops its row."""

    @tensors(1, f"unsorted_segment_{kind}")
    def reduce(
        xp: ModuleType,
        data: Tensor,
        segment_ids: TensorLike,
        num_segments: int,
        _empty: float | None = None,
    ) -> Tensor:
        ids = xp.asarray(segment_ids).reshape(-1)
        rows = data.reshape(ids.shape[0], *data.shape[np.ndim(segment_ids) :])
        return _SEGMENTS[kind](xp, rows, ids, int(num_segments), _empty)

    return reduce


def _scatter_add(xp: ModuleType, rows: Tensor, ids: Tensor, count: int) -> Tensor:
    if xp is jnp:
        return jax.ops.segment_sum(rows, jnp.where(ids < 0, count, ids), count)
    total = np.zeros((count, *rows.shape[1:]), rows.dtype)
    np.add.at(total, ids[ids >= 0], rows[ids >= 0])
    return total


def _counts(xp: ModuleType, rows: Tensor, ids: Tensor, count: int) -> Tensor:
    ones = xp.ones((rows.shape[0], *[1] * (rows.ndim - 1)), rows.dtype)
    return _scatter_add(xp, ones, ids, count)


def _extremes(ufunc: np.ufunc, on_device):
    """Least or largest; a segment without rows has the dtype's other end, or what is asked for."""

    def reduce(xp, rows, ids, count, empty):
        if xp is jnp:
            return on_device(rows, jnp.where(ids < 0, count, ids), count)
        limits = np.iinfo(rows.dtype) if rows.dtype.kind in "iu" else np.finfo(rows.dtype)
        first = limits.min if ufunc is np.maximum else limits.max
        total = np.full((count, *rows.shape[1:]), first, rows.dtype)
        ufunc.at(total, ids[ids >= 0], rows[ids >= 0])
        if empty is not None:
            total[np.bincount(ids, minlength=count) == 0] = empty
        return total

    return reduce


def _products(xp, rows, ids, count, empty):
    if xp is jnp:
        return jax.ops.segment_prod(rows, jnp.where(ids < 0, count, ids), count)
    total = np.ones((count, *rows.shape[1:]), rows.dtype)
    np.multiply.at(total, ids[ids >= 0], rows[ids >= 0])
    return total


def _segment_mean(xp, rows, ids, count, empty):
    number = xp.maximum(_counts(xp, rows, ids, count), 1)
    return (_scatter_add(xp, rows, ids, count) / number).astype(rows.dtype)


def _segment_sqrt_n(xp, rows, ids, count, empty):
    number = xp.maximum(_counts(xp, rows, ids, count), 1)
    return _scatter_add(xp, rows, ids, count) / xp.sqrt(number)


_SEGMENTS = {
    "max": _extremes(np.maximum, jax.ops.segment_max),
    "mean": _segment_mean,
    "min": _extremes(np.minimum, jax.ops.segment_min),
    "prod": _products,
    "sqrt_n": _segment_sqrt_n,
    "sum": lambda xp, rows, ids, count, empty: _scatter_add(xp, rows, ids, count),
}
_unsorted = {kind: _unsorted_segments(kind) for kind in _SEGMENTS}

NAMES = {
    **table({name: _reduction(fn) for name, fn in REDUCTIONS.items()}),
    **table({name: _cumulated(fn) for name, fn in CUMULATED.items()}),
    **{f"segment_{kind}": _segments(kind) for kind in ("max", "mean", "min", "prod", "sum")},
    **{f"unsorted_segment_{kind}": fn for kind, fn in _unsorted.items()},
    "argmax": argmax,
    "argmin": argmin,
    "count_nonzero": count_nonzero,
}
