"""Functions that make tensors: `tf.constant`, `tf.zeros`, `tf.range`, `tf.one_hot`, ..."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow.calls import (
    is_on_device,
    shape_of,
    shape_tuple,
    tensors,
    to_numpy,
    wrap,
)
from fkeras.compat.tensorflow.dtypes import cast_host, dtype_in, numpy_dtype
from fkeras.compat.tensorflow.shapes import TensorShape
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, DTypeLike, Shape, ShapeLike, Tensor, TensorLike


def constant(
    value: TensorLike,
    dtype: DTypeLike | None = None,
    shape: ShapeLike | None = None,
    name: str | None = None,
) -> Tensor:
    """The value as a tensor: an array of the host, or the JAX array that it is.

    Args:
        value: numbers, text or arrays, nested in lists. Python's floats become float32, and its
            integers int32; NumPy's keep their dtype.
        dtype: None: as above.
        shape: what it is reshaped to; a single number is repeated.
        name: not used.
    """
    tensor = convert_to_tensor(value, dtype)
    if shape is None:
        return tensor
    shape = shape_tuple(shape)
    size = int(np.prod(shape_of(tensor), dtype=np.int64))
    return _broadcast(tensor, shape) if size == 1 else tensor.reshape(shape)


@tensors(1)
def _broadcast(xp: ModuleType, x: Tensor, shape: Shape) -> Tensor:
    return xp.broadcast_to(x.reshape(()), shape)


def convert_to_tensor(
    value: TensorLike,
    dtype: DTypeLike | None = None,
    dtype_hint: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:
    """The value as a tensor; see `constant`."""
    if is_on_device((value,)):
        return _to_device(value) if dtype is None else cast(_to_device(value), dtype)
    dtype = numpy_dtype(dtype if dtype is not None else None)
    array = to_numpy(value, dtype)
    return host_array(array if dtype is None or array.dtype == dtype else cast_host(array, dtype))


@tensors(1)
def _identity(xp: ModuleType, input: Tensor) -> Tensor:
    return input


def _to_device(value: Any) -> Any:
    return value if isinstance(value, (jax.Array, KerasTensor)) else _identity(value)


@tensors(1)
def cast(xp: ModuleType, x: Tensor, dtype: DTypeLike) -> Tensor:
    """`x` in another dtype; floats lose their fraction in integers."""
    dtype = numpy_dtype(dtype)
    if xp is np:
        return cast_host(x, dtype)
    x = jnp.asarray(x)
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = x.real
    return x.astype(dtype_in(xp, dtype))


@tensors(1)
def saturate_cast(xp: ModuleType, value: Tensor, dtype: DTypeLike) -> Tensor:
    """`value` cut to the range of another dtype, in that dtype."""
    dtype = numpy_dtype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if value.dtype.kind in "iu":
            own = np.iinfo(value.dtype)
            value = xp.clip(value, max(limits.min, own.min), min(limits.max, own.max))
        else:
            value = xp.clip(value, limits.min, limits.max)
    return value.astype(dtype_in(xp, dtype))


def shape(input: TensorLike, out_type: DTypeLike = "int32", name: str | None = None) -> Any:
    """The shape as a tensor of integers. Of a KerasTensor with a dimension that may vary, a tuple
    with None in its place, which `tf.reshape` takes.
    """
    static = shape_of(input)
    if None in static:
        return TensorShape(static)
    return host_array(np.array(static, numpy_dtype(out_type)))


def size(input: TensorLike, out_type: DTypeLike = "int32", name: str | None = None) -> HostArray:
    """The number of elements."""
    static = _full(shape_of(input), "tf.size")
    return host_array(np.prod(static, dtype=numpy_dtype(out_type)))


def rank(input: TensorLike, name: str | None = None) -> HostArray:
    """The number of axes."""
    return host_array(np.int32(len(shape_of(input))))


def _full(shape: Any, what: str) -> tuple[int, ...]:
    """A shape without unknown dimensions."""
    static = shape_tuple(shape)
    if -1 in static:
        raise UserInputError(
            f"{what}: the shape {tuple(shape)} has a dimension that varies with the batch. Do this "
            "in a layer's `call` or in a `Lambda`, where it is known."
        )
    return static


def _filled(name: str, value: float):
    def make(shape: ShapeLike, dtype: DTypeLike = "float32", name: str | None = None) -> HostArray:
        static = _full(shape, f"tf.{make.__name__}")
        dtype = numpy_dtype(dtype)
        if dtype.kind == "O":
            return host_array(np.full(static, b"", object))
        return host_array(np.full(static, value, dtype))

    make.__name__ = name
    return make


def _like(name: str, value: float):
    @tensors(1, name)
    def make(xp: ModuleType, input: Tensor, dtype: DTypeLike | None = None) -> Tensor:
        if input.dtype == object and dtype is None:
            return np.full(input.shape, b"", object)
        return xp.full_like(input, value, dtype=None if dtype is None else dtype_in(xp, dtype))

    return make


def fill(dims: ShapeLike, value: TensorLike, name: str | None = None) -> Tensor:
    """A tensor of one value."""
    return _broadcast(value, _full(dims, "tf.fill"))


def make_range(
    start: ArrayLike,
    limit: ArrayLike | None = None,
    delta: ArrayLike = 1,
    dtype: DTypeLike | None = None,
    name: str | None = None,
) -> HostArray:
    """Numbers from `start` up to, and without, `limit`; of one argument, from 0."""
    if limit is None:
        start, limit = 0, start
    values = [to_numpy(v) for v in (start, limit, delta)]
    if dtype is None:  # floats decide among themselves: 3 does not widen 0.5
        floats = [v.dtype for v in values if v.dtype.kind == "f"]
        dtype = np.result_type(*(floats or [v.dtype for v in values]))
    dtype = numpy_dtype(dtype)
    return host_array(np.arange(*(v.item() for v in values)).astype(dtype))


@tensors(2)
def linspace(xp: ModuleType, start: Tensor, stop: Tensor, num: int, axis: int = 0) -> Tensor:
    """`num` numbers in equal steps, both ends among them; of integers, float64."""
    start, stop = xp.asarray(start), xp.asarray(stop)
    result = xp.linspace(start, stop, int(num), axis=axis)
    if xp is np and start.dtype.kind == "f":
        return result.astype(start.dtype)
    return result


def one_hot(
    indices: TensorLike,
    depth: int,
    on_value: TensorLike | None = None,
    off_value: TensorLike | None = None,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:
    """A new axis of `depth` elements, of which the one at the index is `on_value`.

    Args:
        indices: integers; one outside of the range gives `off_value` everywhere.
        depth: length of the new axis.
        on_value: None: 1. off_value: None: 0.
        axis: where the new axis is; None: the last.
        dtype: None: that of the values, else float32.
        name: not used.
    """
    if dtype is None:
        given = on_value if on_value is not None else off_value
        dtype = "float32" if given is None else to_numpy(given).dtype
    on_value = 1 if on_value is None else on_value
    off_value = 0 if off_value is None else off_value
    return _one_hot(indices, int(depth), on_value, off_value, -1 if axis is None else axis, dtype)


@tensors(1)
def _one_hot(
    xp: ModuleType,
    indices: Tensor,
    depth: int,
    on_value: TensorLike,
    off_value: TensorLike,
    axis: int,
    dtype: DTypeLike,
) -> Tensor:
    indices = xp.asarray(indices)
    axis = axis if axis >= 0 else indices.ndim + 1 + axis
    positions = xp.arange(depth).reshape([depth] + [1] * (indices.ndim - axis))
    is_on = xp.expand_dims(indices, axis) == positions
    if isinstance(on_value, (bytes, str)):
        on_value, off_value = to_numpy(on_value), to_numpy(off_value)
    return xp.where(is_on, on_value, off_value).astype(dtype_in(xp, dtype))


def eye(
    num_rows: int,
    num_columns: int | None = None,
    batch_shape: ShapeLike | None = None,
    dtype: DTypeLike = "float32",
    name: str | None = None,
) -> HostArray:
    """Ones on the diagonal, zeros elsewhere."""
    matrix = np.eye(int(num_rows), None if num_columns is None else int(num_columns))
    shape = (*shape_tuple(() if batch_shape is None else batch_shape), *matrix.shape)
    return host_array(np.broadcast_to(matrix, shape).astype(numpy_dtype(dtype)))


def sequence_mask(
    lengths: TensorLike,
    maxlen: int | None = None,
    dtype: DTypeLike = "bool",
    name: str | None = None,
) -> Tensor:
    """True for the first `lengths` elements of a new last axis of `maxlen`; None: the longest."""
    if maxlen is None:
        maxlen = int(np.max(np.asarray(lengths)))
    return _sequence_mask(lengths, int(maxlen), dtype)


@tensors(1)
def _sequence_mask(xp: ModuleType, lengths: Tensor, maxlen: int, dtype: DTypeLike) -> Tensor:
    return (xp.arange(maxlen) < lengths[..., None]).astype(dtype_in(xp, dtype))


@tensors(2)
def make_complex(xp: ModuleType, real: Tensor, imag: Tensor) -> Tensor:
    """A complex tensor of its two parts."""
    return (real + 1j * imag).astype("complex128" if real.dtype == "float64" else "complex64")


@tensors(1)
def bitcast(xp: ModuleType, input: Tensor, type: DTypeLike) -> Tensor:
    """The bits read as another dtype."""
    return input.view(numpy_dtype(type))


def meshgrid(*args: TensorLike, indexing: str = "xy", name: str | None = None) -> list[Tensor]:
    """Coordinates of a grid from those of its axes."""
    return list(_meshgrid(list(args), indexing))


@tensors(None)
def _meshgrid(xp: ModuleType, axes: list[Tensor], indexing: str) -> tuple[Tensor, ...]:
    return tuple(xp.meshgrid(*axes, indexing=indexing))


def get_static_value(tensor: TensorLike, partial: bool = False) -> np.ndarray | None:
    """The value as a NumPy array; None where it is known only when the program runs."""
    if isinstance(tensor, (jax.core.Tracer, KerasTensor)):
        return None
    return np.asarray(wrap(tensor))


NAMES = {
    "bitcast": bitcast,
    "cast": cast,
    "complex": make_complex,
    "constant": constant,
    "convert_to_tensor": convert_to_tensor,
    "eye": eye,
    "fill": fill,
    "get_static_value": get_static_value,
    "linspace": linspace,
    "meshgrid": meshgrid,
    "one_hot": one_hot,
    "ones": _filled("ones", 1),
    "ones_like": _like("ones_like", 1),
    "range": make_range,
    "rank": rank,
    "saturate_cast": saturate_cast,
    "sequence_mask": sequence_mask,
    "shape": shape,
    "size": size,
    "zeros": _filled("zeros", 0),
    "zeros_like": _like("zeros_like", 0),
}
