"""What ops do on `jax.experimental.sparse.BCOO` arrays: rules for `@op(sparse=...)`.

Without a rule, an op makes its arguments dense.

JAX's sparse package costs import time, so it is loaded only when a sparse array is there.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from numbers import Integral
from types import ModuleType
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp

from fkeras.ops.shape_rules import reshaped
from fkeras.types import Axis, ShapeLike

Function: TypeAlias = Callable[..., Any]  # the op's function of dense arrays
MaybeSparse: TypeAlias = Any  # an array, or a `jax.experimental.sparse.BCOO`


def jax_sparse() -> ModuleType:
    """JAX's sparse package, imported now."""
    from jax.experimental import sparse

    return sparse


def is_sparse(x: MaybeSparse) -> bool:
    """Whether `x` is a sparse JAX array of any format."""
    module = sys.modules.get("jax.experimental.sparse")
    return module is not None and isinstance(x, module.JAXSparse)


def dense(x: MaybeSparse) -> MaybeSparse:
    """A sparse array made dense; anything else unchanged."""
    return x.todense() if is_sparse(x) else x


def flat(x: MaybeSparse) -> MaybeSparse:
    """A BCOO with all axes in its indices: neither batch axes nor dense ones."""
    if not x.n_dense and not x.n_batch:
        return x
    if x.n_batch:  # a batch axis of size 1 may stand for all
        whole = [
            jnp.broadcast_to(a, (*x.shape[: x.n_batch], *a.shape[x.n_batch :]))
            for a in (x.data, x.indices)
        ]
        x = jax_sparse().BCOO(tuple(whole), shape=x.shape)
    return jax_sparse().bcoo_update_layout(x, n_batch=0, n_dense=0, on_inefficient=None)


def _is_bcoo(x: MaybeSparse) -> bool:
    return is_sparse(x) and isinstance(x, jax_sparse().BCOO)


def _like(x: MaybeSparse, data: jax.Array, unique: bool | None = None) -> MaybeSparse:
    """A BCOO with the indices of `x` and new values."""
    unique = x.unique_indices if unique is None else unique
    return jax_sparse().BCOO(
        (data, x.indices), shape=x.shape, indices_sorted=x.indices_sorted, unique_indices=unique
    )


def _unique(x: MaybeSparse) -> MaybeSparse:
    """`x` with every index once, zeros kept.

    So arrays with the same indices stay comparable entry by entry.
    """
    if x.unique_indices:
        return x
    nse = x.nse if any(isinstance(a, jax.core.Tracer) for a in (x.data, x.indices)) else None
    return x.sum_duplicates(nse=nse, remove_zeros=False)


def zero_preserving(fn: Function, x: MaybeSparse, *args, **kwargs) -> MaybeSparse:
    """Elementwise functions with f(0) = 0: sparse in, sparse out."""
    if not _is_bcoo(x):
        return fn(dense(x), *args, **kwargs)
    x = _unique(x)
    return _like(x, fn(x.data, *args, **kwargs))


def union(fn: Function, x1: MaybeSparse, x2: MaybeSparse) -> MaybeSparse:
    """Elementwise functions of two with f(0, 0) = 0.

    Sparse where both are, with the indices of either.
    """
    if not (_is_bcoo(x1) and _is_bcoo(x2) and x1.shape == x2.shape):
        return fn(dense(x1), dense(x2))
    if x1.n_batch or x2.n_batch or x1.n_dense != x2.n_dense:
        x1, x2 = flat(x1), flat(x2)
    indices = jnp.concatenate([x1.indices, x2.indices])

    def spread(first, second):
        return _unique(
            jax_sparse().BCOO((jnp.concatenate([first, second]), indices), shape=x1.shape)
        )

    # Both get the same indices: zeros stand where only the other has an entry.
    spread1 = spread(x1.data, jnp.zeros_like(x2.data))
    spread2 = spread(jnp.zeros_like(x1.data), x2.data)
    return _like(spread1, fn(spread1.data, spread2.data), unique=True)


def intersection(fn: Function, x1: MaybeSparse, x2: MaybeSparse) -> MaybeSparse:
    """Multiplication: sparse where either is."""
    sparse = jax_sparse()
    if not _is_bcoo(x1):
        if not _is_bcoo(x2):
            return fn(dense(x1), dense(x2))
        x1, x2 = x2, x1
    if not is_sparse(x2):
        if jnp.ndim(x2) == 0:
            return _like(x1, x1.data * x2)
        return _like(x1, sparse.bcoo_multiply_dense(x1, jnp.asarray(x2)))
    if not _is_bcoo(x2):
        return fn(x1.todense(), x2.todense())
    if (x1.n_dense, x1.n_batch) != (x2.n_dense, x2.n_batch):
        x1, x2 = flat(x1), flat(x2)
    return sparse.bcoo_multiply_sparse(x1, x2)


def quotient(fn: Function, x1: MaybeSparse, x2: MaybeSparse) -> MaybeSparse:
    """Division: sparse where only the dividend is.

    A divisor with zeros or NaNs gives NaN where the dividend has no entry, so that the result is
    dense. Under a trace the divisor's values cannot be looked at: there it is taken to have
    neither.
    """
    if is_sparse(x2) or not _is_bcoo(x1):
        return fn(dense(x1), dense(x2))
    x1 = flat(x1) if x1.n_batch else x1
    x2 = jnp.asarray(x2)
    if not isinstance(x2, jax.core.Tracer) and bool(jnp.any((x2 == 0) | (x2 != x2))):
        return fn(x1.todense(), x2)
    if x2.ndim > len(x1.shape):
        return fn(x1.todense(), x2)
    x1 = _unique(x1)
    # The divisor's values at the entries.
    if x2.ndim:
        x2 = jnp.broadcast_to(x2, x1.shape)[tuple(x1.indices.T)]
    return _like(x1, fn(x1.data, x2))


def total(
    fn: Function, x: MaybeSparse, axis: Axis | None = None, keepdims: bool = False
) -> MaybeSparse:
    """Sum: sparse in, sparse out."""
    if not _is_bcoo(x):
        return fn(dense(x), axis=axis, keepdims=keepdims)
    ndim = len(x.shape)
    if axis is None:
        axis = range(ndim)
    # JAX's function takes axes from the front, ascending.
    axes = tuple(sorted(a + ndim if a < 0 else a for a in _listed(axis)))
    summed = jax_sparse().bcoo_reduce_sum(x, axes=axes)
    if not keepdims:
        return summed
    return jax_sparse().bcoo_broadcast_in_dim(
        summed,
        shape=tuple(1 if i in axes else d for i, d in enumerate(x.shape)),
        broadcast_dimensions=[i for i in range(ndim) if i not in axes],
    )


def _listed(axis: Axis) -> tuple[int, ...]:
    return (axis,) if isinstance(axis, Integral) else tuple(axis)


def average(
    fn: Function, x: MaybeSparse, axis: Axis | None = None, keepdims: bool = False
) -> MaybeSparse:
    """Mean: sparse in, sparse out."""
    if not _is_bcoo(x):
        return fn(dense(x), axis=axis, keepdims=keepdims)
    dtype = fn(jnp.zeros((1,), x.dtype)).dtype
    # Summed in float32 at least, as a dense mean is.
    sums = total(fn, x.astype(jnp.promote_types(dtype, jnp.float32)), axis, keepdims)
    count = math.prod(x.shape) // max(math.prod(sums.shape), 1)
    return _like(sums, (sums.data / count).astype(dtype))


# Rules for shapes: the entries stay, their indices move.


def expand_dims(fn: Function, x: MaybeSparse, axis: Axis) -> MaybeSparse:
    if not _is_bcoo(x):
        return fn(dense(x), axis)
    axes = _listed(axis)
    ndim = len(x.shape) + len(axes)
    axes = {a + ndim if a < 0 else a for a in axes}
    sizes = iter(x.shape)
    return jax_sparse().bcoo_broadcast_in_dim(
        x,
        shape=[1 if i in axes else next(sizes) for i in range(ndim)],
        broadcast_dimensions=[i for i in range(ndim) if i not in axes],
    )


def reshape(fn: Function, x: MaybeSparse, newshape: ShapeLike) -> MaybeSparse:
    if not _is_bcoo(x):
        return fn(dense(x), newshape)
    return jax_sparse().bcoo_reshape(flat(x), new_sizes=reshaped(x.shape, newshape))


def squeeze(fn: Function, x: MaybeSparse, axis: Axis | None = None) -> MaybeSparse:
    if not _is_bcoo(x):
        return fn(dense(x), axis)
    if axis is None:
        axis = tuple(i for i, d in enumerate(x.shape) if d == 1)
    return jax_sparse().bcoo_squeeze(x, dimensions=_listed(axis))


def transpose(fn: Function, x: MaybeSparse, axes: Sequence[int] | None = None) -> MaybeSparse:
    if not _is_bcoo(x):
        return fn(dense(x), axes)
    ndim = len(x.shape)
    order = range(ndim)[::-1] if axes is None else [a % ndim for a in axes]
    return jax_sparse().bcoo_transpose(flat(x), permutation=tuple(order))


def concatenate(fn: Function, xs: Sequence[MaybeSparse], axis: int = 0) -> MaybeSparse:
    """Sparse where all are."""
    if not all(_is_bcoo(x) for x in xs):
        return fn([dense(x) for x in xs], axis)
    return jax_sparse().bcoo_concatenate(xs, dimension=axis % len(xs[0].shape))


def matmul(fn: Function, x1: MaybeSparse, x2: MaybeSparse) -> MaybeSparse:
    """JAX's own sparse product; sparse where both are."""
    sparse = jax_sparse()

    # JAX's product wants the leading axes as batch axes of the format.
    def ready(x):
        return (
            sparse.bcoo_update_layout(x, n_batch=len(x.shape) - 2, n_dense=0, on_inefficient=None)
            if _is_bcoo(x)
            else x
        )

    return sparse.sparsify(jnp.matmul)(ready(x1), ready(x2))
