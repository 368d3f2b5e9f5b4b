"""Ids as vectors: one-hot, multi-hot and counts, for the layers that offer these output modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras import ops

if TYPE_CHECKING:
    from fkeras.types import DTypeLike, Shape, Tensor


def encode(
    ids: Tensor,
    mode: str,
    depth: int,
    dtype: DTypeLike,
    *,
    axis: int = -1,
    sparse: bool = False,
    count_weights: Tensor | None = None,
) -> Tensor:
    """Vectors of length `depth` in the place of ids.

    Args:
        ids: whole numbers in [0, depth); an id outside counts for nothing. A single id is taken for
            a sample of one.
        mode: 'one_hot', a vector for each id, on a new last axis, or on the last one where its size
            is 1; 'multi_hot' and 'count', one vector for all ids along `axis`: which there are, or
            how often.
        depth: length of the vectors.
        dtype: of the result.
        axis: of the ids of one sample, for 'multi_hot' and 'count'.
        sparse: whether to return a `jax.experimental.sparse.BCOO` array.
        count_weights: of the shape of `ids`; what each id adds to the count, in place of 1.

    Examples:
        >>> import jax.numpy as jnp
        >>> from fkeras.layers.preprocessing.hot_encoding import encode
        >>> encode(jnp.array([[0, 2, 2]]), "count", 3, "int32").tolist()
        [[1, 0, 2]]
    """
    if mode == "one_hot":
        if ids.ndim > 1 and ids.shape[-1] == 1:
            ids = ids[..., 0]
        return ops.one_hot(ids, depth, dtype=dtype, sparse=sparse)
    if ids.ndim == 0:
        ids = ids[None]
        count_weights = None if count_weights is None else count_weights[None]
    if mode == "multi_hot" and sparse:
        return ops.multi_hot(ids, depth, dtype=dtype, sparse=True)
    hot = ops.one_hot(ids, depth, dtype=dtype, sparse=sparse)
    axis %= ids.ndim
    if mode == "multi_hot":
        return jnp.max(hot, axis=axis)
    if count_weights is not None:
        hot = hot * count_weights[..., None]
    return hot.sum(axis=axis)


def encoded_shape(shape: Shape, mode: str, depth: int, axis: int = -1) -> Shape:
    """The shape of what `encode` returns; None stands for a size that is not known."""
    if not shape:
        return (depth,)
    if mode == "one_hot":
        kept = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape
        return (*kept, depth)
    axis %= len(shape)
    return (*shape[:axis], *shape[axis + 1 :], depth)
