"""Order and membership: sorting, searching, unique values."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal, overload

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops import sparse as sparse_rules
from fkeras.ops.shape_rules import canonical_axis
from fkeras.ops.tensors import as_array, as_tensor
from fkeras.types import Tensor, TensorLike


@op
def sort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """`x` in ascending order along `axis`, NaN last; flattened for None."""
    return jnp.sort(as_array(x), axis=axis)


@op
def argsort(x: TensorLike, axis: int | None = -1) -> Tensor:
    """int32 indices that sort `x` along `axis`, equal values in their order.

    Of the flattened array for None.
    """
    x = as_array(x)
    # A scalar has no axis -1, but an order: [0].
    return jnp.argsort(x, axis=axis if x.ndim else None)


@op
def argpartition(x: TensorLike, kth: int, axis: int | None = -1) -> Tensor:
    """int32 indices that put the `kth` smallest value along `axis` at place `kth`.

    Smaller values stand before it. The array is flattened for None.
    """
    if not isinstance(kth, Integral):
        raise UserInputError(f"argpartition: kth must be an integer. Received: kth={kth!r}.")
    x = as_array(x)
    return jnp.argpartition(x.ravel() if axis is None else x, kth, axis=0 if axis is None else axis)


@op
def searchsorted(
    sorted_sequence: TensorLike, values: TensorLike, side: Literal["left", "right"] = "left"
) -> Tensor:
    """Where to insert `values` into a 1-D ascending sequence to keep it sorted.

    int32, of the shape of `values`.

    Args:
        sorted_sequence: 1-D, ascending.
        values: array.
        side: 'left': before equal values; 'right': after them.
    """
    sorted_sequence = as_array(sorted_sequence)
    if sorted_sequence.ndim != 1:
        raise UserInputError(
            "`searchsorted` only supports 1-D sorted sequences. Extend it to N-D ones with "
            f"`vectorized_map`. Received: sorted_sequence.shape={tuple(sorted_sequence.shape)}."
        )
    return jnp.searchsorted(sorted_sequence, as_array(values), side=side)


def _sparse_digitize(fn, x: jax.Array, bins: jax.Array) -> Any:
    bins = sparse_rules.dense(bins)
    # With a bin below or at 0, zeros lie in another bin than the first.
    if isinstance(bins, jax.core.Tracer) or (np.asarray(bins) <= 0).any():
        return fn(sparse_rules.dense(x), bins)
    return sparse_rules.zero_preserving(fn, x, bins)


@op(sparse=_sparse_digitize)
def digitize(x: TensorLike, bins: TensorLike) -> Tensor:
    """The index of the bin of each value as int32, for 1-D ascending `bins`.

    i where bins[i-1] <= x < bins[i].
    """
    bins = as_array(bins)
    if bins.ndim != 1:
        raise UserInputError(
            f"digitize: `bins` must be a 1D array. Received: bins.shape={tuple(bins.shape)}."
        )
    return jnp.digitize(as_array(x), bins)


@op
def isin(
    x1: TensorLike, x2: TensorLike, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each value of `x1` stands in `x2` (or does not, with `invert`).

    bool, of the shape of `x1`.
    """
    return jnp.isin(as_array(x1), as_array(x2), assume_unique=assume_unique, invert=invert)


def _unique_spec(
    x: KerasTensor,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: TensorLike | None = None,
) -> KerasTensor | tuple[KerasTensor, ...]:
    if axis is None:
        shape = (size,)
        inverse = x.shape
    else:
        axis = canonical_axis(axis, len(x.shape))
        shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
        inverse = (x.shape[axis],)
    extra = [((size,), return_index), (inverse, return_inverse), ((size,), return_counts)]
    values = KerasTensor(shape, dtype=x.dtype)
    others = [KerasTensor(s, dtype="int32") for s, wanted in extra if wanted]
    return (values, *others) if others else values


@overload
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: Literal[False] = False,
    return_inverse: Literal[False] = False,
    return_counts: Literal[False] = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: TensorLike | None = None,
) -> Tensor: ...
@overload
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: TensorLike | None = None,
) -> Any: ...
@op(spec=_unique_spec)
def unique(
    x: TensorLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: TensorLike | None = None,
) -> Tensor | tuple[Tensor, ...]:
    """The different values of `x`, or its different slices along `axis`.

    Under jit only with `size`.

    Args:
        x: array.
        sorted: whether the result must be ascending.
        return_index, return_inverse, return_counts: whether to return, too, where each value first
            stands, which value stands at each place, and how often each stands, as int32.
        axis: int; None flattens `x`.
        size: the size of the result: longer ones are cut, shorter ones filled with `fill_value`
            (None: the smallest value).
        fill_value: see `size`.

    Returns:
        The values, or a tuple of them and what else was asked for. Every NaN counts as different.
    """
    return jnp.unique(
        as_array(x),
        return_index=return_index,
        return_inverse=return_inverse,
        return_counts=return_counts,
        axis=axis,
        equal_nan=False,
        size=size,
        fill_value=fill_value,
        sorted=sorted,
    )


@op
def diff(a: TensorLike, n: int = 1, axis: int = -1) -> Tensor:
    """The differences of neighbours along `axis`, taken `n` times: size n less there."""
    return jnp.diff(as_tensor(a), n=n, axis=axis)
