"""Reductions over rows that share an id."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.known_values import known_values
from fkeras.ops.tensors import as_array, widen
from fkeras.types import Tensor, TensorLike


def _segment(
    reduce: Callable[..., jax.Array],
    data: TensorLike,
    segment_ids: TensorLike,
    num_segments: int | None,
    sorted: bool,
) -> jax.Array:
    """`reduce` of checked arguments; half precision is reduced in float32."""
    name = reduce.__name__
    data, segment_ids = as_array(data), as_array(segment_ids)
    if segment_ids.ndim != 1:
        raise UserInputError(
            f"{name}: Argument `segment_ids` should be an 1-D vector, got shape: "
            f"{segment_ids.shape}. Flatten both: `reshape(segment_ids, -1)` and `reshape(data, "
            "(-1, ...))`, or use `vectorized_map`."
        )
    if num_segments is None:
        raise UserInputError(
            f"{name}: Argument `num_segments` must be set when using the JAX backend. Received: "
            "num_segments=None. JAX needs the size of the result before it sees the ids."
        )
    # Checked here, since JAX would broadcast or cut.
    if data.shape[:1] != segment_ids.shape:
        raise UserInputError(
            f"{name}: Argument `segment_ids` and `data` should have same leading dimension. Got "
            f"{segment_ids.shape} v.s. {data.shape}."
        )
    _check_ids(name, known_values(segment_ids), num_segments)
    # JAX leaves rows out whose id lies outside; -1 is one of those.
    reduced = reduce(widen(data), segment_ids, num_segments, indices_are_sorted=sorted)
    return reduced.astype(data.dtype)


def _check_ids(name: str, ids: np.ndarray | None, num_segments: int) -> None:
    """Raises for the first id that is no segment, where ids are known (not None)."""
    if ids is None:
        return
    outside = (ids < -1) | (ids >= num_segments)
    if outside.any():
        position = int(np.argmax(outside))
        raise UserInputError(
            f"{name}: segment ids must lie in [0, {num_segments}), or be -1 for rows to leave "
            f"out. Received {ids[position]} at index {position}."
        )


@op
def segment_sum(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Sums of the rows with equal ids: (rows, ...) -> (num_segments, ...).

    0 for an id that no row has. float16 and bfloat16 are summed in float32.

    Args:
        data: (rows, ...).
        segment_ids: one int per row, in [0, num_segments); rows with id -1 are left out.
        num_segments: how many segments there are; must be given.
        sorted: promises that the ids ascend, which is faster.

    Raises:
        UserInputError: other ids, outside of `jax.jit` and the like; inside, where values cannot be
            looked at, such rows are left out.

    Examples:
        >>> from fkeras import ops
        >>> ops.segment_sum([1.0, 2.0, 4.0], [0, 1, 0], num_segments=3)
        Array([5., 2., 0.], dtype=float32)
    """
    return _segment(jax.ops.segment_sum, data, segment_ids, num_segments, sorted)


@op
def segment_max(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Largest of the rows with equal ids, as in `segment_sum`.

    -inf (or the smallest int) for an id that no row has.
    """
    return _segment(jax.ops.segment_max, data, segment_ids, num_segments, sorted)


@op
def segment_min(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Smallest of the rows with equal ids, as in `segment_sum`.

    inf (or the largest int) for an id that no row has.
    """
    return _segment(jax.ops.segment_min, data, segment_ids, num_segments, sorted)


@op
def segment_prod(
    data: TensorLike, segment_ids: TensorLike, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Products of the rows with equal ids, as in `segment_sum`; 1 for an id that no row has."""
    return _segment(jax.ops.segment_prod, data, segment_ids, num_segments, sorted)
