"""`tf.ragged`, and the functions of `tf` that take ragged tensors beside others."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from fkeras.compat.tensorflow import arranging, picking, reductions, strings
from fkeras.compat.tensorflow.calls import known, to_numpy
from fkeras.compat.tensorflow.dtypes import numpy_dtype
from fkeras.compat.tensorflow.ragged import RaggedTensor, constant, joined, of_rows, stack
from fkeras.compat.tensorflow.sparse import SparseTensor
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, DTypeLike, TensorLike

_COMPOSITE = (RaggedTensor, SparseTensor)
# Functions of each value: their results stand in the same rows.
_OF_EACH_VALUE = {
    "": "cast ones_like zeros_like identity one_hot saturate_cast",
    "math": (
        "abs add add_n ceil cos divide equal exp floor greater greater_equal is_nan less "
        "less_equal log log1p logical_and logical_not logical_or maximum minimum mod multiply "
        "negative not_equal pow reciprocal round rsqrt sigmoid sign sin softplus sqrt square "
        "subtract tanh truediv"
    ),
    "strings": (
        "as_string length lower regex_full_match regex_replace strip substr to_hash_bucket_fast "
        "to_hash_bucket_strong to_number upper"
    ),
}


def map_flat_values(op: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A function of the values of ragged tensors, whose rows have the same lengths; or of a sparse
    one.
    """
    found = [value for value in (*args, *kwargs.values()) if isinstance(value, _COMPOSITE)]
    if not found:
        return op(*args, **kwargs)
    flat = lambda value: value.flat_values if isinstance(value, _COMPOSITE) else value
    for other in found[1:]:
        found[0] == other  # raises where the rows differ  # noqa: B015
    values = op(*map(flat, args), **{name: flat(value) for name, value in kwargs.items()})
    return found[0].with_flat_values(values)


def _or_ragged(function: Callable[..., Any], of_ragged: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, or `of_ragged` where an argument is a ragged tensor or a list with one."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        is_ragged = _has_ragged(args) or (kwargs and _has_ragged(kwargs.values()))
        return (of_ragged if is_ragged else function)(*args, **kwargs)

    return call


def _has_ragged(values: Iterable[Any]) -> bool:
    return any(
        isinstance(value, _COMPOSITE)
        or (type(value) in (list, tuple) and any(isinstance(v, _COMPOSITE) for v in value))
        for value in values
    )


def _of_each_value(function: Callable[..., Any]) -> Callable[..., Any]:
    return _or_ragged(function, functools.partial(map_flat_values, function))


# -- functions of rows -----------------------------------------------------------------------------


def _concat(values: Sequence[Any], axis: int, name: str | None = None) -> Any:
    if axis == 0:
        return joined(values)
    values = [v if isinstance(v, RaggedTensor) else RaggedTensor.from_tensor(v) for v in values]
    if len({len(value) for value in values}) > 1:
        raise UserInputError(
            f"tf.concat along axis {axis}: the ragged tensors have different numbers of rows: "
            f"{[len(value) for value in values]}."
        )
    return of_rows([_concat(rows, axis - 1) for rows in zip(*values)], values[0]._empty())


def _stack(values: Sequence[Any], axis: int = 0, name: str | None = None) -> Any:
    if axis == 0:
        return of_rows(list(values), values[0])
    return of_rows([_stack(rows, axis - 1) for rows in zip(*values)], values[0])


def _gather(params: Any, indices: Any, axis: int | None = None, **options: Any) -> Any:
    """Rows by their numbers; or the values of an array at ragged places."""
    if isinstance(indices, RaggedTensor):
        return indices.with_flat_values(picking.gather(params, indices.flat_values))
    places = known(indices, "tf.gather").ravel().tolist()
    if not np.ndim(indices):
        return params[places[0]]
    return of_rows([params[i] for i in places], params._empty())


def _expand_dims(input: RaggedTensor, axis: int, name: str | None = None) -> Any:
    if axis == 0:
        return RaggedTensor(input, [0, len(input)])
    if axis == 1:
        return RaggedTensor(input, np.arange(len(input) + 1))
    if axis < 0:
        return input.with_flat_values(arranging.expand_dims(input.flat_values, -1))
    values = input.values
    inner = _expand_dims if isinstance(values, RaggedTensor) else arranging.expand_dims
    return input.with_values(inner(values, axis - 1))


def _size(input: RaggedTensor, out_type: DTypeLike = "int32", name: str | None = None) -> HostArray:
    return host_array(np.asarray(np.size(input.flat_values), numpy_dtype(out_type)))


def _rank(input: RaggedTensor, name: str | None = None) -> HostArray:
    return host_array(np.int32(len(input.shape)))


def _reduce(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(
        input_tensor: RaggedTensor,
        axis: Any = None,
        keepdims: bool = False,
        name: str | None = None,
        **options: Any,
    ) -> Any:
        """Of all values, or along one axis."""
        if axis is None:
            return function(input_tensor.flat_values, **options)
        axis = int(axis) % len(input_tensor.shape)
        if axis > input_tensor.ragged_rank:
            depth = axis - input_tensor.ragged_rank
            return input_tensor.with_flat_values(
                function(input_tensor.flat_values, axis=depth, keepdims=keepdims, **options)
            )
        if axis > 1:
            inner = reduce(input_tensor.values, axis - 1, keepdims, **options)
            return input_tensor.with_values(inner)
        if axis == 0:
            widest = int(input_tensor.bounding_shape(1))
            columns = [[row[i] for row in input_tensor if len(row) > i] for i in range(widest)]
            rows = [function(host_array(np.stack(c)), axis=0, **options) for c in columns]
        else:
            rows = [function(row, axis=0, **options) for row in input_tensor]
        result = host_array(np.stack([np.asarray(row) for row in rows]))
        return host_array(np.expand_dims(result, axis)) if keepdims else result

    return reduce


def _join_rows(
    inputs: RaggedTensor,
    axis: int | None = None,
    keepdims: bool = False,
    separator: str = "",
    name: str | None = None,
) -> Any:
    join = strings.NAMES["reduce_join"]
    if axis is None:
        return join(inputs.flat_values, separator=separator, keepdims=keepdims)
    return _reduce(functools.partial(join, separator=separator))(inputs, axis, keepdims)


_OF_ROWS = {
    "": {
        "concat": _concat,
        "expand_dims": _expand_dims,
        "gather": _gather,
        "rank": _rank,
        "size": _size,
        "stack": _stack,
    },
    "math": {
        name: _reduce(reductions.NAMES[name])
        for name in (
            "reduce_all reduce_any reduce_max reduce_mean reduce_min reduce_prod reduce_sum"
        ).split()
    },
    "strings": {"reduce_join": _join_rows},
}


def aware(names: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The names of a namespace, of which some take ragged tensors too.

    Args:
        names: functions by name.
        path: of the namespace: `''`, `'math'` or `'strings'`.
    """
    each = {name: _of_each_value(names[name]) for name in _OF_EACH_VALUE[path].split()}
    rows = {name: _or_ragged(names[name], of_rows) for name, of_rows in _OF_ROWS[path].items()}
    return {**names, **each, **rows}


# -- tf.ragged -------------------------------------------------------------------------------------


def boolean_mask(data: Any, mask: Any, name: str | None = None) -> Any:
    """Of each row the values for which the mask is true."""
    data, mask = (
        x if isinstance(x, RaggedTensor) else RaggedTensor.from_tensor(x) for x in (data, mask)
    )
    return of_rows(
        [
            boolean_mask(row, keep) if isinstance(keep, RaggedTensor) else row[np.asarray(keep)]
            for row, keep in zip(data, mask, strict=True)
        ],
        data._empty(),
    )


def make_range(
    starts: TensorLike,
    limits: TensorLike | None = None,
    deltas: TensorLike = 1,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    row_splits_dtype: DTypeLike = "int64",
) -> RaggedTensor:
    """Rows of numbers from `starts` to before `limits`, in steps of `deltas`."""
    if limits is None:
        starts, limits = np.zeros_like(to_numpy(starts)), starts
    arrays = np.broadcast_arrays(*map(np.atleast_1d, map(to_numpy, (starts, limits, deltas))))
    rows = [np.arange(*numbers) for numbers in zip(*arrays)]
    kind = arrays[0].dtype if dtype is None else numpy_dtype(dtype)
    return of_rows([row.astype(kind) for row in rows], RaggedTensor(np.zeros(0, kind), [0]))


def row_splits_to_segment_ids(
    splits: ArrayLike, name: str | None = None, out_type: DTypeLike = "int64"
) -> HostArray:
    """Which row each value belongs to."""
    lengths = np.diff(known(splits, "splits"))
    return host_array(np.repeat(np.arange(len(lengths)), lengths))


def _stack_ragged(values: Any, axis: int = 0, name: str | None = None) -> Any:
    values = [v if isinstance(v, RaggedTensor) else host_array(to_numpy(v)) for v in values]
    if axis == 0 and not _has_ragged(values) and np.ndim(values[0]):
        return of_rows(values, RaggedTensor(values[0][:0], [0]))
    return _stack(values, axis) if _has_ragged(values) else stack(values, values[0])


NAMES: dict[str, Any] = {
    "RaggedTensor": RaggedTensor,
    "boolean_mask": boolean_mask,
    "constant": constant,
    "map_flat_values": map_flat_values,
    "range": make_range,
    "row_splits_to_segment_ids": row_splits_to_segment_ids,
    "stack": _stack_ragged,
}
