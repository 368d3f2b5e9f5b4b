"""Joining, repeating, padding and reshaping, with the argument names of Keras 2."""

from __future__ import annotations

import builtins
import math
from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras import ops
from fkeras.core.settings import standardize_data_format
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DTypeLike, Tensor, TensorLike


class ShapeOf(tuple):
    """The shape of a symbolic tensor, None for what is known when it is fed; `cast` makes a tensor
    of it.
    """

    tensor: KerasTensor


def shape(x: TensorLike) -> tuple[int | None, ...]:
    """The shape; of a symbolic tensor one that `K.cast(K.shape(x), "float32")` can be asked for."""
    sizes = ops.shape(x)
    if not isinstance(x, KerasTensor):
        return sizes
    symbolic = ShapeOf(sizes)
    symbolic.tensor = x
    return symbolic


def cast(x: TensorLike, dtype: DTypeLike) -> Tensor:
    """`x` in another dtype; of `K.shape(x)` a tensor of the sizes."""
    return ops.cast(_sizes(x.tensor) if isinstance(x, ShapeOf) else x, dtype)


@op(spec=lambda x: KerasTensor((len(x.shape),), dtype="int32"))
def _sizes(x):
    return jnp.asarray(x.shape, "int32")


def concatenate(tensors: Sequence[TensorLike], axis: int = -1) -> Tensor:
    """Arrays joined along one axis, the last by default."""
    return ops.concatenate(tensors, axis)


def expand_dims(x: TensorLike, axis: int = -1) -> Tensor:
    """`x` with an axis of length 1 added, at the end by default."""
    return ops.expand_dims(x, axis)


def flatten(x: TensorLike) -> Tensor:
    """`x` as one axis, the batch included."""
    return ops.reshape(x, (-1,))


def batch_flatten(x: Tensor) -> Tensor:
    """(batch, ...) -> (batch, features)"""
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def repeat(x: TensorLike, n: int) -> Tensor:
    """(batch, features) -> (batch, n, features)"""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x: TensorLike, rep: int, axis: int) -> Tensor:
    """Each element along one axis `rep` times in a row."""
    return ops.repeat(x, rep, axis=axis)


def gather(reference: TensorLike, indices: TensorLike) -> Tensor:
    """Rows of `reference` by their indices."""
    return ops.take(reference, indices, axis=0)


def one_hot(indices: TensorLike, num_classes: int) -> Tensor:
    """(...,) ints -> (..., num_classes) floats."""
    return ops.one_hot(indices, num_classes)


def temporal_padding(x: TensorLike, padding: Sequence[int] = (1, 1)) -> Tensor:
    """Zeros before and after the steps of (batch, steps, features)."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def spatial_2d_padding(
    x: TensorLike,
    padding: Sequence[Sequence[int]] = ((1, 1), (1, 1)),
    data_format: str | None = None,
) -> Tensor:
    """Zeros around the rows and columns of images."""
    return _pad_spatial(x, padding, data_format)


def spatial_3d_padding(
    x: TensorLike,
    padding: Sequence[Sequence[int]] = ((1, 1), (1, 1), (1, 1)),
    data_format: str | None = None,
) -> Tensor:
    """Zeros around the three spatial axes of volumes."""
    return _pad_spatial(x, padding, data_format)


def _pad_spatial(
    x: TensorLike, padding: Sequence[Sequence[int]], data_format: str | None
) -> Tensor:
    around = [tuple(p) for p in padding]
    last = standardize_data_format(data_format) == "channels_last"
    return ops.pad(x, [(0, 0), *around, (0, 0)] if last else [(0, 0), (0, 0), *around])


def bias_add(x: Tensor, bias: Tensor, data_format: str | None = None) -> Tensor:
    """`x` plus a bias of shape (channels,), or of the shape of one sample with the channels
    last.
    """
    if len(bias.shape) not in (1, len(x.shape) - 1):
        raise UserInputError(
            f"Unexpected bias dimensions {len(bias.shape)}. Expected it to be 1 or "
            f"{len(x.shape) - 1} dimensions"
        )
    if standardize_data_format(data_format) == "channels_first":
        if len(bias.shape) == 1:
            bias = ops.reshape(bias, (-1, *[1] * (len(x.shape) - 2)))
        else:
            bias = ops.moveaxis(bias, -1, 0)
    return x + bias


def slice(x: TensorLike, start: Sequence[int], size: Sequence[int]) -> Tensor:
    """A part of an array: `size` elements from `start` on along each axis; -1 for all that follow.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.backend.slice(np.arange(5), [1], [2]).tolist()
        [1, 2]
    """
    ends = [None if n == -1 else begin + n for begin, n in zip(start, size, strict=True)]
    return x[tuple(builtins.slice(begin, end) for begin, end in zip(start, ends))]
