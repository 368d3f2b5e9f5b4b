"""Elements by what they are: groups of one key, buckets of lengths, each only once."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from fkeras.data.pipeline import elements, padding, tensor_spec
from fkeras.data.pipeline.batching import Given
from fkeras.data.pipeline.functions import UserFunction
from fkeras.data.pipeline.host_array import wrap
from fkeras.data.pipeline.node import UNKNOWN_CARDINALITY, Node, Run
from fkeras.errors import UserInputError


class Unique(Node):
    """Elements that did not come before."""

    label = "unique"

    def __init__(self, node: Node) -> None:
        self.inputs = (node,)

    def elements(self, run: Run) -> Iterator[Any]:
        seen = set()
        for element in self.inputs[0].open(run):
            key = tuple(_key(value) for value in elements.values_of(element))
            if key not in seen:
                seen.add(key)
                yield element

    def count(self) -> int:
        return UNKNOWN_CARDINALITY


def _key(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape, tuple(value.ravel()) if value.dtype == object else value.tobytes()
    return value


class GroupByWindow(Node):
    """Datasets made of windows of elements that have one key.

    Args:
        node: the node before.
        key: element -> whole number.
        reduce: (key, dataset of a window) -> dataset.
        size_of: key -> elements a window.
        make_dataset: node -> dataset.
    """

    label = "group_by_window"

    def __init__(
        self,
        node: Node,
        key: UserFunction,
        reduce: UserFunction,
        size_of: Callable[[Any], int],
        make_dataset: Callable[[Node], Any],
    ) -> None:
        self.inputs = (node,)
        self.key = key
        self.reduce = reduce
        self.size_of = size_of
        self.make_dataset = make_dataset

    def elements(self, run: Run) -> Iterator[Any]:
        groups: dict[int, list[Any]] = {}
        for element in self.inputs[0].open(run):
            key = int(self.key(element))
            group = groups.setdefault(key, [])
            group.append(element)
            if len(group) >= self.size_of(key):
                yield from self._reduced(key, groups.pop(key), run)
        for key, group in groups.items():
            yield from self._reduced(key, group, run)

    def _reduced(self, key: int, group: list[Any], run: Run) -> Iterator[Any]:
        window = self.make_dataset(Given(group))
        return self.reduce.node(wrap(np.int64(key)), window).open(run)

    def count(self) -> int:
        return UNKNOWN_CARDINALITY

    def spec(self) -> Any:
        return tensor_spec.spec_of(self.first())


class Buckets(Node):
    """Batches of elements of about one length.

    Args:
        node: the node before.
        length: element -> its length.
        boundaries: of the buckets, rising: a bucket holds lengths below its boundary.
        sizes: elements a batch, one for each bucket, one more than boundaries.
        shapes, values: see `padding.pad`.
        to_boundary: whether unknown lengths are padded to the longest that the bucket holds.
        drops: whether batches at the end that are smaller are left out.
        is_padded: whether values are padded at all.
    """

    label = "bucket_by_sequence_length"

    def __init__(
        self,
        node: Node,
        length: UserFunction,
        boundaries: Sequence[int],
        sizes: Sequence[int],
        shapes: Any,
        values: Any,
        to_boundary: bool,
        drops: bool,
        is_padded: bool,
    ) -> None:
        if len(sizes) != len(boundaries) + 1:
            raise UserInputError(
                "Dataset.bucket_by_sequence_length: `bucket_batch_sizes` needs one entry more than "
                f"`bucket_boundaries`. Received: {len(sizes)} and {len(boundaries)}."
            )
        self.inputs = (node,)
        self.length = length
        self.boundaries = list(boundaries)
        self.sizes = list(sizes)
        self.shapes = shapes
        self.values = values
        self.to_boundary = to_boundary
        self.drops = drops
        self.is_padded = is_padded

    def elements(self, run: Run) -> Iterator[Any]:
        groups: dict[int, list[Any]] = {}
        for element in self.inputs[0].open(run):
            length = int(self.length(element))
            bucket = bisect.bisect_right(self.boundaries, length)
            group = groups.setdefault(bucket, [])
            group.append(element)
            if len(group) >= self.sizes[bucket]:
                yield self._batch(bucket, groups.pop(bucket))
        if not self.drops:
            for bucket, group in sorted(groups.items()):
                yield self._batch(bucket, group)

    def _batch(self, bucket: int, group: list[Any]) -> Any:
        if not self.is_padded:
            return elements.transpose(group, elements.stack)
        shapes = self.shapes
        if self.to_boundary:
            if bucket == len(self.boundaries):
                raise UserInputError(
                    "Dataset.bucket_by_sequence_length: `pad_to_bucket_boundary=True`, and an "
                    f"element is as long as the last boundary {self.boundaries[-1]} or longer. Add "
                    "a boundary, or filter it out."
                )
            shapes = _filled(group[0], shapes, self.boundaries[bucket] - 1)
        return padding.pad(group, shapes, self.values)

    def count(self) -> int:
        return UNKNOWN_CARDINALITY

    def spec(self) -> Any:
        loosen = lambda one: (
            one
            and tensor_spec.TensorSpec(
                (None, *[None if self.is_padded else n for n in one.shape]), one.dtype
            )
        )
        return tensor_spec.map_specs(loosen, self.inputs[0].spec())


def _filled(element: Any, shapes: Any, length: int) -> Any:
    """Shapes with the length of a bucket where they said any length."""
    if isinstance(element, tuple):
        parts = shapes if shapes is not None else [None] * len(element)
        return tuple(_filled(e, s, length) for e, s in zip(element, parts))
    if isinstance(element, dict):
        return {k: _filled(e, shapes and shapes[k], length) for k, e in element.items()}
    if shapes is None:
        return [length] * np.ndim(element)
    return [length if n is None or n == -1 else n for n in shapes]
