"""Blocks that begin at traced indices, and writes at scattered ones.

Negative indices count from the end. An index out of range is an error where its value is known.
Under jit values are not known: there a scattered write is dropped, and a block is moved until it
fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops.indexing import check_range
from fkeras.ops.promotion import is_integral
from fkeras.ops.tensors import as_array, as_tensor, widen
from fkeras.types import Tensor, TensorLike


def _slice_spec(inputs: KerasTensor, start_indices: Any, shape: Sequence[int]) -> KerasTensor:
    _check_slice(inputs, start_indices, shape)

    def left(axis, size):
        """How much of an axis is left after its start; None where either is unknown."""
        if size is None or isinstance(start_indices, KerasTensor):
            return None
        start = start_indices[axis]
        return None if isinstance(start, KerasTensor) else size - _from_front(start, size)

    return KerasTensor(
        [left(i, d) if s == -1 else s for i, (d, s) in enumerate(zip(inputs.shape, shape))],
        dtype=inputs.dtype,
    )


def _check_slice(inputs: jax.Array | KerasTensor, start_indices: Any, shape: Sequence[int]) -> None:
    """Raises unless a start and a size stand for each axis."""
    ndim = len(inputs.shape)
    if len(shape) != ndim:
        raise UserInputError(
            "slice: the number of dimensions in `inputs` must match the number of dimensions in "
            f"`shape`. Received: inputs.shape={tuple(inputs.shape)} and shape={tuple(shape)}."
        )
    if isinstance(start_indices, (list, tuple)) and len(start_indices) != ndim:
        raise UserInputError(
            "slice: the number of dimensions in `start_indices` must match the number of "
            f"dimensions in `inputs`. Received: start_indices={start_indices} and "
            f"inputs.shape={tuple(inputs.shape)}."
        )


@op(spec=_slice_spec)
def slice(inputs: TensorLike, start_indices: Sequence[TensorLike], shape: Sequence[int]) -> Tensor:
    """The block of `shape` of `inputs` that begins at `start_indices`, which may be traced.

    Args:
        inputs: array with n axes.
        start_indices: n integers.
        shape: n sizes; -1: all that is left, for known starts.

    Raises:
        UserInputError: for a block that does not fit, where the starts are known; under jit it is
            moved until it fits.
    """
    inputs = as_array(inputs)
    _check_slice(inputs, start_indices, shape)
    # -1: what is left after a known start.
    sizes = tuple(
        d - _from_front(start_indices[i], d) if s == -1 else s
        for i, (d, s) in enumerate(zip(inputs.shape, shape))
    )
    _check_block("slice", inputs.shape, start_indices, sizes)
    return jax.lax.dynamic_slice(inputs, _starts(start_indices), sizes)


def _starts(start_indices: Sequence[TensorLike]) -> list[jax.typing.ArrayLike]:
    return [as_tensor(s) for s in start_indices]


def _from_front(start: int, size: int) -> int:
    """A known start counted from the front."""
    start = int(start)
    return start + size if start < 0 else start


def _check_block(
    name: str, shape: Sequence[int], starts: Sequence[Any], sizes: Sequence[int]
) -> None:
    """Raises for a block that does not fit, where its start is known."""
    if len(starts) != len(shape) or len(sizes) != len(shape):
        raise UserInputError(
            f"{name}: {len(starts)} starts and a block with {len(sizes)} axes for shape "
            f"{tuple(shape)}."
        )
    for axis, (size, start, length) in enumerate(zip(shape, starts, sizes)):
        if isinstance(start, jax.core.Tracer):
            continue  # moved until it fits, by `lax`
        first = _from_front(start, size)
        if first < 0 or first + length > size:
            raise UserInputError(
                f"{name}: {length} values from {int(start)} do not fit into axis {axis} of size "
                f"{size}. Received: shape {tuple(shape)} and a block of shape {tuple(sizes)}."
            )


@op(spec=lambda inputs, start_indices, updates: KerasTensor(inputs.shape, dtype=inputs.dtype))
def slice_update(
    inputs: TensorLike, start_indices: Sequence[TensorLike], updates: TensorLike
) -> Tensor:
    """`inputs` with the block at `start_indices` replaced by `updates`; same shape and dtype.

    `updates` has as many axes as `inputs`.

    Raises:
        UserInputError: for a block that does not fit, where the starts are known; under jit it is
            moved until it fits.
    """
    inputs = as_array(inputs)
    updates = _written(as_array(updates), inputs)
    _check_block("slice_update", inputs.shape, start_indices, updates.shape)
    return jax.lax.dynamic_update_slice(inputs, updates, _starts(start_indices))


def _written(updates: jax.Array, inputs: jax.Array) -> jax.Array:
    """Updates in the dtype of `inputs`, unless that would cut a fraction."""
    if is_integral(inputs.dtype) and not is_integral(updates.dtype):
        raise UserTypeError(
            f"{updates.dtype} updates would lose their fraction in {inputs.dtype} inputs: cast one "
            "of them first."
        )
    return updates.astype(inputs.dtype)


@op(spec=lambda indices, values, shape: KerasTensor(tuple(shape), dtype=values.dtype))
def scatter(indices: TensorLike, values: TensorLike, shape: Sequence[int]) -> Tensor:
    """An array of zeros of `shape` with `values` added at `indices`.

    Args:
        indices: integers of shape (..., k), each an index of the first k axes.
        values: array of shape (..., rest of `shape`).
        shape: shape of the result.
    """
    values = as_array(values)
    indices = as_array(indices)
    # Many values may fall on one place: half precision is added in float32.
    zeros = jnp.zeros(shape, widen(values).dtype)
    place = zeros.at[_index_tuple("scatter", indices, zeros.shape)]
    return place.add(widen(values)).astype(values.dtype)


def _index_tuple(name: str, indices: jax.Array, shape: Sequence[int]) -> tuple[jax.Array, ...]:
    """The last axis of `indices` as separate index arrays, checked."""
    parts = tuple(jnp.moveaxis(indices, -1, 0))  # k arrays of shape (...)
    if len(parts) > len(shape):
        raise UserInputError(
            f"{name}: indices of length {len(parts)} into an array with {len(shape)} axes, shape "
            f"{tuple(shape)}."
        )
    if not isinstance(indices, jax.core.Tracer):
        for axis, part in enumerate(parts):
            check_range(name, part, shape[axis], axis)
    return parts


# The methods of `x.at[...]`.
_REDUCTIONS = {None: "set", "add": "add", "max": "max", "min": "min", "mul": "multiply"}


@op(
    spec=lambda inputs, indices, updates, reduction=None: KerasTensor(
        inputs.shape, dtype=inputs.dtype
    )
)
def scatter_update(
    inputs: TensorLike, indices: TensorLike, updates: TensorLike, reduction: str | None = None
) -> Tensor:
    """`inputs` with `updates` written at `indices`; same shape and dtype.

    Args:
        inputs: array with n axes.
        indices: integers of shape (m, k), k <= n, each an index of the first k axes.
        updates: array of shape (m, rest of the shape of `inputs`).
        reduction: how to combine with what stands there: None: replace (of several at one index any
            may win), 'add', 'max', 'min' or 'mul'.

    Examples:
        >>> import fkeras
        >>> fkeras.ops.scatter_update(fkeras.ops.zeros((4,)), [[1], [3]], [5.0, 7.0])
        Array([0., 5., 0., 7.], dtype=float32)
    """
    # Any spelling; what stands at an index that is given several times depends on the reduction.
    reduction = reduction.lower() if isinstance(reduction, str) else reduction
    if reduction not in _REDUCTIONS:
        raise UserInputError(
            f"scatter_update: invalid reduction: {reduction!r}. Supported values are: None, 'add', "
            "'max', 'min', 'mul'."
        )
    inputs = as_array(inputs)
    updates = _written(as_array(updates), inputs)
    place = widen(inputs).at[_index_tuple("scatter_update", as_array(indices), inputs.shape)]
    return getattr(place, _REDUCTIONS[reduction])(widen(updates)).astype(inputs.dtype)
