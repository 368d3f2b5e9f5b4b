"""Elements together and apart: `batch`, `padded_batch`, `unbatch`, `window`."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fkeras.data.pipeline import elements, tensor_spec
from fkeras.data.pipeline import node as nodes
from fkeras.data.pipeline.node import UNKNOWN_CARDINALITY, Node, Rows, Run
from fkeras.errors import UserInputError


class Batch(Node):
    """Several elements along a new first axis."""

    label = "batch"

    def __init__(self, node: Node, size: int, drops: bool) -> None:
        self.inputs = (node,)
        self.size = size
        self.drops = drops  # the last batch, where it is smaller

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        node = self.inputs[0]
        if node.columns is None:
            return self._stacked(node.open(run, skip * self.size))
        return self._gathered(node.columns, node.rows(run, skip * self.size))

    def _gathered(self, columns: Any, chunks: Iterator[Rows]) -> Iterator[Any]:
        for rows in nodes.cut_rows(chunks, self.size):
            if len(rows) == self.size or not self.drops:
                yield nodes.gather(columns, rows)

    def _stacked(self, items: Iterator[Any]) -> Iterator[Any]:
        while part := list(itertools.islice(items, self.size)):
            if len(part) == self.size or not self.drops:
                yield self.joined(part)

    def joined(self, part: list[Any]) -> Any:
        """One batch of several elements."""
        return elements.transpose(part, elements.stack)

    def count(self) -> int:
        length = self.inputs[0].count()
        if length < 0:
            return length
        return length // self.size if self.drops else -(-length // self.size)

    def spec(self) -> Any:
        return nodes.with_rows(self.inputs[0].spec(), self.size if self.drops else None)


class PaddedBatch(Batch):
    """Several elements of different shapes along a new first axis.

    Args:
        pad: list of elements -> batch.
    """

    label = "padded_batch"

    def __init__(self, node: Node, size: int, drops: bool, pad: Callable[[list[Any]], Any]) -> None:
        super().__init__(node, size, drops)
        self.joined = pad

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        return self._stacked(self.inputs[0].open(run, skip * self.size))


class Unbatch(Node):
    """The rows of each element, one by one."""

    label = "unbatch"

    def __init__(self, node: Node) -> None:
        self.inputs = (node,)

    def elements(self, run: Run) -> Iterator[Any]:
        for element in self.inputs[0].open(run):
            yield from nodes.iterate(element, range(_rows_of(element)))

    def count(self) -> int:
        node = self.inputs[0]
        if isinstance(node, Batch) and not node.drops:
            return node.inputs[0].count()
        return UNKNOWN_CARDINALITY if node.count() != 0 else 0

    def spec(self) -> Any:
        return tensor_spec.map_specs(lambda one: one and one.of_row(), self.inputs[0].spec())


def _rows_of(element: Any) -> int:
    lengths = {len(v) if np.ndim(v) else None for v in elements.values_of(element)}
    if len(lengths) != 1 or None in lengths:
        shapes = ", ".join(str(np.shape(v)) for v in elements.values_of(element))
        raise UserInputError(
            f"Dataset.unbatch: all values of an element need the same first length. Received "
            f"shapes {shapes}. Was the dataset batched?"
        )
    return lengths.pop()


class Window(Node):
    """Datasets of several elements each, which may overlap.

    Args:
        node: the node before.
        size: elements a window.
        shift: elements from the start of a window to that of the next.
        stride: elements from one of a window to the next.
        drops: whether windows at the end that are smaller are left out.
        make_dataset: node -> what the user is given.
    """

    label = "window"

    def __init__(
        self,
        node: Node,
        size: int,
        shift: int,
        stride: int,
        drops: bool,
        make_dataset: Callable[[Node], Any],
    ) -> None:
        self.inputs = (node,)
        self.size = size
        self.shift = shift
        self.stride = stride
        self.drops = drops
        self.make_dataset = make_dataset

    @property
    def span(self) -> int:
        """Elements from the first of a window to its last."""
        return (self.size - 1) * self.stride + 1

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        node = self.inputs[0]
        start = skip * self.shift
        if node.columns is None:
            return map(self._of_elements, self._windows(node.open(run, start)))
        return self._of_rows(node.columns, node.rows(run, start))

    def _windows(self, items: Iterator[Any]) -> Iterator[list[Any]]:
        buffer: list[Any] = []
        while True:
            buffer.extend(itertools.islice(items, max(self.span - len(buffer), 0)))
            if not buffer or self.drops and len(buffer) < self.span:
                return
            yield buffer[: self.span : self.stride]
            gone = len(buffer[: self.shift])
            del buffer[: self.shift]
            for _ in itertools.islice(items, self.shift - gone):
                pass

    def _of_rows(self, columns: Any, chunks: Iterator[Rows]) -> Iterator[Any]:
        # Where one chunk holds all, windows are parts of it; else they are put together.
        first = next(chunks, range(0))
        second = next(chunks, None)
        if second is not None:
            rows = itertools.chain((first, second), chunks)
            every = itertools.chain.from_iterable(map(nodes.as_array, rows))
            for window in self._windows(every):
                yield self._dataset_of_rows(columns, np.array(window))
            return
        for start in range(0, len(first), self.shift):
            if self.drops and len(first) - start < self.span:
                return
            yield self._dataset_of_rows(columns, first[start : start + self.span : self.stride])

    def _dataset_of_rows(self, columns: Any, rows: Rows) -> Any:
        return elements.map_values(lambda c: self.make_dataset(Listed(c, rows)), columns)

    def _of_elements(self, window: list[Any]) -> Any:
        join = lambda values, name: self.make_dataset(Given(values))
        return elements.transpose(window, join)

    def count(self) -> int:
        length = self.inputs[0].count()
        if length < 0:
            return length
        if self.drops:
            return max((length - self.span) // self.shift + 1, 0)
        return -(-length // self.shift)

    def spec(self) -> Any:
        return tensor_spec.spec_of(self.first())


class Listed(Node):
    """Certain rows of arrays."""

    label = "window"

    def __init__(self, columns: Any, rows: Rows) -> None:
        self.columns = columns
        self.listed = rows

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        if skip < len(self.listed):
            yield self.listed[skip:]

    def count(self) -> int:
        return len(self.listed)

    def spec(self) -> Any:
        return tensor_spec.map_specs(
            lambda one: one and one.of_row(), tensor_spec.spec_of(self.columns)
        )


class Given(Node):
    """Elements of a list."""

    label = "window"

    def __init__(self, listed: list[Any]) -> None:
        self.listed = listed

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        return itertools.islice(self.listed, skip, None)

    def count(self) -> int:
        return len(self.listed)

    def spec(self) -> Any:
        return tensor_spec.spec_of(self.first())
