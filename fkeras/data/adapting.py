"""The inputs of data of any kind, batch by batch, for layers that `adapt` to them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.data import convert, frames, sparse, streams
from fkeras.data.pipeline import INFINITE_CARDINALITY, Dataset
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.data.source import InMemory, Stream

_ROWS = 128  # of a batch that is made of a dataset's single elements


def input_batches(
    data: InMemory | Stream, caller: str, steps: int | None = None
) -> Iterator[np.ndarray]:
    """The inputs of each batch as arrays of numbers on the host.

    Args:
        data: an array, frame, column or list of numbers, which are one batch; a list of arrays, a
            generator, a `PyDataset`, a `Dataset` or a loader, which yield batches `x`, `(x, y)` or
            `(x, y, sample_weight)`. Of a `Dataset` of single samples, batches are made.
        caller: who adapts, for messages: "Normalization 'age'".
        steps: batches to take at most; None for all.

    Raises:
        UserInputError: there is no batch, no end, or what is there is not numbers.

    Examples:
        >>> import numpy as np
        >>> from fkeras.data.adapting import input_batches
        >>> pairs = [(np.ones((2, 3)), np.zeros(2)), (np.ones((1, 3)), np.zeros(1))]
        >>> [x.shape for x in input_batches(iter(pairs), "mine")]
        [(2, 3), (1, 3)]
    """
    batches = _batches(data, caller, steps)
    first = next(batches, None)
    if first is None:
        raise UserInputError(
            f"{caller}: `adapt` received an empty iterable. It needs at least one batch; a "
            "generator can be used once."
        )
    for number, batch in enumerate(itertools.chain([first], batches)):
        yield _as_array(batch, caller, None if number == 0 else number)


def is_endless(data: Any) -> bool:
    """Whether a stream says that it has no end."""
    if hasattr(data, "cardinality"):
        return int(np.asarray(data.cardinality())) == INFINITE_CARDINALITY
    is_by_index = streams.kind_of(data) == "PyDataset" and hasattr(data, "num_batches")
    return is_by_index and data.num_batches is None


def in_batches(dataset: Dataset) -> Dataset:
    """A dataset whose elements are single samples in batches; one of batches as it is.

    An element of no axes, or of one axis of known length, is a sample.
    """
    spec = dataset.element_spec
    spec = spec[0] if isinstance(spec, tuple) else spec
    while isinstance(spec, Mapping):
        spec = next(iter(spec.values()))
    shape = getattr(spec, "shape", None)
    is_sample = shape is not None and (len(shape) == 0 or len(shape) == 1 and shape[0] is not None)
    return dataset.batch(_ROWS) if is_sample else dataset


def _batches(data: Any, caller: str, steps: int | None) -> Iterator[Any]:
    """Whatever the data yield as inputs."""
    kind = streams.kind_of(data)
    if kind is None:
        yield from _in_memory(data, caller)
        return
    if steps is None and is_endless(data):
        raise UserInputError(
            f"{caller}: `adapt` received a {kind} without end. Take a part of it: "
            "`dataset.take(100)`."
        )
    if isinstance(data, Dataset):
        data = in_batches(data).as_numpy_iterator()
    elif kind == "PyDataset":
        count = data.num_batches if hasattr(data, "num_batches") else len(data)
        data = map(data.__getitem__, itertools.count() if count is None else range(count))
    for batch in itertools.islice(data, steps):
        yield batch[0] if isinstance(batch, (tuple, list)) and 1 <= len(batch) <= 3 else batch


def _in_memory(data: Any, caller: str) -> Iterator[Any]:
    if isinstance(data, (str, bytes, Mapping)) or data is None:
        hint = " Adapt a layer to one column: `layer.adapt(data['column'])`."
        raise UserTypeError(
            f"{caller}: `adapt` expected an array, a frame, a column, or batches of arrays. "
            f"Received: {type(data).__name__}.{hint if isinstance(data, Mapping) else ''}"
        )
    is_list = isinstance(data, (list, tuple))
    if is_list and all(getattr(batch, "shape", ()) for batch in data):
        yield from data
    elif is_list and all(isinstance(batch, tuple) and batch for batch in data):
        yield from (batch[0] for batch in data)
    else:
        yield data


def _as_array(batch: Any, caller: str, number: int | None) -> np.ndarray:
    name = f"{caller}: `adapt`" + ("" if number is None else f", batch {number}")
    if isinstance(batch, Mapping):
        raise UserTypeError(
            f"{name} received dicts with the keys {', '.join(map(repr, batch))}. Adapt a layer to "
            "one of them: `dataset.map(lambda row: row['column'])`."
        )
    is_array = hasattr(batch, "shape") and len(batch.shape)
    if not (is_array or isinstance(batch, (list, tuple)) or frames.is_frame(batch)):
        raise UserTypeError(
            f"{name} expected arrays, whose `.shape` counts samples first. Received: "
            f"{type(batch).__name__} {batch!r:.60}."
        )
    array = convert.host_array(batch, name)
    array = sparse.dense(batch) if sparse.is_sparse(batch) else np.asarray(array)
    if array.dtype.kind not in "biuf" and not str(array.dtype).startswith(("bfloat", "float")):
        raise UserTypeError(
            f"{name} expected numbers. Received: {array.dtype} such as {array.flat[0]!r:.60}. "
            "StringLookup and TextVectorization learn from strings."
        )
    return array
