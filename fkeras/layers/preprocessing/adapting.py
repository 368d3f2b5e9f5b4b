"""What a layer adapts to, batch by batch: arrays, lists, columns, generators, datasets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fkeras.data import streams
from fkeras.errors import UserInputError


def is_stream(data: Any) -> bool:
    """Whether data comes in batches, rather than at once as an array, a list or a column."""
    return streams.kind_of(data) is not None


def iterate_batches(data: Any, steps: int | None, who: str) -> Iterator[Any]:
    """The batches of a stream.

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
    for batch in itertools.islice(batches, steps):
        if isinstance(batch, (tuple, Mapping)) and not _is_row_of_values(batch):
            what = "dicts" if isinstance(batch, Mapping) else "tuples"
            raise UserInputError(
                f"{who}: `adapt` takes the inputs of this layer alone, and the batches of this "
                f"{type(data).__name__} are {what}. Leave the rest out, for example by "
                "`adapt(dataset.map(lambda x, y: x))`."
            )
        yield batch


def _is_row_of_values(batch: Any) -> bool:
    """Whether a tuple is one of plain values."""
    return isinstance(batch, tuple) and all(
        isinstance(value, (str, bytes, int, np.integer)) for value in batch
    )
