"""Reading at indices and by conditions.

Negative indices count from the end. An index out of range is an error where its value is known.
Under jit values are not known: there it reads NaN (floats) or the dtype's extreme (integers).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.symbolic.evaluate import evaluate_call
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.known_values import known_values
from fkeras.ops.shape_rules import canonical_axis
from fkeras.ops.tensors import as_array, as_tensor
from fkeras.types import Shape, Tensor, TensorLike

# What may stand in brackets: ints, slices, None, Ellipsis, arrays; or a tuple, one for each axis.
Index: TypeAlias = Any


def check_range(
    name: str, indices: int | jax.Array | np.ndarray, size: int, axis: int | str | None
) -> None:
    """Raises where a known index lies outside [-size, size)."""
    values = known_values(indices)
    if values is None or not values.size or values.dtype.kind not in "iu":
        return
    # Two reductions first: they cost less than a mask, and nearly always say that all is well.
    if values.max() >= size or values.min() < -size:
        flat = values.ravel()
        first = int(np.argmax((flat >= size) | (flat < -size)))
        place = tuple(int(i) for i in np.unravel_index(first, values.shape))
        raise UserInputError(
            f"{name}: index {flat[first]} (at position {place} of the indices) is out of range for "
            f"axis {axis} of size {size}: expected {-size} to {size - 1}."
        )


def _size_along(x: jax.Array, axis: int | None) -> int:
    """How many indices there are along `axis`, or in all for None."""
    return x.size if axis is None else x.shape[canonical_axis(axis, x.ndim)]


@op
def take(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """The values of `x` at `indices` along `axis`.

    Args:
        x: array of shape (d0, d1, ...).
        indices: integers of any shape; negative ones count from the end.
        axis: int; None indexes the flattened array.

    Returns:
        An array with the shape of `indices` in the place of `axis`.

    Raises:
        UserInputError: for an index out of range, where its value is known: not under jit.
    """
    x, indices = as_array(x), as_array(indices)
    check_range("take", indices, _size_along(x, axis), axis)
    return jnp.take(x, indices, axis=axis)


@op
def take_along_axis(x: TensorLike, indices: TensorLike, axis: int | None = None) -> Tensor:
    """The values of `x` at `indices` along `axis`, separately for each place of the other axes.

    Args:
        x: array.
        indices: integers, with as many axes as `x`; the other axes broadcast.
        axis: int; None indexes the flattened array with 1-D indices.
    """
    x, indices = as_array(x), as_array(indices)
    check_range("take_along_axis", indices, _size_along(x, axis), axis)
    return jnp.take_along_axis(x, indices, axis=axis)


def _get_item_spec(x: KerasTensor, key: Index) -> KerasTensor:
    """The shape of `x[key]`; slices of unknown axes stay unknown.

    Anything but ints, slices, None and Ellipsis is tried.
    """
    keys = key if isinstance(key, tuple) else (key,)
    if not all(
        k is None or k is Ellipsis or isinstance(k, (int, slice)) and not isinstance(k, bool)
        for k in keys
    ):
        return evaluate_call(get_item.__wrapped__, (x, key), {})
    shape = []
    for k, axis in _by_axis(keys, len(x.shape)):
        size = None if axis is None else x.shape[axis]
        if k is None:
            shape.append(1)
        elif isinstance(k, int):
            if size is not None:
                check_range("get_item", k, size, axis)
        elif size is not None:
            shape.append(len(range(size)[k]))
        else:  # nothing is known of an unknown axis, whole or cut
            shape.append(None)
    return KerasTensor(shape, dtype=x.dtype)


def _by_axis(keys: tuple[Any, ...], ndim: int) -> list[tuple[Any, int | None]]:
    """Each key with the axis that it reads; None for a new axis.

    An Ellipsis stands for full slices.
    """
    if sum(k is Ellipsis for k in keys) > 1:
        raise UserInputError(f"get_item: an index can only have one ellipsis. Received: {keys}.")
    used = sum(_axes_read(k) for k in keys)  # axes of the array that some key reads
    if used > ndim:
        raise UserInputError(
            f"get_item: too many indices: {used} for an array with {ndim} axes. Received: {keys}."
        )
    if not any(k is Ellipsis for k in keys):
        keys = (*keys, Ellipsis)
    axis = 0
    pairs: list[tuple[Any, int | None]] = []
    for k in keys:
        if k is Ellipsis:
            pairs += [(slice(None), axis + i) for i in range(ndim - used)]
            axis += ndim - used
        else:
            pairs.append((k, axis if k is not None else None))
            axis += _axes_read(k)
    return pairs


def _is_mask(k: object) -> bool:
    """Whether a key is a bool array, which reads as many axes as it has."""
    return getattr(k, "dtype", None) == np.dtype(bool)


def _axes_read(k: object) -> int:
    """How many axes of the array one key stands for."""
    if k is None or k is Ellipsis:
        return 0
    return np.ndim(k) if _is_mask(k) else 1


@op(spec=_get_item_spec)
def get_item(x: TensorLike, key: Index) -> Tensor:
    """`x[key]`, as in NumPy.

    A key is an int, a slice, None, Ellipsis, an integer or bool array, or a tuple of those.
    """
    x = as_array(x)
    # JAX refuses lists as indices; NumPy takes them as arrays.
    keys = tuple(
        np.asarray(k) if isinstance(k, list) else k
        for k in (key if isinstance(key, tuple) else (key,))
    )
    for k, axis in _by_axis(keys, x.ndim):
        if k is not None and not isinstance(k, slice) and not _is_mask(k):
            check_range("get_item", k, x.shape[axis], axis)
    return x[keys]


def _nonzero_spec(x: KerasTensor) -> tuple[KerasTensor, ...]:
    return tuple(KerasTensor((None,), dtype="int32") for _ in x.shape)


def _where_spec(
    condition: KerasTensor, x1: TensorLike | None = None, x2: TensorLike | None = None
) -> KerasTensor | tuple[KerasTensor, ...]:
    if x1 is None and x2 is None:
        return _nonzero_spec(condition)
    return evaluate_call(where.__wrapped__, (condition, x1, x2), {}, 100)


@op(spec=_where_spec)
def where(
    condition: TensorLike, x1: TensorLike | None = None, x2: TensorLike | None = None
) -> Tensor:
    """`x1` where `condition` is true, else `x2`; the three broadcast.

    Without `x1` and `x2`: `nonzero(condition)`.
    """
    if (x1 is None) != (x2 is None):
        raise UserInputError(
            "`x1` and `x2` either both should be `None` or both should have non-None value."
        )
    if x1 is None:
        return jnp.where(as_array(condition))
    return jnp.where(as_tensor(condition), as_tensor(x1), as_tensor(x2))


@op
def select(
    condlist: Sequence[TensorLike], choicelist: Sequence[TensorLike], default: TensorLike = 0
) -> Tensor:
    """The value of the first array of `choicelist` whose condition is true, else `default`.

    `condlist` holds the conditions; all broadcast.
    """
    if not isinstance(condlist, (list, tuple)) or not isinstance(choicelist, (list, tuple)):
        raise UserInputError(
            f"select: condlist and choicelist must be lists. Received: {type(condlist).__name__} "
            f"and {type(choicelist).__name__}."
        )
    if not condlist or not choicelist:
        raise UserInputError(
            f"select: condlist and choicelist must not be empty. Received: {condlist} and "
            f"{choicelist}."
        )
    return jnp.select(
        [as_array(c) for c in condlist],
        [as_array(c) for c in choicelist],
        default=as_tensor(default),
    )


@op(spec=_nonzero_spec)
def nonzero(x: TensorLike) -> tuple[Tensor, ...]:
    """The int32 indices of the values that are not 0, one 1-D array for each axis.

    Not under jit.
    """
    return jnp.nonzero(as_array(x))


@op
def unravel_index(indices: TensorLike, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """Indices into a flattened array of `shape` as a tuple of indices along each axis."""
    indices = as_array(indices)
    check_range("unravel_index", indices, int(np.prod(shape)), "None (flattened)")
    return jnp.unravel_index(indices, tuple(shape))


def _diagonal_length(m: int | None, n: int | None, k: int) -> int | None:
    """The length of the k-th diagonal of an m by n matrix."""
    return None if m is None or n is None else max(0, min(m + min(k, 0), n - max(k, 0)))


def _diag_spec(x: KerasTensor, k: int = 0) -> KerasTensor:
    if len(x.shape) not in (1, 2):
        raise UserInputError(f"diag: `x` must be 1-D or 2-D. Received: shape {x.shape}.")
    if len(x.shape) == 2:
        return KerasTensor((_diagonal_length(x.shape[0], x.shape[1], k),), dtype=x.dtype)
    size = None if x.shape[0] is None else x.shape[0] + abs(k)
    return KerasTensor((size, size), dtype=x.dtype)


@op(spec=_diag_spec)
def diag(x: TensorLike, k: int = 0) -> Tensor:
    """The k-th diagonal of a matrix (m, n), or a matrix with the 1-D `x` on its k-th diagonal."""
    x = as_array(x)
    if x.ndim not in (1, 2):
        raise UserInputError(f"diag: `x` must be 1-D or 2-D. Received: shape {tuple(x.shape)}.")
    return jnp.diag(x, k=k)


@op
def diagflat(x: TensorLike, k: int = 0) -> Tensor:
    """A matrix with the flattened `x` on its k-th diagonal."""
    return jnp.diagflat(as_array(x), k=k)


def _two_axes(shape: Shape, axis1: int, axis2: int) -> tuple[int, int]:
    """Both axes counted from the front; an error unless they are two."""
    if len(shape) < 2:
        raise UserInputError(
            f"diagonal: `x` must have at least two dimensions. Received: shape {tuple(shape)}."
        )
    first = canonical_axis(axis1, len(shape))
    second = canonical_axis(axis2, len(shape))
    if first == second:
        raise UserInputError(
            f"`axis1` and `axis2` cannot be the same. Received: axis1={axis1}, axis2={axis2}."
        )
    return first, second


def _diagonal_spec(x: KerasTensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> KerasTensor:
    first, second = _two_axes(x.shape, axis1, axis2)
    lead = [d for i, d in enumerate(x.shape) if i not in (first, second)]
    return KerasTensor(
        [*lead, _diagonal_length(x.shape[first], x.shape[second], offset)], dtype=x.dtype
    )


@op(spec=_diagonal_spec)
def diagonal(x: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonals of the matrices in `axis1` and `axis2`, along a new last axis."""
    x = as_array(x)
    first, second = _two_axes(x.shape, axis1, axis2)
    return jnp.diagonal(x, offset=offset, axis1=first, axis2=second)
