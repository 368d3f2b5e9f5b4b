"""Users' functions on elements: `map`, `filter`, `flat_map` and their kin."""

from __future__ import annotations

import inspect
import itertools
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fkeras.core import scoped
from fkeras.core.randomness import element_draws
from fkeras.core.randomness.element_draws import ElementDraws
from fkeras.data import ahead
from fkeras.data.pipeline import elements, tensor_spec
from fkeras.data.pipeline.host_array import wrap
from fkeras.data.pipeline.node import AUTOTUNE, UNKNOWN_CARDINALITY, Node, RandomNode, Run
from fkeras.errors import UserInputError, UserTypeError

_TRIAL = 3  # elements that are made without threads first, where it is ours to decide
_SLOW = 2e-4  # seconds an element, from which on threads pay


class UserFunction:
    """A user's function of an element: a tuple is passed as several arguments.

    Args:
        function: what the user passed.
        title: the method that it was passed to, for messages.
    """

    def __init__(self, function: Callable[..., Any], title: str) -> None:
        if not callable(function):
            raise UserTypeError(f"Dataset.{title}: expected a function. Received: {function!r}")
        self.function = function
        self.title = title

    def __call__(self, element: Any) -> Any:
        """The result, as the function returned it."""
        arguments = wrap(element) if type(element) is tuple else (wrap(element),)
        return self.call(*arguments)

    def call(self, *arguments: Any) -> Any:
        """The same of arguments that are what the function shall see."""
        try:
            return self.function(*arguments)
        except TypeError:
            self._explain(arguments)
            raise

    def element(self, element: Any) -> Any:
        """The result as an element."""
        result = self(element)
        if result is None:
            raise UserInputError(
                f"Dataset.{self.title}: the function {self.name} returned None. Does it lack a "
                "`return`?"
            )
        if type(result) is list:  # `return [x, y]`: a list inside of it is one value
            result = tuple(result)
        return elements.unwrap(result, f"Dataset.{self.title}: the result of {self.name}")

    def is_true(self, element: Any) -> bool:
        """The result as a condition."""
        return bool(np.asarray(self(element)).all())

    def node(self, *arguments: Any) -> Node:
        """The result's node, where it must be a dataset."""
        result = self.call(*arguments)
        node = getattr(result, "node", None)
        if not isinstance(node, Node):
            raise UserTypeError(
                f"Dataset.{self.title}: the function {self.name} must return a Dataset. Received: "
                f"{type(result).__name__}. `map` is for functions that return values."
            )
        return node

    @property
    def name(self) -> str:
        """For messages."""
        return repr(getattr(self.function, "__name__", type(self.function).__name__))

    def _explain(self, arguments: tuple[Any, ...]) -> None:
        """A clearer error where the function does not take so many arguments."""
        try:
            inspect.signature(self.function).bind(*arguments)
        except TypeError as error:
            count = len(arguments)
            what = "one value" if count == 1 else f"a tuple of {count}, passed as {count} arguments"
            raise UserTypeError(
                f"Dataset.{self.title}: the function {self.name} does not take what the dataset "
                f"yields ({what}): {error}."
            ) from None
        except ValueError:  # no signature is known
            pass


class Map(RandomNode):
    """Each element's result, computed by threads where the user wants it. What generators of seeds
    draw in the function follows from the pass and the element.
    """

    label = "map"

    def __init__(self, node: Node, function: UserFunction, parallel: int | None) -> None:
        super().__init__(seed=0)  # the generators have seeds
        self.inputs = (node,)
        self.function = function
        self.parallel = parallel

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        number = run.begin(self)
        items = enumerate(self.inputs[0].open(run, skip), start=skip)

        def element(item: tuple[int, Any]) -> Any:
            place, value = item
            with element_draws.drawing(ElementDraws(number, place)):
                return self.function.element(value)

        if self.parallel is None or self.parallel == 1:
            return map(element, items)
        if self.parallel != AUTOTUNE:
            return in_threads(element, items, self.parallel)
        return in_threads_if_slow(element, items)

    def spec(self) -> Any:
        first = self.inputs[0].first()
        with element_draws.drawing(ElementDraws(0, 0)):
            spec = tensor_spec.spec_of(self.function.element(first))
        return tensor_spec.of_any_rows(spec, _unknown_rows(self.inputs[0].spec(), first))


def _unknown_rows(spec: Any, element: Any) -> int | None:
    """The rows of a batch whose spec says that they may be any number."""
    specs = elements.values_of(spec)
    values = elements.values_of(element)
    if specs and all(getattr(s, "shape", None) and s.shape[0] is None for s in specs):
        return len(values[0])
    return None


def in_threads(function: Callable[[Any], Any], items: Iterator[Any], workers: int) -> Iterator[Any]:
    """`function(item)` of each item in order, by several threads that see this thread's scopes."""
    taken = scoped.snapshot()
    return ahead.ordered_map(lambda item: taken.run(function, item), items, workers, 2 * workers)


def in_threads_if_slow(function: Callable[[Any], Any], items: Iterator[Any]) -> Iterator[Any]:
    """The same, where an item takes so long that threads pay."""
    fastest = float("inf")  # of the first: any one may have waited for a busy machine
    for item in itertools.islice(items, _TRIAL):
        start = time.perf_counter()
        result = function(item)
        fastest = min(fastest, time.perf_counter() - start)
        yield result
    if fastest < _SLOW:
        yield from map(function, items)
    else:
        yield from in_threads(function, items, max(os.cpu_count() or 1, 2))


class Filter(Node):
    """The elements that a function says yes to; up to the first no, where that ends them."""

    label = "filter"

    def __init__(self, node: Node, function: UserFunction, until: bool = False) -> None:
        self.inputs = (node,)
        self.function = function
        self.until = until

    def elements(self, run: Run) -> Iterator[Any]:
        choose = itertools.takewhile if self.until else filter
        return iter(choose(self.function.is_true, self.inputs[0].open(run)))

    def count(self) -> int:
        return UNKNOWN_CARDINALITY


class FlatMap(Node):
    """The elements of one dataset after the other, made from each element."""

    label = "flat_map"

    def __init__(self, node: Node, function: UserFunction) -> None:
        self.inputs = (node,)
        self.function = function

    def elements(self, run: Run) -> Iterator[Any]:
        for element in self.inputs[0].open(run):
            yield from opened(self.function, element).open(run)

    def count(self) -> int:
        return UNKNOWN_CARDINALITY

    def spec(self) -> Any:
        return opened(self.function, self.inputs[0].first()).spec()


def opened(function: UserFunction, element: Any) -> Node:
    """The node of the dataset that a function makes from an element."""
    arguments = wrap(element) if type(element) is tuple else (wrap(element),)
    return function.node(*arguments)


class Interleave(FlatMap):
    """Like `FlatMap`, with several datasets open at once, a few elements of each in turn."""

    label = "interleave"

    def __init__(self, node: Node, function: UserFunction, cycle: int, block: int) -> None:
        super().__init__(node, function)
        self.cycle = cycle
        self.block = block

    def elements(self, run: Run) -> Iterator[Any]:
        coming = (opened(self.function, e).open(run) for e in self.inputs[0].open(run))
        places: list[Iterator[Any] | None] = [None] * self.cycle
        is_over = False
        while True:
            for place in range(self.cycle):
                # A place that is empty takes the next dataset, at its own turn.
                if places[place] is None and not is_over:
                    places[place] = next(coming, None)
                    is_over = places[place] is None
                current = places[place]
                if current is None:
                    continue
                block = list(itertools.islice(current, self.block))
                yield from block
                if len(block) < self.block:
                    places[place] = None
            if is_over and not any(places):
                return


class Scan(Node):
    """Results of a function that carries a state from element to element."""

    label = "scan"

    def __init__(self, node: Node, state: Any, function: UserFunction) -> None:
        self.inputs = (node,)
        self.state = elements.unwrap(state, "Dataset.scan: `initial_state`")
        self.function = function

    def elements(self, run: Run) -> Iterator[Any]:
        state = self.state
        for element in self.inputs[0].open(run):
            result = self.function.call(wrap(state), wrap(element))
            if not isinstance(result, tuple) or len(result) != 2:
                raise UserInputError(
                    "Dataset.scan: the function must return a tuple (new_state, result). Received: "
                    f"{result!r}"
                )
            state, output = elements.unwrap(result, "Dataset.scan: the result")
            yield output

    def spec(self) -> Any:
        return tensor_spec.spec_of(self.first())


def reduce(node: Node, state: Any, function: UserFunction) -> Any:
    """The last state of a function that takes the state and each element."""
    state = elements.unwrap(state, "Dataset.reduce: `initial_state`")
    for element in node.open(Run()):
        result = function.call(wrap(state), wrap(element))
        state = elements.unwrap(result, "Dataset.reduce: the result")
    return wrap(state)
