"""What a layer adapts to, batch by batch: arrays, lists, columns, generators, datasets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fkeras.data import streams
from fkeras.errors import UserInputError

_SINGLE_VALUES = 4096  # that come one by one are taken together


def is_stream(data: Any) -> bool:
    """Whether data comes in batches, rather than at once as an array, a list or a column."""
    return streams.kind_of(data) is not None


def iterate_batches(data: Any, steps: int | None, who: str) -> Iterator[Any]:
    """The batches of a stream. Values that come one by one are put together to columns.

    Args:
        data: generator, `Dataset`, `PyDataset`, or whatever can be iterated over.
        steps: how many batches to take; None: all of them.
        who: what messages call the one who asks.

    Raises:
        UserInputError: endless data without `steps`; elements that are tuples or dicts.
    """
    kind = streams.kind_of(data)
    if steps is None and kind == "Dataset" and data.cardinality() == -1:
        raise UserInputError(
            f"{who}: `adapt` was given a dataset without an end. Say how much of it counts: "
            "`adapt(dataset, steps=...)`."
        )
    if kind == "PyDataset":
        batches = (data[i] for i in range(len(data)))
    elif kind == "tf.data.Dataset":
        batches = iter(data.as_numpy_iterator())
    else:
        batches = iter(data)
    checked = _checked(itertools.islice(batches, steps), type(data).__name__, who)
    for batch in checked:
        if not _is_single(batch):
            yield batch
            continue
        column = [batch]
        for value in itertools.islice(checked, _SINGLE_VALUES - 1):
            if not _is_single(value):
                yield value
                break
            column.append(value)
        plain = (value.item() if hasattr(value, "item") else value for value in column)
        yield np.array([[value] for value in plain], object)


def _is_single(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 0
    return isinstance(value, (str, bytes, int, float, np.generic))


def _checked(batches: Iterator[Any], kind: str, who: str) -> Iterator[Any]:
    """The same batches. Raises for what is not the inputs of one layer."""
    for batch in batches:
        if isinstance(batch, (tuple, Mapping)) and not _is_row_of_values(batch):
            what = "dicts" if isinstance(batch, Mapping) else "tuples"
            raise UserInputError(
                f"{who}: `adapt` takes the inputs of this layer alone, and the batches of this "
                f"{kind} are {what}. Leave the rest out, for example by "
                "`adapt(dataset.map(lambda x, y: x))`."
            )
        yield batch


def _is_row_of_values(batch: Any) -> bool:
    """Whether a tuple is one of plain values."""
    return isinstance(batch, tuple) and all(
        isinstance(value, (str, bytes, int, np.integer)) for value in batch
    )
