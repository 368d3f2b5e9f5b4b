"""`tf.sparse` and `tf.sets`: entries with their places, on the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from fkeras.compat.tensorflow import linalg
from fkeras.compat.tensorflow.calls import known, to_numpy
from fkeras.compat.tensorflow.dtypes import DType, as_dtype, cast_host
from fkeras.compat.tensorflow.shapes import TensorShape
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError, UserTypeError
from fkeras.types import ArrayLike, Axis, Shape, ShapeLike, TensorLike


class SparseTensor:
    """A tensor of which a few entries are kept; the others are zeros, or empty texts.

    Args:
        indices: (entries, axes) the place of each entry.
        values: (entries,)
        dense_shape: lengths of the axes.
    """

    is_composite = True  # data sets pass it on as it is

    def __init__(self, indices: ArrayLike, values: ArrayLike, dense_shape: ShapeLike) -> None:
        places = np.asarray(known(indices, "tf.SparseTensor"), np.int64)
        self.values = host_array(known(values, "tf.SparseTensor"))
        self.dense_shape = host_array(np.asarray(known(dense_shape, "dense_shape"), np.int64))
        if not places.size:
            places = places.reshape(0, len(self.dense_shape))
        if places.shape != (len(self.values), len(self.dense_shape)):
            raise UserInputError(
                f"tf.SparseTensor: `indices` must have shape (entries, axes), here "
                f"{(len(self.values), len(self.dense_shape))}. Received: {places.shape}."
            )
        self.indices = host_array(places)

    @property
    def dtype(self) -> DType:
        """Of the values."""
        return as_dtype(np.asarray(self.values).dtype)

    @property
    def shape(self) -> TensorShape:
        """Lengths of the axes."""
        return TensorShape(self.dense_shape.tolist())

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    @property
    def flat_values(self) -> HostArray:
        """The values, under the name that ragged tensors have for them."""
        return self.values

    def with_flat_values(self, new_values: ArrayLike) -> SparseTensor:
        """The same as `with_values`."""
        return self.with_values(new_values)

    def __len__(self) -> int:
        return int(self.dense_shape[0])

    def __getitem__(self, row: int) -> SparseTensor:
        is_in_row = np.asarray(self.indices)[:, 0] == row
        places = np.asarray(self.indices)[is_in_row, 1:]
        return SparseTensor(places, np.asarray(self.values)[is_in_row], self.dense_shape[1:])

    def with_values(self, new_values: ArrayLike) -> SparseTensor:
        """Other values at the same places."""
        return SparseTensor(self.indices, new_values, self.dense_shape)

    def _at_entries(self, other: TensorLike) -> np.ndarray:
        """Of a dense tensor what stands at the places of the entries."""
        dense = to_numpy(other, np.asarray(self.values).dtype)
        return np.broadcast_to(dense, self.shape)[tuple(np.asarray(self.indices).T)]

    def __mul__(self, other: TensorLike) -> SparseTensor:
        return self.with_values(np.asarray(self.values) * self._at_entries(other))

    __rmul__ = __mul__

    def __truediv__(self, other: TensorLike) -> SparseTensor:
        return self.with_values(np.asarray(self.values) / self._at_entries(other))

    def __neg__(self) -> SparseTensor:
        return self.with_values(-self.values)

    def _refuse(self, other: Any) -> Any:
        raise UserTypeError(
            "unsupported operand: a SparseTensor is added to others by `tf.sparse.add`; "
            "`tf.sparse.to_dense` makes a tensor of it."
        )

    __add__ = __radd__ = __sub__ = __rsub__ = _refuse

    def __repr__(self) -> str:
        return (
            f"SparseTensor(indices={self.indices.tolist()}, values={self.values.tolist()}, "
            f"dense_shape={tuple(self.shape)})"
        )


def from_dense(tensor: TensorLike, name: str | None = None) -> SparseTensor:
    """The entries of a tensor that are not zero, or no empty texts."""
    dense = known(tensor, "tf.sparse.from_dense")
    places = np.argwhere(dense != b"" if dense.dtype == object else dense != 0)
    return SparseTensor(places, dense[tuple(places.T)], dense.shape)


def to_dense(
    sp_input: SparseTensor,
    default_value: Any = None,
    validate_indices: bool = True,
    name: str | None = None,
) -> HostArray:
    """All entries of a sparse tensor.

    Args:
        sp_input: whose entries stand in the order of reading.
        default_value: of places without an entry; None for zeros, or empty texts.
        validate_indices: whether the order is checked. name: not used.
    """
    places, values = np.asarray(sp_input.indices), np.asarray(sp_input.values)
    if validate_indices:
        _check_order(places, sp_input.shape)
    fill = default_value
    if fill is None:
        fill = b"" if values.dtype == object else 0
    dense = np.empty(sp_input.shape, values.dtype)
    dense[...] = to_numpy(fill, None if values.dtype == object else values.dtype)
    dense[tuple(places.T)] = values
    return host_array(dense)


def _numbers(places: np.ndarray, shape: Shape) -> np.ndarray:
    """The number of each place in the order of reading."""
    return np.ravel_multi_index(tuple(places.T), shape) if len(places) else np.zeros(0, np.int64)


def _check_order(places: np.ndarray, shape: Shape) -> None:
    outside = np.flatnonzero(((places < 0) | (places >= np.array(shape))).any(1))
    if outside.size:
        raise UserInputError(
            f"indices[{outside[0]}] = {places[outside[0]].tolist()} is out of bounds: the shape is "
            f"{tuple(shape)}."
        )
    steps = np.diff(_numbers(places, shape))
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0)) + 1
        what = "repeated" if steps[at - 1] == 0 else "out of order"
        raise UserInputError(
            f"indices[{at}] = {places[at].tolist()} is {what}. Many sparse ops require sorted "
            "indices: use `tf.sparse.reorder`."
        )


def reorder(sp_input: SparseTensor, name: str | None = None) -> SparseTensor:
    """The entries in the order of reading."""
    order = np.argsort(_numbers(np.asarray(sp_input.indices), sp_input.shape), kind="stable")
    return SparseTensor(sp_input.indices[order], sp_input.values[order], sp_input.dense_shape)


def reshape(sp_input: SparseTensor, shape: ShapeLike, name: str | None = None) -> SparseTensor:
    """The same entries, in the order of reading, under another shape."""
    old, wanted = tuple(sp_input.shape), np.zeros(sp_input.shape, bool).reshape(shape).shape
    numbers = _numbers(np.asarray(sp_input.indices), old)
    return SparseTensor(np.stack(np.unravel_index(numbers, wanted), 1), sp_input.values, wanted)


def transpose(
    sp_input: SparseTensor, perm: Sequence[int] | None = None, name: str | None = None
) -> SparseTensor:
    """The axes in another order; None for the reverse one."""
    order = list(perm) if perm is not None else list(range(len(sp_input.shape)))[::-1]
    return reorder(
        SparseTensor(sp_input.indices[:, order], sp_input.values, sp_input.dense_shape[order])
    )


def expand_dims(sp_input: SparseTensor, axis: int = -1, name: str | None = None) -> SparseTensor:
    """With a new axis of length one."""
    axis = axis if axis >= 0 else axis + len(sp_input.shape) + 1
    places = np.insert(np.asarray(sp_input.indices), axis, 0, axis=1)
    return SparseTensor(places, sp_input.values, np.insert(sp_input.dense_shape, axis, 1))


def retain(sp_input: SparseTensor, to_retain: ArrayLike) -> SparseTensor:
    """Those entries for which `to_retain` is true."""
    kept = np.asarray(to_retain, bool)
    return SparseTensor(sp_input.indices[kept], sp_input.values[kept], sp_input.dense_shape)


def slice_entries(
    sp_input: SparseTensor, start: Sequence[int], size: Sequence[int], name: str | None = None
) -> SparseTensor:
    """The entries of a block, from `start` on and as long as `size`."""
    start, places = np.asarray(start), np.asarray(sp_input.indices)
    sizes = np.minimum(np.asarray(sp_input.dense_shape) - start, np.asarray(size)).clip(0)
    inside = ((places >= start) & (places < start + sizes)).all(1)
    return SparseTensor(places[inside] - start, np.asarray(sp_input.values)[inside], sizes)


def concat(
    axis: int,
    sp_inputs: Sequence[SparseTensor],
    expand_nonconcat_dims: bool = False,
    name: str | None = None,
) -> SparseTensor:
    """Sparse tensors joined along an axis."""
    shapes = np.stack([np.asarray(sp.dense_shape) for sp in sp_inputs])
    shape = shapes.max(0)
    shape[axis] = shapes[:, axis].sum()
    places, offset = [], 0
    for sp in sp_inputs:
        moved = np.array(sp.indices)
        moved[:, axis] += offset
        offset += int(sp.dense_shape[axis])
        places.append(moved)
    values = np.concatenate([np.asarray(sp.values) for sp in sp_inputs])
    return reorder(SparseTensor(np.concatenate(places), values, shape))


def add(a: Any, b: Any, threshold: float = 0) -> Any:
    """The sum: sparse where both are, else a tensor."""
    if isinstance(a, SparseTensor) and isinstance(b, SparseTensor):
        return from_dense(to_dense(reorder(a)) + to_dense(reorder(b)))
    dense = [to_dense(reorder(x)) if isinstance(x, SparseTensor) else x for x in (a, b)]
    return dense[0] + dense[1]


def sparse_dense_matmul(
    sp_a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> HostArray:
    """The product of two matrices, of which one or both are sparse."""
    first, second = (to_dense(reorder(x)) if isinstance(x, SparseTensor) else x for x in (sp_a, b))
    return linalg.matmul(first, second, adjoint_a=adjoint_a, adjoint_b=adjoint_b)


def _reduction(function: Callable[..., np.ndarray]) -> Callable[..., Any]:
    def reduce(
        sp_input: SparseTensor,
        axis: Axis | None = None,
        keepdims: bool | None = None,
        output_is_sparse: bool = False,
        name: str | None = None,
    ) -> Any:
        axis = tuple(axis) if isinstance(axis, list) else axis
        dense = np.asarray(to_dense(reorder(sp_input)))
        result = host_array(function(dense, axis=axis, keepdims=bool(keepdims)))
        return from_dense(result) if output_is_sparse else result

    return reduce


def eye(
    num_rows: int, num_columns: int | None = None, dtype: Any = "float32", name: str | None = None
) -> SparseTensor:
    """Ones on the diagonal."""
    shape = (num_rows, num_rows if num_columns is None else num_columns)
    places = np.repeat(np.arange(min(shape))[:, None], 2, axis=1)
    return SparseTensor(places, cast_host(np.ones(len(places)), np.dtype(dtype)), shape)


def map_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> SparseTensor:
    """A function of the values."""
    first = next(a for a in args if isinstance(a, SparseTensor))
    values = [a.values if isinstance(a, SparseTensor) else a for a in args]
    return first.with_values(op(*values, **kwargs))


def edit_distance(
    hypothesis: SparseTensor, truth: SparseTensor, normalize: bool = True, name: str | None = None
) -> HostArray:
    """How many elements must be put in, taken out or changed to come from one row to the other.

    Args:
        hypothesis: rows in the last axis.
        truth: rows at the same places.
        normalize: whether the number is divided by the length of the row of `truth`.
        name: not used.
    """
    shape = np.maximum(np.asarray(hypothesis.dense_shape), np.asarray(truth.dense_shape))[:-1]
    first, second = _sequences(hypothesis), _sequences(truth)
    distances = np.zeros(shape, np.float32)
    for place in np.ndindex(*shape):
        row, wanted = first.get(place, []), second.get(place, [])
        distance = _levenshtein(row, wanted)
        if normalize:
            distance = distance / len(wanted) if wanted else (np.inf if row else 0.0)
        distances[place] = distance
    return host_array(distances)


def _sequences(tensor: SparseTensor) -> dict[tuple[int, ...], list[Any]]:
    found: dict[tuple[int, ...], list[Any]] = {}
    for place, value in zip(tensor.indices.tolist(), tensor.values.tolist()):
        found.setdefault(tuple(place[:-1]), []).append(value)
    return found


def _levenshtein(first: list[Any], second: list[Any]) -> int:
    before = list(range(len(second) + 1))
    for number, element in enumerate(first, 1):
        now = [number]
        for place, other in enumerate(second):
            now.append(min(before[place] + (element != other), before[place + 1] + 1, now[-1] + 1))
        before = now
    return before[-1]


# -- sets: the rows of the last axis ---------------------------------------------------------------


def _rows(tensor: Any) -> Iterator[tuple[tuple[int, ...], set[Any]]]:
    """(place, elements) of each set."""
    if isinstance(tensor, SparseTensor):
        sets: dict[tuple[int, ...], set[Any]] = {
            place: set() for place in np.ndindex(tuple(tensor.shape[:-1]))
        }
        for place, value in zip(tensor.indices.tolist(), tensor.values.tolist()):
            sets[tuple(place[:-1])].add(value)
        yield from sets.items()
    else:
        dense = known(tensor, "tf.sets")
        for place in np.ndindex(dense.shape[:-1]):
            yield place, set(dense[place].tolist())


def _set_function(function: Callable[[set[Any], set[Any]], set[Any]]) -> Callable[..., Any]:
    def of_sets(a: Any, b: Any, validate_indices: bool = True) -> SparseTensor:
        places, values, widest = [], [], 0
        dtype = np.asarray(a.values if isinstance(a, SparseTensor) else to_numpy(a)).dtype
        shape: tuple[int, ...] = ()
        for (place, first), (_, second) in zip(_rows(a), _rows(b), strict=True):
            shape = tuple(max(n, i + 1) for n, i in zip(shape or (0,) * len(place), place))
            elements = sorted(function(first, second))
            places += [(*place, column) for column in range(len(elements))]
            values += elements
            widest = max(widest, len(elements))
        array = np.empty(len(values), dtype)
        array[:] = values
        return SparseTensor(np.array(places, np.int64), array, (*shape, widest))

    return of_sets


def set_sizes(a: SparseTensor, validate_indices: bool = True) -> HostArray:
    """How many elements each set has."""
    counts = np.zeros(tuple(a.shape[:-1]), np.int32)
    for place, elements in _rows(a):
        counts[place] = len(elements)
    return host_array(counts)


def _difference(a: Any, b: Any, aminusb: bool = True, validate_indices: bool = True) -> Any:
    """What is in the first sets and not in the second ones, or the other way round."""
    return _set_function(set.difference)(*((a, b) if aminusb else (b, a)))


SETS: dict[str, Any] = {
    "difference": _difference,
    "intersection": _set_function(set.intersection),
    "size": set_sizes,
    "union": _set_function(set.union),
}
NAMES: dict[str, Any] = {
    "SparseTensor": SparseTensor,
    "add": add,
    "concat": concat,
    "expand_dims": expand_dims,
    "eye": eye,
    "from_dense": from_dense,
    "map_values": map_values,
    "reduce_max": _reduction(np.max),
    "reduce_sum": _reduction(np.sum),
    "reorder": reorder,
    "reshape": reshape,
    "retain": retain,
    "slice": slice_entries,
    "sparse_dense_matmul": sparse_dense_matmul,
    "to_dense": to_dense,
    "transpose": transpose,
}
