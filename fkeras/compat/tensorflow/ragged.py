"""`tf.RaggedTensor`: rows of different lengths, on the host."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from fkeras.compat.tensorflow.calls import known, to_numpy
from fkeras.compat.tensorflow.dtypes import DType, as_dtype, cast_host, numpy_dtype
from fkeras.compat.tensorflow.shapes import TensorShape
from fkeras.compat.tensorflow.sparse import SparseTensor
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, DTypeLike, Shape, TensorLike


class RaggedTensor:
    """Rows of different lengths: all values one after the other, and where each row ends.

    It is of the host. Layers and `fit` take `to_tensor()`, whose rows end in zeros.

    Args:
        values: of all rows; an array, or a RaggedTensor whose rows are ragged, too.
        row_splits: (rows + 1,) where each row begins, and where the last one ends.

    Examples:
        >>> rows = RaggedTensor([1, 2, 3], [0, 2, 2, 3])
        >>> rows.to_list(), rows.to_tensor().numpy().tolist()
        ([[1, 2], [], [3]], [[1, 2], [0, 0], [3, 0]])
    """

    is_composite = True  # data sets pass it on as it is

    def __init__(self, values: RaggedTensor | ArrayLike, row_splits: ArrayLike) -> None:
        self.values = values if isinstance(values, RaggedTensor) else host_array(to_numpy(values))
        splits = np.asarray(row_splits, np.int64)
        count = _length(self.values)
        if not splits.size or splits[0] or splits[-1] != count or (np.diff(splits) < 0).any():
            raise UserInputError(
                f"tf.RaggedTensor: `row_splits` of {count} values must rise from 0 to {count}. "
                f"Received: {splits.tolist()}."
            )
        self.row_splits = host_array(splits)

    # -- made from other descriptions of the rows --

    @classmethod
    def from_row_splits(
        cls, values: Any, row_splits: ArrayLike, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Rows by where they begin and end."""
        return cls(values, known(row_splits, "row_splits"))

    @classmethod
    def from_row_lengths(
        cls, values: Any, row_lengths: ArrayLike, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Rows by their lengths."""
        return cls(values, _splits_of(known(row_lengths, "row_lengths")))

    @classmethod
    def from_row_starts(
        cls, values: Any, row_starts: ArrayLike, name: str | None = None, validate: bool = True
    ) -> RaggedTensor:
        """Rows by where they begin."""
        starts = known(row_starts, "row_starts")
        return cls(values, np.append(starts, _length(values)))

    @classmethod
    def from_value_rowids(
        cls,
        values: Any,
        value_rowids: ArrayLike,
        nrows: int | None = None,
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:
        """Rows by which one each value belongs to."""
        ids = known(value_rowids, "value_rowids")
        return cls(values, _splits_of(np.bincount(ids, minlength=int(nrows or 0))))

    @classmethod
    def from_uniform_row_length(
        cls,
        values: Any,
        uniform_row_length: int,
        nrows: int | None = None,
        validate: bool = True,
        name: str | None = None,
    ) -> RaggedTensor:
        """Rows of one length."""
        return cls(values, np.arange(0, _length(values) + 1, int(uniform_row_length)))

    @classmethod
    def from_nested_row_splits(
        cls,
        flat_values: Any,
        nested_row_splits: Sequence[ArrayLike],
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:
        """Rows of rows, the outermost splits first."""
        for splits in reversed(nested_row_splits):
            flat_values = cls.from_row_splits(flat_values, splits)
        return flat_values

    @classmethod
    def from_nested_row_lengths(
        cls,
        flat_values: Any,
        nested_row_lengths: Sequence[ArrayLike],
        name: str | None = None,
        validate: bool = True,
    ) -> RaggedTensor:
        """Rows of rows, the outermost lengths first."""
        for lengths in reversed(nested_row_lengths):
            flat_values = cls.from_row_lengths(flat_values, lengths)
        return flat_values

    @classmethod
    def from_tensor(
        cls,
        tensor: TensorLike,
        lengths: ArrayLike | None = None,
        padding: Any = None,
        ragged_rank: int = 1,
        name: str | None = None,
        row_splits_dtype: DTypeLike = "int64",
    ) -> RaggedTensor:
        """The rows of a tensor.

        Args:
            tensor: of two axes or more.
            lengths: how much of each row counts; None for all.
            padding: what rows end in and what is left out; None where there is none.
            ragged_rank: how many axes become ragged.
            name: not used. row_splits_dtype: not used.
        """
        array = known(tensor, "tf.RaggedTensor.from_tensor")
        if ragged_rank > 1:
            inner = cls.from_tensor(
                array.reshape(-1, *array.shape[2:]), lengths, padding, ragged_rank - 1
            )
            return cls(inner, np.arange(array.shape[0] + 1) * array.shape[1])
        if padding is not None:
            is_padding = array == to_numpy(padding, array.dtype)
            is_padding = is_padding.reshape(*array.shape[:2], -1).all(-1)
            lengths = array.shape[1] - np.logical_and.accumulate(is_padding[:, ::-1], 1).sum(1)
        sizes = np.full(len(array), array.shape[1]) if lengths is None else np.asarray(lengths)
        is_kept = np.arange(array.shape[1]) < sizes[:, None]
        return cls(array[is_kept], _splits_of(is_kept.sum(1)))

    @classmethod
    def from_sparse(
        cls, st_input: SparseTensor, name: str | None = None, row_splits_dtype: DTypeLike = "int64"
    ) -> RaggedTensor:
        """The rows of a sparse tensor of two axes whose entries begin at the left."""
        rows = np.asarray(st_input.indices)[:, 0]
        made = cls.from_value_rowids(st_input.values, rows, int(st_input.dense_shape[0]))
        columns = np.arange(len(rows)) - np.asarray(made.row_splits)[rows]
        if (columns != np.asarray(st_input.indices)[:, 1]).any():
            raise UserInputError(
                "tf.RaggedTensor.from_sparse: the entries of each row must stand side by side from "
                "its first column on."
            )
        return made

    # -- what it is --

    @property
    def dtype(self) -> DType:
        """Of the values."""
        return as_dtype(np.asarray(self.flat_values).dtype)

    @property
    def flat_values(self) -> HostArray:
        """The values of all rows in one array."""
        values = self.values
        return values.flat_values if isinstance(values, RaggedTensor) else values

    @property
    def ragged_rank(self) -> int:
        """How many axes are ragged."""
        return 1 + (self.values.ragged_rank if isinstance(self.values, RaggedTensor) else 0)

    @property
    def nested_row_splits(self) -> tuple[HostArray, ...]:
        """The splits of all ragged axes, the outermost first."""
        inner = self.values.nested_row_splits if isinstance(self.values, RaggedTensor) else ()
        return (self.row_splits, *inner)

    @property
    def shape(self) -> TensorShape:
        """(rows, None, ...)"""
        return TensorShape((self._count(), None, *tuple(self.values.shape)[1:]))

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    def _count(self) -> int:
        return len(self.row_splits) - 1

    def nrows(self, out_type: DTypeLike = "int64", name: str | None = None) -> HostArray:
        """How many rows there are."""
        return host_array(np.int64(self._count()))

    def row_lengths(self, axis: int = 1, name: str | None = None) -> Any:
        """How long each row is; with `axis=2` the rows inside of each row."""
        if axis > 1:
            return RaggedTensor(self.values.row_lengths(axis - 1), self.row_splits)
        return host_array(np.diff(np.asarray(self.row_splits)))

    def nested_row_lengths(self, name: str | None = None) -> tuple[HostArray, ...]:
        """The lengths of the rows of all ragged axes, the outermost first."""
        return tuple(host_array(np.diff(np.asarray(s))) for s in self.nested_row_splits)

    def row_starts(self, name: str | None = None) -> HostArray:
        """Where each row begins."""
        return self.row_splits[:-1]

    def row_limits(self, name: str | None = None) -> HostArray:
        """Where each row ends."""
        return self.row_splits[1:]

    def value_rowids(self, name: str | None = None) -> HostArray:
        """Which row each value belongs to."""
        return host_array(np.repeat(np.arange(self._count()), self.row_lengths()))

    def bounding_shape(
        self, axis: int | None = None, name: str | None = None, out_type: Any = None
    ) -> HostArray:
        """The shape of `to_tensor()`, or its length along one axis."""
        inner = (
            self.values.bounding_shape()
            if isinstance(self.values, RaggedTensor)
            else self.values.shape
        )
        widest = int(max(np.asarray(self.row_lengths()), default=0))
        shape = np.array([self._count(), widest, *inner[1:]], np.int64)
        return host_array(shape if axis is None else shape[axis])

    # -- others from it --

    def with_values(self, new_values: Any) -> RaggedTensor:
        """Other values in the same rows."""
        return RaggedTensor(new_values, self.row_splits)

    def with_flat_values(self, new_values: Any) -> RaggedTensor:
        """Other values in the same rows of rows."""
        if isinstance(self.values, RaggedTensor):
            new_values = self.values.with_flat_values(new_values)
        return self.with_values(new_values)

    def merge_dims(self, outer_axis: int, inner_axis: int) -> Any:
        """Axes `outer_axis` to `inner_axis` as one."""
        if outer_axis == inner_axis:
            return self
        if outer_axis == 0:
            values = self.values
            if inner_axis == 1:
                return values
            if isinstance(values, RaggedTensor):
                return values.merge_dims(0, inner_axis - 1)
            return values.reshape(-1, *values.shape[inner_axis:])
        if outer_axis > 1:
            return self.with_values(self.values.merge_dims(outer_axis - 1, inner_axis - 1))
        rows = [row.merge_dims(0, inner_axis - 1) for row in self]
        return of_rows(rows, self._empty())

    def to_list(self) -> list[Any]:
        """As lists of Python."""
        return [r.to_list() if isinstance(r, RaggedTensor) else r.tolist() for r in self]

    def numpy(self) -> np.ndarray:
        """An array of the rows; a plain one where all are equally long."""
        rows = [row.numpy() for row in self]
        if rows and len({row.shape for row in rows}) == 1 and rows[0].dtype != object:
            return np.stack(rows)
        result = np.empty(len(rows), object)
        for place, row in enumerate(rows):
            result[place] = row
        return result

    def to_tensor(
        self, default_value: Any = None, name: str | None = None, shape: Shape | None = None
    ) -> HostArray:
        """One array, where shorter rows end in `default_value`.

        Args:
            default_value: None for zeros, or empty texts.
            name: not used.
            shape: lengths of the axes, None for what is needed; longer rows are cut.
        """
        flat = np.asarray(self.flat_values)
        full = self.bounding_shape().tolist()
        sizes = [*([] if shape is None else shape), *[None] * len(full)][: len(full)]
        full = [size if wanted is None else int(wanted) for size, wanted in zip(full, sizes)]
        fill = to_numpy(_zero(flat.dtype) if default_value is None else default_value)
        table = np.empty(full, flat.dtype)
        table[...] = fill if flat.dtype == object else cast_host(fill, flat.dtype)
        self._fill(table)
        return host_array(table)

    def _fill(self, table: np.ndarray) -> None:
        for place, row in zip(table, self):
            if isinstance(row, RaggedTensor):
                row._fill(place)
            else:
                part = np.asarray(row)[tuple(map(slice, place.shape))]
                place[tuple(map(slice, part.shape))] = part

    def to_sparse(self, name: str | None = None) -> SparseTensor:
        """The values with their places, as a sparse tensor."""
        rows = np.asarray(self.value_rowids())
        columns = np.arange(len(rows)) - np.asarray(self.row_splits)[rows]
        return SparseTensor(np.stack([rows, columns], 1), self.values, self.bounding_shape())

    def _empty(self) -> RaggedTensor:
        return RaggedTensor(self.values[:0], [0])

    # -- as a sequence of rows --

    def __len__(self) -> int:
        return self._count()

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(self._count()))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            return self._within_rows(key)
        if key is Ellipsis:
            return self
        if isinstance(key, slice):
            places = range(self._count())[key]
            return of_rows([self[i] for i in places], self._empty())
        place = int(key)
        if not -self._count() <= place < self._count():
            raise IndexError(f"row {place} of {self._count()} rows")
        place %= self._count()
        return self.values[int(self.row_splits[place]) : int(self.row_splits[place + 1])]

    def _within_rows(self, key: tuple[Any, ...]) -> Any:
        first, *rest = key
        if not rest:
            return self[first]
        if not isinstance(first, slice) and first is not Ellipsis:
            row = self[first]
            return row[tuple(rest)] if len(rest) > 1 else row[rest[0]]
        rows = self[first]
        inner = tuple(rest) if len(rest) > 1 else rest[0]
        parts = [row[inner] for row in rows]
        if isinstance(rest[0], slice) or rest[0] is Ellipsis:
            return of_rows(parts, self._empty())
        return stack(parts, self._empty())

    # -- arithmetic --

    def _paired(self, function: Callable[..., Any], other: Any, is_swapped: bool = False) -> Any:
        values = np.asarray(self.flat_values)
        if isinstance(other, RaggedTensor):
            _check_same_rows(self, other)
            other = np.asarray(other.flat_values)
        else:
            other = to_numpy(other, values.dtype if isinstance(other, (int, float)) else None)
            if other.ndim > 1:  # one number for each row
                other = np.repeat(other[:, 0], self.row_lengths(), axis=0)
        pair = (other, values) if is_swapped else (values, other)
        return self.with_flat_values(function(*map(host_array, pair)))

    def __neg__(self) -> RaggedTensor:
        return self.with_flat_values(-self.flat_values)

    def __abs__(self) -> RaggedTensor:
        return self.with_flat_values(abs(self.flat_values))

    def __invert__(self) -> RaggedTensor:
        return self.with_flat_values(~self.flat_values)

    __hash__ = None

    def __repr__(self) -> str:
        return f"<tf.RaggedTensor {self.to_list()}>"


def _operators() -> None:
    """Gives the class its arithmetic: each operator, and the same from the right."""

    def add(name: str, method: str, is_swapped: bool) -> None:
        function = getattr(operator, name)
        setattr(RaggedTensor, method, lambda self, o: self._paired(function, o, is_swapped))

    for name in "add sub mul truediv floordiv mod pow and_ or_ xor".split():
        short = name.rstrip("_")
        add(name, f"__{short}__", False)
        add(name, f"__r{short}__", True)
    for name in "eq ne lt le gt ge".split():
        add(name, f"__{name}__", False)


_operators()


def _length(values: Any) -> int:
    return len(values) if hasattr(values, "__len__") else int(np.shape(values)[0])


def _splits_of(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _zero(dtype: np.dtype) -> Any:
    return b"" if dtype.kind == "O" else dtype.type(0)


def _check_same_rows(first: RaggedTensor, second: RaggedTensor) -> None:
    splits = first.nested_row_splits, second.nested_row_splits
    if len(splits[0]) != len(splits[1]) or not all(map(np.array_equal, *splits)):
        raise UserInputError(
            "Ragged tensors are paired where their rows have the same lengths. Received rows of "
            f"{first.row_lengths().tolist()} and {second.row_lengths().tolist()}."
        )


def of_rows(rows: Sequence[Any], empty: RaggedTensor) -> RaggedTensor:
    """A ragged tensor of rows.

    Args:
        rows: arrays or RaggedTensors.
        empty: one without rows, for the dtype where there are none.
    """
    splits = _splits_of(np.array([_length(row) for row in rows], np.int64))
    return RaggedTensor(joined(rows) if rows else empty.values, splits)


def joined(values: Sequence[Any]) -> Any:
    """Arrays or RaggedTensors one after the other."""
    if not any(isinstance(value, RaggedTensor) for value in values):
        return host_array(np.concatenate([np.asarray(value) for value in values]))
    values = [v if isinstance(v, RaggedTensor) else RaggedTensor.from_tensor(v) for v in values]
    lengths = np.concatenate([np.asarray(value.row_lengths()) for value in values])
    return RaggedTensor(joined([value.values for value in values]), _splits_of(lengths))


def stack(parts: Sequence[Any], empty: RaggedTensor) -> Any:
    """Parts along a new first axis: an array where all have one shape."""
    if any(isinstance(part, RaggedTensor) for part in parts):
        return of_rows(parts, empty)
    arrays = [np.asarray(part) for part in parts]
    if len({array.shape for array in arrays}) == 1:
        return host_array(np.stack(arrays))
    return of_rows(arrays, empty)


def constant(
    pylist: Sequence[Any],
    dtype: DTypeLike | None = None,
    ragged_rank: int | None = None,
    inner_shape: Shape | None = None,
    name: str | None = None,
    row_splits_dtype: DTypeLike = "int64",
) -> Any:
    """A ragged tensor of nested lists.

    Args:
        pylist: lists of lists of values, in which all values stand equally deep.
        dtype: of the values; None for what `tf.constant` would take.
        ragged_rank: how many axes are ragged; None for all but the first.
        inner_shape: of what is in the innermost lists; None for what is there.
        name: not used. row_splits_dtype: not used.
    """
    if ragged_rank is None:
        depth = _depth(pylist)
        ragged_rank = max(depth - 1 - (0 if inner_shape is None else len(inner_shape)), 0)
    if ragged_rank == 0:
        values = to_numpy(list(pylist), numpy_dtype(dtype))
        if not values.size and dtype is None:
            values = values.astype(np.float32)
        return host_array(values if dtype is None else cast_host(values, numpy_dtype(dtype)))
    lengths = np.array([len(row) for row in pylist], np.int64)
    flat = [value for row in pylist for value in row]
    values = constant(flat, dtype, ragged_rank - 1, inner_shape)
    return RaggedTensor(values, _splits_of(lengths))


def _depth(values: Any) -> int:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.ndim
    if not isinstance(values, (list, tuple, np.ndarray)):
        return 0
    return 1 + max(map(_depth, values), default=0)


def of_each(parts: Sequence[Any], shape: Sequence[int], empty: RaggedTensor) -> RaggedTensor:
    """What a function gave of each element of an array, such as the words of texts.

    Args:
        parts: one row for each element, in the order of reading.
        shape: the array's.
        empty: one without rows, for the dtype where there are none.
    """
    made = of_rows(parts, empty)
    for axis in range(len(shape) - 1, 0, -1):
        splits = np.arange(int(np.prod(shape[:axis])) + 1) * shape[axis]
        made = RaggedTensor(made, splits)
    return made
