"""Functions that pick, place and order elements: `tf.gather`, `tf.where`, `tf.sort`, ..."""

from __future__ import annotations

from collections import namedtuple
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow.calls import (
    is_on_device,
    is_traced,
    known,
    shape_tuple,
    tensors,
    to_numpy,
)
from fkeras.compat.tensorflow.dtypes import dtype_in, numpy_dtype
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, DTypeLike, ShapeLike, Tensor, TensorLike

TopK = namedtuple("TopKV2", "values indices")
Unique = namedtuple("Unique", "y idx")
UniqueWithCounts = namedtuple("UniqueWithCounts", "y idx count")


@tensors(1)
def gather(
    xp: ModuleType,
    params: Tensor,
    indices: TensorLike,
    validate_indices: bool | None = None,
    axis: int | None = None,
    batch_dims: int = 0,
) -> Tensor:
    """The slices at the indices along an axis.

    Args:
        xp: NumPy or jax.numpy.
        params: what is taken from.
        indices: integers of any shape, which takes the place of the axis.
        validate_indices: not used.
        axis: None: the first one behind the batch.
        batch_dims: how many first axes `params` and `indices` share.
    """
    indices = xp.asarray(indices)
    batch_dims = batch_dims % max(indices.ndim, 1) if batch_dims < 0 else batch_dims
    axis = batch_dims if axis is None else int(axis) % params.ndim
    _check_range(xp, indices, params.shape[axis])
    if not batch_dims:
        return xp.take(params, indices, axis=axis)
    # The axis behind the batch, the inner indices in a row, and back.
    inner = indices.shape[batch_dims:]
    rows = xp.moveaxis(params, axis, batch_dims)
    flat = indices.reshape(*indices.shape[:batch_dims], -1)
    flat = flat.reshape(flat.shape + (1,) * (rows.ndim - batch_dims - 1))
    taken = xp.take_along_axis(rows, flat, axis=batch_dims)
    between = axis - batch_dims
    taken = taken.reshape(*rows.shape[:batch_dims], *inner, *rows.shape[batch_dims + 1 :])
    source = tuple(range(batch_dims, batch_dims + len(inner)))
    return xp.moveaxis(taken, source, tuple(i + between for i in source))


def _check_range(xp: ModuleType, indices: Tensor, length: int) -> None:
    if xp is np and indices.size and not (0 <= indices.min() and indices.max() < length):
        raise UserInputError(
            f"tf.gather: indices from {indices.min()} to {indices.max()} on an axis of length "
            f"{length}."
        )


@tensors(1)
def gather_nd(xp: ModuleType, params: Tensor, indices: TensorLike, batch_dims: int = 0) -> Tensor:
    """The elements or slices at positions, which are the last axis of `indices`."""
    indices = xp.asarray(indices)
    if not batch_dims:
        return params[tuple(xp.moveaxis(indices, -1, 0))]
    batch = indices.shape[:batch_dims]
    grid = xp.meshgrid(*(xp.arange(n) for n in batch), indexing="ij")
    extra = (1,) * (indices.ndim - 1 - batch_dims)
    grid = [g.reshape(*g.shape, *extra) for g in grid]
    return params[(*grid, *xp.moveaxis(indices, -1, 0))]


def boolean_mask(
    tensor: TensorLike, mask: TensorLike, axis: int | None = None, name: str = "boolean_mask"
) -> Tensor:
    """The elements where the mask is true, in a row.

    Raises:
        UserInputError: the mask is known only when the program runs: how many there are would not
            be known before.
    """
    mask = known(mask, "tf.boolean_mask: how many elements a mask keeps")
    axis = int(axis or 0)
    index = np.nonzero(mask)
    if not is_on_device((tensor,)):
        return host_array(to_numpy(tensor)[(*(slice(None),) * axis, *index)])
    return tensor[(*(slice(None),) * axis, *index)]


def where(
    condition: TensorLike,
    x: TensorLike | None = None,
    y: TensorLike | None = None,
    name: str | None = None,
) -> Tensor:
    """`x` where the condition is true, else `y`. Without these, the positions of what is true, one
    in each row.
    """
    if x is None and y is None:
        found = known(condition, "tf.where with one argument: how many elements are true")
        return host_array(np.argwhere(found).astype(np.int64))
    return _where(x, y, condition)


@tensors(2)
def _where(xp: ModuleType, x: Tensor, y: Tensor, condition: TensorLike) -> Tensor:
    return xp.where(xp.asarray(condition), x, y)


@tensors(1)
def cut_slice(xp: ModuleType, input_: Tensor, begin: ArrayLike, size: ArrayLike) -> Tensor:
    """A box of `size` elements from `begin` on; -1 means all that are left."""
    begin, size = known(begin, "tf.slice"), known(size, "tf.slice")
    ends = [None if n < 0 else b + n for b, n in zip(begin, size)]
    return input_[tuple(slice(b, e) for b, e in zip(begin, ends))]


@tensors(1)
def strided_slice(
    xp: ModuleType,
    input_: Tensor,
    begin: ArrayLike,
    end: ArrayLike,
    strides: ArrayLike | None = None,
) -> Tensor:
    """A box from `begin` to `end` in steps."""
    strides = [1] * len(begin) if strides is None else strides
    rows = (known(v, "tf.strided_slice").tolist() for v in (begin, end, strides))
    return input_[tuple(slice(*row) for row in zip(*rows))]


def scatter_nd(
    indices: TensorLike, updates: TensorLike, shape: ShapeLike, name: str | None = None
) -> Tensor:
    """Zeros, with the updates added at their positions."""
    return _scatter_nd(updates, indices, shape_tuple(shape))


@tensors(1)
def _scatter_nd(xp: ModuleType, updates: Tensor, indices: TensorLike, shape: ShapeLike) -> Tensor:
    return _update(xp, xp.zeros(shape, updates.dtype), indices, updates, "add")


def _scatter(kind: str):
    @tensors(1, f"tensor_scatter_nd_{kind}")
    def scatter(xp: ModuleType, tensor: Tensor, indices: TensorLike, updates: TensorLike) -> Tensor:
        return _update(xp, tensor, indices, xp.asarray(updates, tensor.dtype), kind)

    return scatter


_IN_PLACE = {"add": np.add, "sub": np.subtract, "max": np.maximum, "min": np.minimum}


def _update(
    xp: ModuleType, tensor: Tensor, indices: TensorLike, updates: Tensor, kind: str
) -> Tensor:
    at = tuple(xp.moveaxis(xp.asarray(indices), -1, 0))
    if xp is jnp:
        place = tensor.at[at]
        if kind == "sub":
            return place.add(-updates)
        return place.set(updates) if kind == "update" else getattr(place, kind)(updates)
    tensor = tensor.copy()
    if kind == "update":
        tensor[at] = updates
    else:
        _IN_PLACE[kind].at(tensor, at, updates)
    return tensor


@tensors(1)
def sort(xp: ModuleType, values: Tensor, axis: int = -1, direction: str = "ASCENDING") -> Tensor:
    """The elements of an axis in order."""
    ordered = xp.sort(values, axis=axis)
    return xp.flip(ordered, axis) if _descends(direction) else ordered


@tensors(1)
def argsort(
    xp: ModuleType,
    values: Tensor,
    axis: int = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
) -> Tensor:
    """Where the elements of an axis are, in order; equal ones as they stand."""
    if not _descends(direction):
        order = xp.argsort(values, axis=axis, stable=True)
    else:  # equal ones keep their order too: from the end, and back
        flipped = xp.argsort(xp.flip(values, axis), axis=axis, stable=True)
        order = values.shape[axis] - 1 - xp.flip(flipped, axis)
    return order.astype(np.int32)


def _descends(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise UserInputError(f"direction={direction!r}. Expected 'ASCENDING' or 'DESCENDING'.")
    return direction == "DESCENDING"


@tensors(1)
def top_k(
    xp: ModuleType,
    input: Tensor,
    k: int = 1,
    sorted: bool = True,
    index_type: DTypeLike = "int32",
) -> TopK:
    """The largest elements of the last axis and where they are, the largest first."""
    if xp is jnp:
        values, order = jax.lax.top_k(input, int(k))
        return TopK(values, order.astype(dtype_in(xp, index_type)))
    order = xp.argsort(xp.flip(input, -1), axis=-1, stable=True)
    order = input.shape[-1] - 1 - xp.flip(order, -1)[..., : int(k)]
    return TopK(xp.take_along_axis(input, order, axis=-1), order.astype(numpy_dtype(index_type)))


@tensors(2)
def in_top_k(xp: ModuleType, targets: Tensor, predictions: Tensor, k: int) -> Tensor:
    """Whether the prediction of each target is among the `k` largest of its row."""
    targets = xp.asarray(targets).astype(np.int32)
    own = xp.take_along_axis(predictions, targets[:, None], axis=-1)
    return xp.sum(predictions > own, axis=-1) < k


def unique(x: TensorLike, out_idx: DTypeLike = "int32", name: str | None = None) -> Unique:
    """The different elements in the order in which they are first seen, and which of them each
    element is.
    """
    found = unique_with_counts(x, out_idx)
    return Unique(found.y, found.idx)


def unique_with_counts(
    x: TensorLike, out_idx: DTypeLike = "int32", name: str | None = None
) -> UniqueWithCounts:
    """As `unique`, and how often each is there."""
    values = known(x, "tf.unique: how many different elements there are")
    _, first, inverse, counts = np.unique(
        values, return_index=True, return_inverse=True, return_counts=True
    )
    seen = np.argsort(first, kind="stable")
    place = np.empty_like(seen)
    place[seen] = np.arange(len(seen))
    dtype = numpy_dtype(out_idx)
    parts = values[first[seen]], place[inverse].astype(dtype), counts[seen].astype(dtype)
    return UniqueWithCounts(*map(host_array, parts))


@tensors(2)
def searchsorted(
    xp: ModuleType,
    sorted_sequence: Tensor,
    values: Tensor,
    side: str = "left",
    out_type: DTypeLike = "int32",
) -> Tensor:
    """Where the values would stand in an ordered last axis."""
    if sorted_sequence.ndim == 1:
        found = xp.searchsorted(sorted_sequence, values, side=side)
    else:
        rows = sorted_sequence.reshape(-1, sorted_sequence.shape[-1])
        wanted = values.reshape(rows.shape[0], -1)
        found = xp.stack([xp.searchsorted(r, w, side=side) for r, w in zip(rows, wanted)])
        found = found.reshape(values.shape)
    return found.astype(dtype_in(xp, out_type))


def dynamic_partition(
    data: TensorLike, partitions: ArrayLike, num_partitions: int, name: str | None = None
) -> list[Tensor]:
    """The rows by the number of their part."""
    parts = known(partitions, "tf.dynamic_partition")
    return [boolean_mask(data, parts == i) for i in range(num_partitions)]


def bincount(
    arr: TensorLike,
    weights: TensorLike | None = None,
    minlength: int | None = None,
    maxlength: int | None = None,
    dtype: DTypeLike = "int32",
    name: str | None = None,
    axis: int | None = None,
    binary_output: bool = False,
) -> HostArray:
    """How often each number from 0 on is there, or the sum of its weights."""
    values = known(arr, "tf.math.bincount").ravel()
    weights = None if weights is None else known(weights, "tf.math.bincount").ravel()
    counts = np.bincount(values, weights, minlength or 0)[:maxlength]
    if binary_output:
        counts = counts > 0
    return host_array(counts.astype(numpy_dtype(dtype) if weights is None else weights.dtype))


def histogram_fixed_width(
    values: TensorLike,
    value_range: ArrayLike,
    nbins: int = 100,
    dtype: DTypeLike = "int32",
    name: str | None = None,
) -> HostArray:
    """How many values are in each of equal bins; those outside count at the ends."""
    low, high = known(value_range, "tf.histogram_fixed_width").tolist()
    scaled = (known(values, "tf.histogram_fixed_width").ravel() - low) / (high - low)
    places = np.clip(np.floor(scaled * nbins), 0, nbins - 1).astype(int)
    return host_array(np.bincount(places, minlength=nbins).astype(numpy_dtype(dtype)))


def confusion_matrix(
    labels: TensorLike,
    predictions: TensorLike,
    num_classes: int | None = None,
    weights: TensorLike | None = None,
    dtype: DTypeLike = "int32",
    name: str | None = None,
) -> Tensor:
    """How often each class (row) was predicted as each (column)."""
    if num_classes is None:
        both = [
            known(v, "tf.math.confusion_matrix without num_classes") for v in (labels, predictions)
        ]
        num_classes = int(max(v.max() for v in both)) + 1
    return _confusion_matrix(labels, predictions, int(num_classes), weights, dtype)


@tensors(2)
def _confusion_matrix(
    xp: ModuleType,
    labels: Tensor,
    predictions: Tensor,
    count: int,
    weights: TensorLike | None,
    dtype: DTypeLike,
) -> Tensor:
    dtype = dtype_in(xp, dtype)
    labels, predictions = labels.reshape(-1), predictions.reshape(-1)
    added = xp.ones(labels.shape, dtype) if weights is None else xp.asarray(weights).astype(dtype)
    at = xp.stack([labels.astype(np.int32), predictions.astype(np.int32)], -1)
    return _update(xp, xp.zeros((count, count), dtype), at, added.reshape(-1), "add")


def is_tensor(x: Any) -> bool:
    """Whether it is a tensor of any kind, or a Variable."""
    return isinstance(x, HostArray) or is_on_device((x,)) and not isinstance(x, (list, dict, tuple))


def is_symbolic_tensor(x: Any) -> bool:
    """Whether its value is known only when the program runs."""
    return is_traced(x)


NAMES = {
    "argsort": argsort,
    "boolean_mask": boolean_mask,
    "dynamic_partition": dynamic_partition,
    "gather": gather,
    "gather_nd": gather_nd,
    "histogram_fixed_width": histogram_fixed_width,
    "is_symbolic_tensor": is_symbolic_tensor,
    "is_tensor": is_tensor,
    "scatter_nd": scatter_nd,
    "searchsorted": searchsorted,
    "slice": cut_slice,
    "sort": sort,
    "strided_slice": strided_slice,
    **{
        f"tensor_scatter_nd_{kind}": _scatter(kind)
        for kind in ("add", "max", "min", "sub", "update")
    },
    "unique": unique,
    "unique_with_counts": unique_with_counts,
    "where": where,
}
IN_MATH = {
    "bincount": bincount,
    "confusion_matrix": confusion_matrix,
    "in_top_k": in_top_k,
    "top_k": top_k,
}
