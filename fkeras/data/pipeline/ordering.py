"""Which elements come, in which order and how often: none is changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from fkeras.data import ahead
from fkeras.data.pipeline import node as nodes
from fkeras.data.pipeline import tensor_spec
from fkeras.data.pipeline.node import (
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Node,
    RandomNode,
    Rows,
    Run,
)
from fkeras.errors import UserInputError

_DRAWS = 1024  # numbers that are drawn at once
_CHUNK = 4096  # rows that are put in order at once
_PREFETCHED = 2  # elements that AUTOTUNE reads ahead


class Shuffle(RandomNode):
    """Elements drawn from a buffer that the next ones fill."""

    label = "shuffle"

    def __init__(self, node: Node, size: int, seed: Any, begins_anew: bool) -> None:
        super().__init__(seed, begins_anew)
        self.inputs = (node,)
        self.size = size
        self.columns = node.columns

    def elements(self, run: Run) -> Iterator[Any]:
        draw = self.generator(run)
        return _drawn(self.inputs[0].open(run), self.size, draw)

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        draw = self.generator(run)
        chunks = self.inputs[0].rows(run)
        if 0 <= self.inputs[0].count() <= self.size:
            every = [nodes.as_array(rows) for rows in chunks]
            if every:
                rows = every[0] if len(every) == 1 else np.concatenate(every)
                yield rows[draw.permutation(len(rows))][skip:]
            return
        drawn = _drawn(itertools.chain.from_iterable(map(_listed, chunks)), self.size, draw)
        # Always in these chunks: how far ahead is read decides how many passes of a `repeat` begin.
        listed = iter(lambda: list(itertools.islice(drawn, _CHUNK)), [])
        yield from nodes.skip_rows(map(np.array, listed), skip)


def _listed(rows: Rows) -> Iterable[int]:
    return rows if isinstance(rows, range) else rows.tolist()


def _drawn(items: Iterator[Any], size: int, draw: np.random.Generator) -> Iterator[Any]:
    """Items by way of a buffer of `size`: each time one of them goes out, the next comes in."""
    buffer = list(itertools.islice(items, size))
    if len(buffer) == size:
        for block in iter(lambda: list(itertools.islice(items, _DRAWS)), []):
            places = draw.integers(0, size, _DRAWS).tolist()
            for item, place in zip(block, places):
                yield buffer[place]
                buffer[place] = item
    for place in draw.permutation(len(buffer)).tolist():
        yield buffer[place]


class Repeat(Node):
    """Pass after pass. `times` is None for no end."""

    label = "repeat"

    def __init__(self, node: Node, times: int | None) -> None:
        self.inputs = (node,)
        self.times = times
        self.columns = node.columns

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        return self._passes(run, skip, self.inputs[0].open)

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        return self._passes(run, skip, self.inputs[0].rows)

    def _passes(self, run: Run, skip: int, begin: Any) -> Iterator[Any]:
        node = self.inputs[0]
        length = node.count()
        if length == UNKNOWN_CARDINALITY and skip:
            return itertools.islice(self._each(run, 0, 0, begin), skip, None)
        gone = skip // length if length > 0 else 0
        return self._each(run, gone, skip - gone * max(length, 0), begin)

    def _each(self, run: Run, gone: int, skip: int, begin: Any) -> Iterator[Any]:
        for _ in range(gone):
            self.inputs[0].skip_pass(run)
        for number in itertools.count(gone):
            if self.times is not None and number >= self.times:
                return
            is_empty = True
            for item in begin(run, skip):
                is_empty = False
                yield item
            if is_empty and not skip:
                return
            skip = 0

    def count(self) -> int:
        length = self.inputs[0].count()
        if self.times == 0 or length == 0:
            return 0
        if self.times is None:
            return INFINITE_CARDINALITY
        return length * self.times if length > 0 else length

    def skip_pass(self, run: Run) -> None:
        for _ in range(self.times or 0):
            super().skip_pass(run)


class Take(Node):
    """The first elements."""

    label = "take"

    def __init__(self, node: Node, number: int) -> None:
        self.inputs = (node,)
        self.number = number
        self.columns = node.columns

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        rest = max(self.number - skip, 0)
        return itertools.islice(self.inputs[0].open(run, skip), rest)

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        return nodes.take_rows(self.inputs[0].rows(run, skip), self.number - skip)

    def count(self) -> int:
        length = self.inputs[0].count()
        if length == UNKNOWN_CARDINALITY:
            return length
        return self.number if length == INFINITE_CARDINALITY else min(length, self.number)


class Counted(Node):
    """All elements, of which somebody said how many there are."""

    label = "assert_cardinality"

    def __init__(self, node: Node, count: int) -> None:
        self.inputs = (node,)
        self._count = count

    def elements(self, run: Run) -> Iterator[Any]:
        if self._count == INFINITE_CARDINALITY:
            yield from self.inputs[0].open(run)
        number = 0
        for element in self.inputs[0].open(run):
            number += 1
            if number > self._count:
                break
            yield element
        if number != self._count:
            more = "more" if number > self._count else f"only {number}"
            raise UserInputError(
                f"assert_cardinality({self._count}): the dataset {self.inputs[0].describe()} has "
                f"{more} elements."
            )

    def count(self) -> int:
        return self._count


class Skip(Node):
    """All but the first elements."""

    label = "skip"

    def __init__(self, node: Node, number: int) -> None:
        self.inputs = (node,)
        self.number = number
        self.columns = node.columns

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        return self.inputs[0].open(run, skip + self.number)

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        return self.inputs[0].rows(run, skip + self.number)

    def count(self) -> int:
        length = self.inputs[0].count()
        return max(length - self.number, 0) if length >= 0 else length


class Shard(Node):
    """Every `number`th element, from the one at `index` on."""

    label = "shard"

    def __init__(self, node: Node, number: int, index: int) -> None:
        self.inputs = (node,)
        self.number = number
        self.index = index
        self.columns = node.columns

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        start = skip * self.number
        return itertools.islice(self.inputs[0].open(run, start), self.index, None, self.number)

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        place = 0
        for rows in self.inputs[0].rows(run, skip * self.number):
            part = rows[(self.index - place) % self.number :: self.number]
            if len(part):
                yield part
            place += len(rows)

    def count(self) -> int:
        length = self.inputs[0].count()
        return len(range(self.index, length, self.number)) if length >= 0 else length


class Concatenate(Node):
    """The elements of one dataset, then those of another."""

    label = "concatenate"

    def __init__(self, first: Node, second: Node) -> None:
        self.inputs = (first, second)

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        first, second = self.inputs
        length = first.count()
        if length == UNKNOWN_CARDINALITY:
            return itertools.islice(self._both(run), skip, None)
        if 0 <= length <= skip:
            first.skip_pass(run)
            return second.open(run, skip - length)
        return self._both(run, skip)

    def _both(self, run: Run, skip: int = 0) -> Iterator[Any]:
        first, second = self.inputs
        yield from first.open(run, skip)
        yield from second.open(run)

    def count(self) -> int:
        counts = [node.count() for node in self.inputs]
        is_endless = INFINITE_CARDINALITY in counts
        return INFINITE_CARDINALITY if is_endless else nodes.combined_count(counts, sum)


class Enumerate(Node):
    """Pairs of a number and an element."""

    label = "enumerate"

    def __init__(self, node: Node, start: int) -> None:
        self.inputs = (node,)
        self.start = start

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        elements = self.inputs[0].open(run, skip)
        return ((np.int64(i), e) for i, e in enumerate(elements, self.start + skip))

    def spec(self) -> Any:
        return tensor_spec.TensorSpec((), "int64"), self.inputs[0].spec()


class Prefetch(Node):
    """Elements made ahead on a thread, where making them takes long."""

    label = "prefetch"

    def __init__(self, node: Node, depth: int) -> None:
        self.inputs = (node,)
        self.depth = _PREFETCHED if depth == nodes.AUTOTUNE else depth
        self.columns = node.columns

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        elements = self.inputs[0].open(run, skip)
        # Rows are made in no time.
        is_quick = self.columns is not None or not self.depth
        return elements if is_quick else ahead.ahead_if_slow(elements, self.depth)

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        return self.inputs[0].rows(run, skip)


class Cache(Node):
    """The elements of the first whole pass, in memory."""

    label = "cache"

    def __init__(self, node: Node) -> None:
        self.inputs = (node,)
        self.columns = node.columns
        self._kept: list[Any] | None = None  # elements, or chunks of rows

    def elements(self, run: Run) -> Iterator[Any]:
        return self._once(self.inputs[0].open, run)

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        return nodes.skip_rows(self._once(self.inputs[0].rows, run), skip)

    def _once(self, begin: Any, run: Run) -> Iterator[Any]:
        if self._kept is not None:
            yield from self._kept
            return
        kept = []
        for item in begin(run):
            kept.append(item)
            yield item
        self._kept = kept  # only a whole pass counts

    def skip_pass(self, run: Run) -> None:
        """What is cached draws nothing again."""
        if self._kept is None:
            super().skip_pass(run)
