"""Class ids as vectors of zeros and ones."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.tensors import as_array
from fkeras.types import DTypeLike, Shape, Tensor, TensorLike


def _inserted(shape: Shape, axis: int, size: int) -> Shape:
    """`shape` with `size` at `axis` of the result."""
    if not -len(shape) - 1 <= axis <= len(shape):
        raise UserInputError(
            f"axis must be -1 or between 0 and {len(shape)} for ids of shape {tuple(shape)}. "
            f"Received: axis={axis}."
        )
    position = axis % (len(shape) + 1)
    return (*shape[:position], size, *shape[position:])


def _one_hot_spec(
    x: KerasTensor,
    num_classes: int,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
) -> KerasTensor:
    return KerasTensor(
        _inserted(x.shape, axis, num_classes), dtype=standardize_dtype(dtype), sparse=sparse
    )


@op(spec=_one_hot_spec)
def one_hot(
    x: TensorLike,
    num_classes: int,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
) -> Tensor:
    """1 at the position of each id and 0 elsewhere, on a new axis of size `num_classes`.

    **An id outside [0, num_classes) gives zeros.**

    Args:
        x: integer ids, any shape.
        num_classes: int.
        axis: where the new axis stands in the result.
        dtype: of the result; None means `floatx()`.
        sparse: whether to return a `jax.experimental.sparse.BCOO` array.

    Examples:
        >>> from fkeras import ops
        >>> ops.one_hot([1, 0, -1], 2)
        Array([[0., 1.],
               [1., 0.],
               [0., 0.]], dtype=float32)
    """
    x = as_array(x)
    dtype = standardize_dtype(dtype)
    shape = _inserted(x.shape, axis, num_classes)
    if not sparse:
        return jax.nn.one_hot(x, num_classes, axis=axis, dtype=dtype)
    from jax.experimental.sparse import BCOO

    valid = (x >= 0) & (x < num_classes)
    # Ids out of range keep an entry, of value 0: shapes stay static.
    positions = list(jnp.indices(x.shape))
    positions.insert(axis % len(shape), jnp.where(valid, x, 0))
    indices = jnp.stack([p.ravel() for p in positions], axis=-1).astype("int32")
    return BCOO(
        (valid.ravel().astype(dtype), indices),
        shape=shape,
        indices_sorted=axis % len(shape) == x.ndim,
        unique_indices=True,
    )


def _multi_hot_spec(
    inputs: KerasTensor,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
    **kwargs,
) -> KerasTensor:
    shape = _inserted(inputs.shape, axis, _num_classes(num_classes, kwargs))
    reduced = 1 if len(inputs.shape) > 1 else 0
    return KerasTensor(
        (*shape[:reduced], *shape[reduced + 1 :]), dtype=standardize_dtype(dtype), sparse=sparse
    )


@op(spec=_multi_hot_spec)
def multi_hot(
    inputs: TensorLike,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
    **kwargs,
) -> Tensor:
    """One vector for each row of ids, with 1 at the position of every id in the row.

    (batch, ids) -> (batch, num_classes).

    Ids outside [0, num_classes) count for nothing. A vector of ids gives one vector.

    Args:
        inputs: integer ids; axis 1 (or the only axis) holds the ids of one row.
        num_classes: int; Keras's old name `num_tokens` is taken too.
        axis: where the new axis stands before the ids' axis is taken away; -1 is the usual choice.
        dtype: of the result; None means `floatx()`.
        sparse: whether to return a `jax.experimental.sparse.BCOO` array.

    Examples:
        >>> from fkeras import ops
        >>> ops.multi_hot([[0, 2], [1, 1]], 3)
        Array([[1., 0., 1.],
               [0., 1., 0.]], dtype=float32)
    """
    num_classes = _num_classes(num_classes, kwargs)
    dtype = standardize_dtype(dtype)
    inputs = as_array(inputs)
    reduced = 1 if inputs.ndim > 1 else 0  # the ids' axis
    if not sparse:
        return jnp.max(one_hot(inputs, num_classes, axis=axis, dtype=dtype), axis=reduced)
    hot: Any = one_hot(inputs, num_classes, axis=axis, dtype="int32", sparse=True)
    counts = hot.sum(axis=reduced)  # an id that stands twice in a row has an entry of 2
    # Under a trace the number of entries must be known: some stay empty.
    counts = counts.sum_duplicates(nse=counts.nse if isinstance(inputs, jax.core.Tracer) else None)
    from jax.experimental.sparse import BCOO

    ones = (counts.data > 0).astype(dtype)
    return BCOO(
        (ones, counts.indices), shape=counts.shape, indices_sorted=True, unique_indices=True
    )


def _num_classes(num_classes: int | None, kwargs: dict[str, int]) -> int:
    """`num_classes`, or Keras's old `num_tokens` among other keyword arguments."""
    num_classes = kwargs.pop("num_tokens", None) if num_classes is None else num_classes
    if num_classes is None:
        raise UserInputError("multi_hot: argument `num_classes` must be specified.")
    if kwargs:
        raise UserInputError(f"multi_hot: unexpected arguments {sorted(kwargs)}.")
    return num_classes
