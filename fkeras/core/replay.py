"""`Replay`: recorded operations that run once more, to be differentiated.

A loop of the user's own records the same operations at each of its steps. What has come up a few
times, with the same shapes, is compiled as one program: by then it is told by its structure, which
operation takes what from where, and its values are arguments.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from fkeras.core import jax_private

_TIMES = 3  # that a structure has come up, before it is compiled
_KEPT = 64  # structures


class Operation(NamedTuple):
    """One operation that ran: its operands, its results, and what it read beside them."""

    primitive: Any
    operands: Sequence[Any]
    params: dict[str, Any]
    results: Sequence[Any]
    hidden: Sequence[Any]


class _Step(NamedTuple):
    """An operation without its values: its operands are places in a list that grows by results."""

    primitive: Any
    params: dict[str, Any]
    operands: tuple[int, ...]
    moved_by: tuple[int | None, ...]  # for each result: the input that is added to it

    def run(self, operands: Sequence[Any]) -> Sequence[Any]:
        jax_private.forget_results(self.params)
        results = self.primitive.bind(*operands, **self.params)
        return results if self.primitive.multiple_results else [results]

    def key(self) -> Hashable:
        params = tuple(sorted(self.params.items()))
        return self.primitive, params, self.operands, self.moved_by


class Replay:
    """Operations between some values that went in and some that came out.

    Args:
        operations: in the order in which they ran; all lead from the inputs to the ends.
        inputs: the values to differentiate by. One that an operation made is moved by a
            difference, so that what lies before it counts, too.
        ends: the values to differentiate; one may stand there twice.

    Examples:
        >>> x, y = jnp.asarray(3.0), jnp.asarray(-3.0)
        >>> negate = Operation(jax.lax.neg_p, [x], {}, [y], [])
        >>> derivatives = Replay([negate], [x], [y]).pull({id(y): jnp.ones(())})
        >>> float(derivatives[id(x)])
        -1.0
    """

    def __init__(
        self, operations: Sequence[Operation], inputs: Sequence[Any], ends: Sequence[Any]
    ) -> None:
        made = {id(result) for operation in operations for result in operation.results}
        self._order = [id(value) for value in inputs]
        self._primals = [jnp.zeros_like(v) if id(v) in made else v for v in inputs]
        self._ends = list(dict.fromkeys(map(id, ends)))
        # Places: the inputs, the constants, and the results as they come.
        numbers = {i: number for number, i in enumerate(self._order)}
        places = {i: number for i, number in numbers.items() if i not in made}
        self._constants = []
        for operation in operations:
            for operand in operation.operands:
                if id(operand) not in made and id(operand) not in places:
                    places[id(operand)] = len(inputs) + len(self._constants)
                    self._constants.append(operand)
        self._steps = []
        count = len(inputs) + len(self._constants)
        for operation in operations:
            operands = tuple([places[id(x)] for x in operation.operands])
            results = [id(x) for x in operation.results]
            moved_by = tuple([numbers.get(i) for i in results])
            self._steps.append(_Step(operation.primitive, operation.params, operands, moved_by))
            for i in results:
                places[i], count = count, count + 1
        self._outputs = tuple([places[i] for i in self._ends])

    def pull(self, weights: dict[int, Any]) -> dict[int, Any]:
        """The derivatives of the sum of `weights * ends` by the inputs, both by identity."""
        differentiate = self._compiled() or _differentiation(self._steps, self._outputs)
        chosen = [weights[i] for i in self._ends]
        return dict(zip(self._order, differentiate(self._primals, self._constants, chosen)))

    def _compiled(self) -> Callable[..., Any] | None:
        """A compiled program for this structure, once it has come up a few times."""
        values = (*self._primals, *self._constants)
        if any(isinstance(value, jax.core.Tracer) for value in values):
            return None  # it is part of a program as it is
        if jax_private.innermost_trace() is not jax_private.current_trace():
            return None  # it is recorded in its turn, where a program would hide what reaches what
        if any("subfuns" in step.params for step in self._steps):
            return None  # functions that are others each time
        try:
            key = (
                tuple([step.key() for step in self._steps]),
                self._outputs,
                tuple([_kind_of(value) for value in values]),
            )
            return _programs.get(key, lambda: jax.jit(_differentiation(self._steps, self._outputs)))
        except TypeError:  # parameters that have no hash, or no order
            return None


def _kind_of(value: Any) -> Hashable:
    if isinstance(value, jax.Array):
        return value.aval, value.sharding
    return type(value), getattr(value, "shape", ()), getattr(value, "dtype", None)


def _differentiation(steps: Sequence[_Step], outputs: Sequence[int]) -> Callable[..., Any]:
    """Function (inputs, constants, weights of the ends) -> derivatives by the inputs."""

    def replay(inputs: list[Any], constants: list[Any]) -> list[Any]:
        values = [*inputs, *constants]
        for step in steps:
            results = step.run([values[place] for place in step.operands])
            values += [
                result if by is None else result + inputs[by]
                for result, by in zip(results, step.moved_by)
            ]
        return [values[place] for place in outputs]

    def differentiate(inputs: list[Any], constants: list[Any], weights: list[Any]) -> list[Any]:
        return jax.vjp(lambda inputs: replay(inputs, constants), inputs)[1](weights)[0]

    return differentiate


class _Programs:
    """The last structures, how often they came up, and their programs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: collections.OrderedDict[Hashable, int | Callable[..., Any]] = (
            collections.OrderedDict()
        )

    def get(self, key: Hashable, make: Callable[[], Callable[..., Any]]) -> Callable | None:
        """The program of a structure; None before it has come up often enough."""
        with self._lock:
            found = self._found.pop(key, 0)
            if isinstance(found, int):
                found = found + 1 if found + 1 < _TIMES else make()
            self._found[key] = found
            if len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return None if isinstance(found, int) else found


_programs = _Programs()
