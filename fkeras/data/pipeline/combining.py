"""Several datasets as one: side by side, or by turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fkeras.data.pipeline import elements
from fkeras.data.pipeline import node as nodes
from fkeras.data.pipeline.node import (
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Node,
    RandomNode,
    Run,
)
from fkeras.data.pipeline.sources import Numbers, Slices
from fkeras.errors import UserInputError, UserTypeError


class Zip(Node):
    """Elements of several datasets side by side, up to the end of the shortest.

    Args:
        structure: nested tuples and dicts of nodes.
    """

    label = "zip"

    def __init__(self, structure: Any) -> None:
        self.structure = structure
        self.inputs = tuple(elements.values_of(structure))

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        iterators = [node.open(run, skip) for node in self.inputs]
        if type(self.structure) is tuple and self.structure == self.inputs:
            return zip(*iterators)
        return map(self._filled, zip(*iterators))

    def _filled(self, values: tuple[Any, ...]) -> Any:
        rest = iter(values)
        return elements.map_values(lambda node: next(rest), self.structure)

    def count(self) -> int:
        counts = [n for n in (node.count() for node in self.inputs) if n != INFINITE_CARDINALITY]
        return nodes.combined_count(counts, min) if counts else INFINITE_CARDINALITY

    def spec(self) -> Any:
        return elements.map_values(lambda node: node.spec(), self.structure)


def zipped(structure: Any) -> Node:
    """The node for nested datasets side by side.

    Raises:
        UserInputError: there are none.
        UserTypeError: what is in there is no dataset.
    """
    found = elements.map_values(_node_of, structure)
    inputs = elements.values_of(found)
    if not inputs:
        raise UserInputError("Dataset.zip: received no dataset.")
    if all(type(node) in (Slices, Numbers) for node in inputs):
        # Rows of arrays side by side are rows of arrays.
        length = min(node.count() for node in inputs)
        cut = lambda node: elements.map_values(lambda column: column[:length], node.columns)
        return Slices(elements.map_values(cut, found))
    return Zip(found)


def _node_of(value: Any) -> Node:
    node = getattr(value, "node", None)
    if not isinstance(node, Node):
        raise UserTypeError(
            f"Dataset.zip: expected datasets, in tuples or dicts. Received: {type(value).__name__}"
        )
    return node


class Sample(RandomNode):
    """Elements of several datasets, at each turn from one that is drawn."""

    label = "sample_from_datasets"

    def __init__(
        self,
        inputs: Sequence[Node],
        weights: Any,
        seed: Any,
        stops: bool,
        begins_anew: bool = False,
    ) -> None:
        super().__init__(seed, begins_anew)
        self.inputs = tuple(inputs)
        self.stops = stops  # at the end of any of them
        count = len(self.inputs)
        weights = np.ones(count) if weights is None else np.asarray(weights, np.float64)
        if weights.shape != (count,) or weights.min() < 0 or not weights.sum():
            raise UserInputError(
                f"sample_from_datasets: `weights` needs {count} numbers of 0 or more, one for each "
                f"dataset. Received: {weights}"
            )
        self.weights = weights

    def elements(self, run: Run) -> Iterator[Any]:
        draw = self.generator(run)
        iterators = [node.open(run) for node in self.inputs]
        weights = self.weights.copy()
        while weights.sum() > 0:
            bounds = np.cumsum(weights / weights.sum())
            # `min`: rounding may leave the last bound below 1.
            chosen = min(int(np.searchsorted(bounds, draw.random(), "right")), len(bounds) - 1)
            for element in iterators[chosen]:
                yield element
                break
            else:
                if self.stops:
                    return
                weights[chosen] = 0

    def count(self) -> int:
        counts = [node.count() for node in self.inputs]
        if self.stops:
            are_endless = all(count == INFINITE_CARDINALITY for count in counts)
            return INFINITE_CARDINALITY if are_endless else UNKNOWN_CARDINALITY
        if INFINITE_CARDINALITY in counts:
            return INFINITE_CARDINALITY
        return nodes.combined_count(counts, sum)


class Choose(Node):
    """Elements of several datasets, at each turn from the one whose number comes."""

    label = "choose_from_datasets"

    def __init__(self, inputs: Sequence[Node], choices: Node, stops: bool) -> None:
        self.inputs = (*inputs, choices)
        self.stops = stops

    def elements(self, run: Run) -> Iterator[Any]:
        *iterators, choices = [node.open(run) for node in self.inputs]
        for choice in choices:
            if not 0 <= choice < len(iterators):
                raise UserInputError(
                    f"choose_from_datasets: expected numbers from 0 to {len(iterators) - 1}. "
                    f"Received: {choice}"
                )
            for element in iterators[choice]:
                yield element
                break
            else:
                if self.stops:
                    return

    def count(self) -> int:
        return UNKNOWN_CARDINALITY
