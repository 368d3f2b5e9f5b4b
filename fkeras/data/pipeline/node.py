"""`Node`: one step of a pipeline; `Run`: one pass over it, from the order of its draws.

Most nodes are generators over the elements of the node before. Some know more: their elements are
*rows* of arrays in memory, in some order. Those pass on orders instead of elements, so that a batch
is cut out of the arrays at once, and no Python runs for each element.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from fkeras.core.randomness import process_generator
from fkeras.data.pipeline import elements, tensor_spec
from fkeras.errors import UserInputError, UserTypeError

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2

# Indices of rows: in steps of one, of which arrays have views, or any.
Rows: TypeAlias = range | np.ndarray


class Run:
    """One pass over a pipeline: how often each of its random nodes began before.

    What a random node draws is a function of (its seed, how often it began), so that a pass can be
    made again from two numbers a node.

    Args:
        starts: how often, where that is known; else as often as by now.
        is_trial: whether the pass is a look at the first element only, which changes no order.
    """

    def __init__(
        self, starts: Mapping[RandomNode, int] | None = None, is_trial: bool = False
    ) -> None:
        self.starts: dict[RandomNode, int] = dict(starts or {})
        self._counts: dict[RandomNode, int] = dict(self.starts)
        self._is_trial = is_trial

    def begin(self, node: RandomNode) -> int:
        """How often a random node began before; it begins now."""
        count = self._counts.get(node, node.passes)
        self.starts.setdefault(node, count)
        self._counts[node] = count + 1
        if not self._is_trial:
            node.passes = max(node.passes, count + 1)
        return count


class Node:
    """One step of a pipeline.

    Attributes:
        label: what `repr` of a dataset shows.
        inputs: the nodes before.
        columns: arrays in the structure of an element, of which the elements are rows; None where
            the elements are made one by one.
    """

    label: ClassVar[str] = ""
    inputs: tuple[Node, ...] = ()
    columns: Any = None

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        """The elements of a pass, behind the first `skip`."""
        if self.columns is not None:
            return self._elements_of_rows(run, skip)
        return itertools.islice(self.elements(run), skip, None)

    def elements(self, run: Run) -> Iterator[Any]:
        """All elements of a pass. A node defines this, or `open`, or `columns` and `rows`."""
        return self.open(run)

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        """Where there are `columns`: the rows of a pass in order, behind the first `skip`."""
        raise UserTypeError(f"{self.label} has no rows.")

    def count(self) -> int:
        """How many elements there are; `INFINITE_CARDINALITY` or `UNKNOWN_CARDINALITY`."""
        return self.inputs[0].count()

    def spec(self) -> Any:
        """`TensorSpec`s in the structure of an element."""
        return self.inputs[0].spec()

    def first(self) -> Any:
        """The first element, by a pass that leaves all orders as they are.

        Raises:
            UserInputError: there is none.
        """
        for element in self.open(Run(is_trial=True)):
            return element
        raise UserInputError(f"{self.describe()} has no element, so that its spec is not known.")

    def skip_pass(self, run: Run) -> None:
        """Lets a whole pass go by."""
        for node in self.inputs:
            node.skip_pass(run)

    def walk(self) -> Iterator[Node]:
        """This node and all before it, each once."""
        seen: dict[Node, None] = {}
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen[node] = None
                waiting.extend(node.inputs)
        return iter(seen)

    def describe(self) -> str:
        """The steps so far: `from_tensor_slices.shuffle.batch`."""
        before = ".".join(node.describe() for node in self.inputs[:1])
        return f"{before}.{self.label}" if before else self.label

    def _elements_of_rows(self, run: Run, skip: int) -> Iterator[Any]:
        for rows in self.rows(run, skip):
            yield from iterate(self.columns, rows)


class RandomNode(Node):
    """A node that draws.

    Args:
        seed: what the user gave: None for a seed from the process's generator.
        begins_anew: whether each pass draws other numbers.
    """

    def __init__(self, seed: Any, begins_anew: bool = True) -> None:
        self.seed: int = process_generator.make_default_seed() if seed is None else as_int(seed)
        self.begins_anew = begins_anew
        self.passes = 0

    def generator(self, run: Run) -> np.random.Generator:
        """The random numbers of the pass that begins now."""
        count = run.begin(self)
        # PCG64 by name: the default generator of NumPy may change, an order may not.
        entropy = [self.seed % 2**64, count if self.begins_anew else 0]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))

    def skip_pass(self, run: Run) -> None:
        super().skip_pass(run)
        run.begin(self)


def iterate(columns: Any, rows: Rows) -> Iterator[Any]:
    """The elements that are these rows of columns, one by one."""
    if isinstance(rows, range):
        part = slice_of(rows)
        cut = elements.map_values(lambda column: column[part], columns)
        return _transposed(cut, len(rows))
    pick = _picker(columns)
    return map(pick, rows.tolist())


def _transposed(columns: Any, count: int) -> Iterator[Any]:
    if isinstance(columns, np.ndarray):
        return iter(columns)
    if type(columns) is tuple and all(isinstance(c, np.ndarray) for c in columns):
        return zip(*columns)
    pick = _picker(columns)
    return map(pick, range(count))


def _picker(columns: Any) -> Callable[[int], Any]:
    if isinstance(columns, np.ndarray):
        return columns.__getitem__
    if type(columns) is tuple and all(isinstance(c, np.ndarray) for c in columns):
        getters = [c.__getitem__ for c in columns]
        return lambda i: tuple([get(i) for get in getters])
    return lambda i: elements.map_values(operator.itemgetter(i), columns)


def gather(columns: Any, rows: Rows) -> Any:
    """Rows of columns as one batch: views where they lie in order, else copies."""
    if isinstance(rows, range):
        part = slice_of(rows)
        return elements.map_values(lambda column: column[part], columns)
    return elements.map_values(lambda column: _take(column, rows), columns)


def _take(column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    # `take` is faster, but copies the whole of an array that has gaps.
    return column.take(rows, axis=0) if column.flags.c_contiguous else column[rows]


def slice_of(rows: range) -> slice:
    """The same rows as a slice."""
    return slice(rows.start, rows.stop, rows.step)


def as_array(rows: Rows) -> np.ndarray:
    """Indices as an array."""
    return np.arange(rows.start, rows.stop, rows.step) if isinstance(rows, range) else rows


def skip_rows(chunks: Iterator[Rows], skip: int) -> Iterator[Rows]:
    """Chunks of indices, without the first `skip` indices."""
    for rows in chunks:
        if skip >= len(rows):
            skip -= len(rows)
            continue
        yield rows[skip:] if skip else rows
        skip = 0


def take_rows(chunks: Iterator[Rows], count: int) -> Iterator[Rows]:
    """Chunks of indices, up to `count` indices."""
    for rows in chunks:
        if count <= 0:
            return
        yield rows[:count]
        count -= len(rows)


def cut_rows(chunks: Iterator[Rows], size: int) -> Iterator[Rows]:
    """The same indices in chunks of `size`; the last may be smaller."""
    waiting: list[Rows] = []  # fewer than `size` together
    count = 0
    for rows in chunks:
        start = 0
        while count + len(rows) - start >= size:
            stop = start + size - count
            waiting.append(rows[start:stop])
            yield _joined(waiting)
            waiting, count, start = [], 0, stop
        if start < len(rows):
            waiting.append(rows[start:])
            count += len(rows) - start
    if waiting:
        yield _joined(waiting)


def _joined(chunks: list[Rows]) -> Rows:
    if len(chunks) == 1:
        return chunks[0]
    return np.concatenate([as_array(rows) for rows in chunks])


def as_int(value: Any) -> int:
    """A whole number from an int, a NumPy scalar or an array without axes."""
    return operator.index(value.item() if isinstance(value, np.ndarray) else value)


def checked_int(value: Any, name: str, least: int, also: tuple[Any, ...] = ()) -> int:
    """An argument that must be a whole number of at least `least`, or one of `also`.

    Args:
        value: what the user passed.
        name: for messages, such as `'Dataset.batch: `batch_size`'`.
        least: the smallest.
        also: other values that are allowed.
    """
    if value in also:
        return value
    try:
        number = as_int(value)
    except (TypeError, ValueError):
        number = None
    if number is None or isinstance(value, bool):
        raise UserTypeError(f"{name} must be an integer. Received: {value!r}")
    if number < least:
        raise UserInputError(f"{name} must be {least} or more. Received: {number}")
    return number


def combined_count(counts: list[int], combine: Callable[[list[int]], int]) -> int:
    """The number of elements where any part may be endless or unknown."""
    if UNKNOWN_CARDINALITY in counts:
        return UNKNOWN_CARDINALITY
    if INFINITE_CARDINALITY in counts:
        return INFINITE_CARDINALITY
    return combine(counts)


def with_rows(spec: Any, rows: int | None) -> Any:
    """The specs of a batch of elements."""
    return tensor_spec.map_specs(lambda one: one and one.with_rows(rows), spec)
