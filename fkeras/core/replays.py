"""A part of a `Recording` as a program: run again under `jax.vjp`, and compiled once it pays.

A training loop of one's own makes the same record at each step, on other values. The values are
therefore kept apart from what was done with them: operations name *slots*. Two records of the same
operations between the same slots are one program. The first runs of it go operation by operation;
when they took as long as compiling would, it is compiled.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Container, Hashable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from fkeras.core import jax_private

if TYPE_CHECKING:
    from fkeras.core.recording import Operation


class Step(NamedTuple):
    """One operation: the slots that it reads, and those of results that are moved."""

    primitive: Any
    params: dict[str, Any]
    operands: tuple[int, ...]
    moved: tuple[int | None, ...]  # for each result the slot of what is added to it


class Program:
    """Operations between slots: primals, constants, numbers, then each result in turn.

    Args:
        operations: in the order in which they ran.
        primals: the values by which the derivative is taken, by identity. What an operation made
            is moved by the primal, so that what lies before it counts, too.
        made: identities of the results of the operations.
        ends: identities of the targets.

    Attributes:
        constants: arrays that operations read, which none made and which are no primals.
        numbers: the same for what is no array of JAX, which is part of the program.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        primals: Sequence[int],
        made: set[int],
        ends: Sequence[int],
    ) -> None:
        given = {identity: slot for slot, identity in enumerate(primals)}
        slots = {identity: slot for identity, slot in given.items() if identity not in made}
        outer = _read_from_outside(operations, slots)
        self.constants = [x for x in outer if isinstance(x, jax.Array)]
        self.numbers = [x for x in outer if not isinstance(x, jax.Array)]
        count = len(primals)
        for x in (*self.constants, *self.numbers):
            slots[id(x)] = count
            count += 1
        self.steps: list[Step] = []
        for operation in operations:
            operands = tuple(slots[id(x)] for x in operation.operands)
            moved = tuple(given.get(id(x)) for x in operation.results)
            self.steps.append(Step(operation.primitive, operation.params, operands, moved))
            for x in operation.results:
                slots[id(x)] = count
                count += 1
        self.ends = tuple(slots[identity] for identity in ends)
        self.may_repeat = not any(o.hidden or "subfuns" in o.params for o in operations)

    def run(self, primals: Sequence[Any], constants: Sequence[Any]) -> list[Any]:
        """The targets.

        Args:
            primals: values, or moves of what operations made.
            constants: as in the attribute of this name.
        """
        slots = [*primals, *constants, *self.numbers]
        for step in self.steps:
            jax_private.forget_results(step.params)
            values = step.primitive.bind(*(slots[i] for i in step.operands), **step.params)
            if not step.primitive.multiple_results:
                values = [values]
            for value, by in zip(values, step.moved):
                slots.append(value if by is None else value + slots[by])
        return [slots[end] for end in self.ends]

    def pull(
        self, primals: Sequence[Any], constants: Sequence[Any], weights: Sequence[Any]
    ) -> list[Any]:
        """The derivatives of the sum of `weights * targets` by the primals."""
        return self.linearized(primals, constants)(weights)

    def linearized(
        self, primals: Sequence[Any], constants: Sequence[Any]
    ) -> Callable[[Sequence[Any]], list[Any]]:
        """Function of weights that gives what `pull` does."""
        _, back = jax.vjp(lambda primals: self.run(primals, constants), list(primals))
        return lambda weights: back(list(weights))[0]

    def key(self) -> Hashable | None:
        """What equal programs have in common; None for one that is never the same again."""
        if not self.may_repeat:
            return None
        steps = tuple(
            (step.primitive, _named(step.params), step.operands, step.moved) for step in self.steps
        )
        arrays = map(np.asarray, self.numbers)
        numbers = tuple(
            (type(x), a.dtype, a.shape, a.tobytes()) for x, a in zip(self.numbers, arrays)
        )
        key = (steps, numbers, self.ends, len(self.constants))
        try:
            hash(key)
        except TypeError:
            return None
        return key


def _read_from_outside(operations: Sequence[Operation], known: Container[int]) -> list[Any]:
    """What operations read that none of them made, without what is known by identity."""
    made = {id(x) for operation in operations for x in operation.results}
    read = {id(x): x for operation in operations for x in operation.operands}
    return [x for i, x in read.items() if i not in made and i not in known]


def _named(params: dict[str, Any]) -> tuple[Hashable, ...]:
    # With their types: 1, 1.0 and True are equal.
    return tuple((name, type(value), value) for name, value in sorted(params.items()))


class _Known:
    """A program that ran before: how long that took, and its compiled form."""

    def __init__(self, program: Program) -> None:
        self.spent = 0.0
        self.worth = _COMPILING + _COMPILING_STEP * len(program.steps)
        self.compiled: Callable[..., list[Any]] | None = None


# What compiling takes, in seconds: roughly, and for each operation.
_COMPILING = 0.1
_COMPILING_STEP = 0.02
_MOST = 64
_known: OrderedDict[Hashable, _Known] = OrderedDict()


def pull(program: Program, primals: Sequence[Any], weights: Sequence[Any]) -> list[Any]:
    """`program.pull` with its own constants, compiled if it ran often enough.

    Args:
        program: what to run.
        primals: values of its primals.
        weights: of the targets.
    """
    constants = program.constants
    # Another recording listens: it wants to hear of each operation.
    is_alone = jax_private.is_eager(jax_private.innermost_trace())
    are_values = not any(isinstance(x, jax.core.Tracer) for x in (*primals, *constants, *weights))
    key = program.key() if is_alone and are_values else None
    if key is None:
        return program.pull(primals, constants, weights)
    known = _known.setdefault(key, _Known(program))
    _known.move_to_end(key)
    if len(_known) > _MOST:
        _known.popitem(last=False)
    if known.spent >= known.worth:
        if known.compiled is None:
            program.constants = []  # the values are arguments
            known.compiled = jax.jit(program.pull)
        return known.compiled(primals, constants, weights)
    start = time.perf_counter()
    result = program.pull(primals, constants, weights)
    known.spent += time.perf_counter() - start
    return result
