"""Functions that move elements: `tf.reshape`, `tf.concat`, `tf.split`, `tf.pad`, `tf.tile`, ..."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow.calls import axis_of, is_on_device, known, shape_tuple, tensors
from fkeras.compat.tensorflow.shapes import TensorShape
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, Axis, Shape, ShapeLike, Tensor, TensorLike


def reshape(tensor: TensorLike, shape: ShapeLike, name: str | None = None) -> Tensor:
    """The elements in another shape; one dimension may be -1."""
    return _reshape(tensor, shape_tuple(shape))


@tensors(1)
def _reshape(xp: ModuleType, tensor: Tensor, shape: Shape) -> Tensor:
    return xp.reshape(tensor, shape)


@tensors(1)
def expand_dims(xp: ModuleType, input: Tensor, axis: int) -> Tensor:
    """A new axis of length 1."""
    return xp.expand_dims(input, int(axis))


@tensors(1)
def squeeze(xp: ModuleType, input: Tensor, axis: Axis | None = None) -> Tensor:
    """Without these axes of length 1; None: without all of them."""
    axis = axis_of(axis)
    return xp.squeeze(input, axis=None if axis == () else axis)


@tensors(None)
def concat(xp: ModuleType, values: list[Tensor], axis: int) -> Tensor:
    """The tensors one after the other along an axis."""
    if len(values) == 1:
        return values[0]
    return xp.concatenate(values, axis=int(axis))


@tensors(None)
def stack(xp: ModuleType, values: list[Tensor], axis: int = 0) -> Tensor:
    """The tensors side by side along a new axis."""
    return xp.stack(values, axis=int(axis))


@tensors(1)
def unstack(xp: ModuleType, value: Tensor, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along an axis, without it."""
    count = value.shape[axis]
    return [xp.take(value, i, axis=axis) for i in range(count)]


@tensors(1)
def split(
    xp: ModuleType,
    value: Tensor,
    num_or_size_splits: Any,
    axis: int = 0,
    num: int | None = None,
) -> list[Tensor]:
    """Parts along an axis.

    Args:
        xp: NumPy or jax.numpy.
        value: what is split.
        num_or_size_splits: how many parts of equal length, or the length of each; one may be -1.
        axis: along which.
        num: how many lengths there are; not needed.
    """
    axis, length = int(axis), value.shape[axis]
    if np.ndim(num_or_size_splits) == 0:
        count = int(num_or_size_splits)
        if length % count:
            raise UserInputError(
                f"tf.split: axis {axis} has length {length}, which {count} parts of equal length "
                "do not make up. Pass their lengths."
            )
        sizes = [length // count] * count
    else:
        sizes = [int(n) for n in num_or_size_splits]
        rest = length - sum(n for n in sizes if n >= 0)
        sizes = [rest if n < 0 else n for n in sizes]
        if sum(sizes) != length:
            raise UserInputError(
                f"tf.split: parts of {sizes} do not make up axis {axis} of length {length}."
            )
    return list(xp.split(value, np.cumsum(sizes)[:-1].tolist(), axis=axis))


@tensors(1)
def transpose(
    xp: ModuleType, a: Tensor, perm: Axis | None = None, conjugate: bool = False
) -> Tensor:
    """The axes in another order; None: the last one first."""
    a = xp.conj(a) if conjugate else a
    return xp.transpose(a, None if perm is None else axis_of(perm))


@tensors(1)
def tile(xp: ModuleType, input: Tensor, multiples: ShapeLike) -> Tensor:
    """The tensor repeated along each axis, so many times."""
    return xp.tile(input, shape_tuple(multiples))


@tensors(1)
def repeat(xp: ModuleType, input: Tensor, repeats: ArrayLike, axis: int | None = None) -> Tensor:
    """Each element of an axis so many times; None: of the flat tensor."""
    if np.ndim(repeats) == 0:
        return xp.repeat(input, int(repeats), axis=axis)
    counts = known(repeats, "tf.repeat")
    if len(counts) == 1:
        return xp.repeat(input, int(counts[0]), axis=axis)
    return xp.repeat(input, counts, axis=axis)


_MODES = {"CONSTANT": "constant", "REFLECT": "reflect", "SYMMETRIC": "symmetric"}


@tensors(1)
def pad(
    xp: ModuleType,
    tensor: Tensor,
    paddings: ArrayLike,
    mode: str = "CONSTANT",
    constant_values: TensorLike = 0,
) -> Tensor:
    """More elements before and after.

    Args:
        xp: NumPy or jax.numpy.
        tensor: what is padded.
        paddings: (before, after) for each axis.
        mode: 'CONSTANT', 'REFLECT' (without the edge) or 'SYMMETRIC' (with it).
        constant_values: of 'CONSTANT'.
    """
    widths = [tuple(int(n) for n in row) for row in known(paddings, "tf.pad")]
    if mode.upper() not in _MODES:
        raise UserInputError(f"tf.pad: mode={mode!r}. Expected one of {sorted(_MODES)}.")
    options = {}
    if mode.upper() == "CONSTANT":
        if tensor.dtype == object:
            constant_values = constant_values or b""
        options["constant_values"] = constant_values
    return xp.pad(tensor, widths, mode=_MODES[mode.upper()], **options)


@tensors(1)
def roll(xp: ModuleType, input: Tensor, shift: Axis, axis: Axis) -> Tensor:
    """The elements moved along an axis; what falls out comes in at the other end."""
    return xp.roll(input, axis_of(shift), axis=axis_of(axis))


@tensors(1)
def reverse(xp: ModuleType, tensor: Tensor, axis: Axis) -> Tensor:
    """The elements of the axes from last to first."""
    return xp.flip(tensor, axis=axis_of(axis))


@tensors(1)
def reverse_sequence(
    xp: ModuleType,
    input: Tensor,
    seq_lengths: TensorLike,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
) -> Tensor:
    """The first elements of each row from last to first, as many as `seq_lengths` says."""
    batch_axis = batch_axis or 0
    seq_axis = 1 if seq_axis is None else seq_axis
    rows = xp.moveaxis(input, (batch_axis, seq_axis), (0, 1))
    positions = xp.arange(rows.shape[1])[None]
    lengths = xp.asarray(seq_lengths)[:, None]
    order = xp.where(positions < lengths, lengths - 1 - positions, positions)
    order = order.reshape(order.shape + (1,) * (rows.ndim - 2))
    return xp.moveaxis(xp.take_along_axis(rows, order, axis=1), (0, 1), (batch_axis, seq_axis))


@tensors(1)
def broadcast_to(xp: ModuleType, input: Tensor, shape: ShapeLike) -> Tensor:
    """The tensor repeated to a larger shape."""
    return xp.broadcast_to(input, shape_tuple(shape))


def broadcast_static_shape(shape_x: Shape, shape_y: Shape) -> TensorShape:
    """The shape that two shapes broadcast to."""
    return TensorShape(np.broadcast_shapes(tuple(shape_x), tuple(shape_y)))


def broadcast_dynamic_shape(shape_x: ShapeLike, shape_y: ShapeLike) -> HostArray:
    """The shape that two shapes broadcast to, as a tensor."""
    both = np.broadcast_shapes(shape_tuple(shape_x), shape_tuple(shape_y))
    return host_array(np.array(both, np.int32))


@tensors(1)
def identity(xp: ModuleType, input: Tensor) -> Tensor:
    """The tensor itself."""
    return input


def identity_n(input: list[TensorLike], name: str | None = None) -> list[Tensor]:
    """The tensors themselves."""
    return [identity(x) for x in input]


@tensors(1)
def stop_gradient(xp: ModuleType, input: Tensor) -> Tensor:
    """The tensor as a constant for gradients."""
    return jax.lax.stop_gradient(input) if xp is jnp else input


def ensure_shape(x: TensorLike, shape: ShapeLike, name: str | None = None) -> Tensor:
    """`x`, after a check of its shape.

    Raises:
        UserInputError: it is another one.
    """
    x = x if is_on_device((x,)) else identity(x)
    if not TensorShape(x.shape).is_compatible_with(TensorShape(shape)):
        raise UserInputError(f"tf.ensure_shape: expected {shape}; received {tuple(x.shape)}.")
    return x


@tensors(1)
def space_to_depth(
    xp: ModuleType, input: Tensor, block_size: int, data_format: str = "NHWC"
) -> Tensor:
    """Blocks of an image's pixels as channels."""
    n, height, width, channels = input.shape
    parts = (n, height // block_size, block_size, width // block_size, block_size, channels)
    x = xp.transpose(xp.reshape(input, parts), (0, 1, 3, 2, 4, 5))
    return xp.reshape(x, (n, parts[1], parts[3], channels * block_size**2))


@tensors(1)
def depth_to_space(
    xp: ModuleType, input: Tensor, block_size: int, data_format: str = "NHWC"
) -> Tensor:
    """Channels as blocks of an image's pixels."""
    n, height, width, channels = input.shape
    parts = (n, height, width, block_size, block_size, channels // block_size**2)
    x = xp.transpose(xp.reshape(input, parts), (0, 1, 3, 2, 4, 5))
    return xp.reshape(x, (n, height * block_size, width * block_size, parts[-1]))


NAMES = {
    "broadcast_dynamic_shape": broadcast_dynamic_shape,
    "broadcast_static_shape": broadcast_static_shape,
    "broadcast_to": broadcast_to,
    "concat": concat,
    "ensure_shape": ensure_shape,
    "expand_dims": expand_dims,
    "identity": identity,
    "identity_n": identity_n,
    "pad": pad,
    "repeat": repeat,
    "reshape": reshape,
    "reverse": reverse,
    "reverse_sequence": reverse_sequence,
    "roll": roll,
    "split": split,
    "squeeze": squeeze,
    "stack": stack,
    "stop_gradient": stop_gradient,
    "tile": tile,
    "transpose": transpose,
    "unstack": unstack,
}
IN_NN = {"depth_to_space": depth_to_space, "space_to_depth": space_to_depth}
