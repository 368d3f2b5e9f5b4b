"""Functions that move values without changing them: axes, shapes, order, borders."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops import sparse as sparse_rules
from fkeras.ops.known_values import keeping_sizes, known_sizes
from fkeras.ops.shape_rules import canonical_axis, reshape_target, reshaped
from fkeras.ops.tensors import as_array, as_tensor
from fkeras.types import Axis, ShapeLike, Tensor, TensorLike

# -- shapes --------------------------------------------------------------------


def _reshape_spec(x: KerasTensor, newshape: ShapeLike) -> KerasTensor:
    return KerasTensor(reshaped(x.shape, newshape), dtype=x.dtype, sparse=x.sparse)


@op(spec=_reshape_spec, sparse=sparse_rules.reshape)
@keeping_sizes
def reshape(x: TensorLike, newshape: ShapeLike) -> Tensor:
    """The values of `x`, last axis fastest, in another shape.

    Args:
        x: array of shape (d1, d2, ...).
        newshape: an int or a tuple of ints with the same product; one may be -1 and takes what is
            left.

    Examples:
        >>> import fkeras
        >>> fkeras.ops.reshape([[1, 2, 3], [4, 5, 6]], (3, -1)).shape
        (3, 2)
    """
    x = as_array(x)
    target = reshape_target(newshape)
    if None not in target:
        reshaped(x.shape, target)  # raises with both shapes
    return jnp.reshape(x, tuple(-1 if d is None else d for d in target))


@op
def ravel(x: TensorLike) -> Tensor:
    """`x` flattened, shape (size,)."""
    return jnp.ravel(as_tensor(x))


@op(sparse=sparse_rules.expand_dims)
@keeping_sizes
def expand_dims(x: TensorLike, axis: Axis) -> Tensor:
    """`x` with new axes of size 1 at `axis`, an int or a tuple of ints: positions in the result."""
    return jnp.expand_dims(as_tensor(x), tuple(axis) if isinstance(axis, list) else axis)


@op(sparse=sparse_rules.squeeze)
def squeeze(x: TensorLike, axis: Axis | None = None) -> Tensor:
    """`x` without the axes of size 1 at `axis` (an int or a tuple of ints).

    Without all axes of size 1 for None.
    """
    return jnp.squeeze(as_tensor(x), axis=tuple(axis) if isinstance(axis, list) else axis)


def _broadcast_spec(x: KerasTensor, shape: Sequence[int]) -> KerasTensor:
    # An unknown size is taken to fit: it becomes the one that is asked for.
    return KerasTensor(
        np.broadcast_shapes(tuple(1 if d is None else d for d in x.shape), tuple(shape)),
        dtype=x.dtype,
    )


@op(spec=_broadcast_spec)
def broadcast_to(x: TensorLike, shape: Sequence[int]) -> Tensor:
    """`x` repeated along axes of size 1, and along new ones in front, up to `shape`."""
    return jnp.broadcast_to(as_tensor(x), known_sizes(shape))


# -- axes ----------------------------------------------------------------------


@op(sparse=sparse_rules.transpose)
def transpose(x: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """`x` with its axes in the order `axes`; reversed for None."""
    x = as_array(x)
    if axes is not None:
        _check_permutation(axes, x.ndim)
    return jnp.transpose(x, axes)


def _check_permutation(axes: Sequence[int], ndim: int) -> None:
    """Raises unless `axes` holds every axis once."""
    if len(axes) != ndim:
        raise UserInputError(
            f"`axes` must be a list of the same length as the input shape: expected {ndim}, "
            f"received axes={list(axes)}."
        )
    if not all(isinstance(a, (int, np.integer)) and -ndim <= a < ndim for a in axes):
        raise UserInputError(
            f"Each axis in `axes` must be an integer in [-{ndim}, {ndim}). Received: "
            f"axes={list(axes)}."
        )
    if len({a % ndim for a in axes}) != ndim:
        raise UserInputError(
            f"`axes` must be a valid permutation of the input's {ndim} axes. Received: "
            f"axes={list(axes)}."
        )


@op
def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Tensor:
    """`x` with two axes exchanged."""
    x = as_array(x)
    return jnp.swapaxes(x, canonical_axis(axis1, x.ndim), canonical_axis(axis2, x.ndim))


@op
def moveaxis(x: TensorLike, source: Axis, destination: Axis) -> Tensor:
    """`x` with the axes at `source` (an int or a list of ints) moved to `destination`.

    The other axes keep their order.
    """
    x = as_array(x)
    source, destination = (
        (a,) if isinstance(a, (int, np.integer)) else tuple(a) for a in (source, destination)
    )
    if len(source) != len(destination):
        raise UserInputError(
            f"moveaxis: `source` and `destination` must have the same length. Received: {source} "
            f"and {destination}."
        )
    return jnp.moveaxis(
        x,
        [canonical_axis(a, x.ndim) for a in source],
        [canonical_axis(a, x.ndim) for a in destination],
    )


@op
def flip(x: TensorLike, axis: Axis | None = None) -> Tensor:
    """`x` with the order along `axis` reversed; along all axes for None."""
    return jnp.flip(as_array(x), axis=tuple(axis) if isinstance(axis, list) else axis)


@op
def fliplr(x: TensorLike) -> Tensor:
    """`x` with axis 1 reversed."""
    return jnp.fliplr(as_array(x))


@op
def flipud(x: TensorLike) -> Tensor:
    """`x` with axis 0 reversed."""
    return jnp.flipud(as_array(x))


@op
def rot90(array: TensorLike, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """`array` turned by `k` quarter turns in the plane of two `axes`.

    From the first of the two towards the second.
    """
    array = as_array(array)
    if array.ndim < 2:
        raise UserInputError(
            "rot90: input array must have at least 2 dimensions. Received: shape "
            f"{tuple(array.shape)}."
        )
    if len(axes) != 2 or axes[0] == axes[1]:
        raise UserInputError(
            f"rot90: invalid axes: {axes}. Axes must be a tuple of two different dimensions."
        )
    return jnp.rot90(array, k=k, axes=axes)


@op
def roll(x: TensorLike, shift: Axis, axis: Axis | None = None) -> Tensor:
    """`x` moved by `shift` places along `axis`; what leaves at the end enters at the start.

    Flattened meanwhile for None.
    """
    return jnp.roll(as_tensor(x), shift, axis=axis)


# -- repetition and borders ----------------------------------------------------


def _repeat_spec(x: KerasTensor, repeats: TensorLike, axis: int | None = None) -> KerasTensor:
    if axis is None:
        size = None if None in x.shape else math.prod(x.shape)
        before, after = (), ()
    else:
        axis = canonical_axis(axis, len(x.shape))
        size = x.shape[axis]
        before, after = x.shape[:axis], x.shape[axis + 1 :]
    return KerasTensor((*before, _repeated(size, repeats), *after), dtype=x.dtype)


def _repeated(size: int | None, repeats: TensorLike) -> int | None:
    """The size of a repeated axis; None where it depends on values or on an unknown size."""
    if isinstance(repeats, KerasTensor):
        return None
    counts = np.atleast_1d(repeats)
    if len(counts) > 1:
        if size not in (None, len(counts)):
            raise UserInputError(
                f"repeat: {len(counts)} repeats for {size} values. Pass one, or one for each value."
            )
        return int(counts.sum())
    return None if size is None else size * int(counts[0])


@op(spec=_repeat_spec)
def repeat(x: TensorLike, repeats: TensorLike, axis: int | None = None) -> Tensor:
    """Each value `repeats` times in a row along `axis`; along the flattened array for None.

    Args:
        x: array.
        repeats: an int, or one int for each index of `axis`.
        axis: int or None.
    """
    x = as_array(x)
    if axis is not None:
        canonical_axis(axis, x.ndim)  # raises
    counts = np.asarray(repeats) if isinstance(repeats, (list, tuple)) else repeats
    return jnp.repeat(x, counts, axis=axis)


@op
def tile(x: TensorLike, repeats: Axis) -> Tensor:
    """`x` as a whole `repeats` times along each axis: an int for the last, or one int for each."""
    repeats = known_sizes(repeats)
    if isinstance(repeats, jax.core.Tracer):
        raise UserTypeError(
            "tile: `repeats` must be plain integers; JAX needs shapes that do not depend on values."
            " `ops.broadcast_to` and `ops.shape` often do the same."
        )
    return jnp.tile(as_tensor(x), repeats)


@op
def pad(
    x: TensorLike,
    pad_width: int | Sequence[int] | Sequence[Sequence[int]],
    mode: str = "constant",
    constant_values: float | None = None,
) -> Tensor:
    """`x` with values added at its borders.

    Args:
        x: array.
        pad_width: `(before, after)` for each axis, or one pair or one int for all axes.
        mode: 'constant', 'reflect', 'symmetric', 'edge', 'wrap' or another of `numpy.pad`.
        constant_values: what mode 'constant' adds; None: 0.
    """
    x = as_array(x)
    if isinstance(pad_width, (list, tuple)) and not isinstance(pad_width[0], int):
        # ((1,), (2,)): the same on both sides.
        pad_width = tuple(tuple(p) * 2 if len(p) == 1 else tuple(p) for p in pad_width)
        if len(pad_width) not in (1, x.ndim):
            raise UserInputError(
                "`pad_width` must have the same length as `x.shape`. Received: "
                f"pad_width={pad_width} and x.shape={tuple(x.shape)}."
            )
    if constant_values is None:
        return jnp.pad(x, pad_width, mode=mode)
    if mode != "constant":
        raise UserInputError(
            "Argument `constant_values` can only be provided when `mode == 'constant'`. Received: "
            f"mode={mode!r}."
        )
    return jnp.pad(x, pad_width, mode=mode, constant_values=constant_values)
