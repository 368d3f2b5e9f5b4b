"""`Outside`: Variables that steps read and that are no part of their model: a factor in a loss, the
state of a schedule, what a `Lambda` closes over.

A compiled step holds their values as constants, which costs nothing where they never change. Once
one of them was assigned, all of them become arguments, and each step sees the present values.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.core.values import lending, stand_ins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from fkeras.core.values.variable import Variable


class Outside:
    """The Variables that the traces of some steps have read.

    Attributes:
        arguments: those that are arguments of the steps.
    """

    def __init__(self) -> None:
        self.arguments: list[Variable] = []
        self._constants: dict[int, tuple[Variable, Any]] = {}  # with what the traces read of them

    def is_empty(self) -> bool:
        """Whether no Variable outside of the model was read."""
        return not self.arguments and not self._constants

    def has_changed(self) -> bool:
        """Whether a Variable that traces hold as a constant has another value by now."""
        return bool(self._constants) and any(
            stand_ins.private_value(variable) is not value
            for variable, value in self._constants.values()
        )

    def make_arguments(self) -> None:
        """Makes arguments of all constants: the steps must be traced again."""
        self.arguments += [variable for variable, _ in self._constants.values()]
        self._constants = {}

    def values(self) -> list[jax.Array]:
        """The present values of the arguments."""
        return [_value_to_keep(variable) for variable in self.arguments]

    @contextlib.contextmanager
    def lent(self, values: Sequence[jax.Array]) -> Iterator[None]:
        """Inside, the arguments read as these values, and what else is read is noted."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(lending.reads_noted(self._note))
            stack.enter_context(lending.lent(self.arguments, values))
            yield

    def _note(self, variable: Variable, value: Any) -> None:
        self._constants[id(variable)] = variable, value


class JittedStep:
    """`jax.jit` of a function that sees the present values of what it reads outside."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._outside = Outside()
        self._function = function
        self._make()

    def _make(self) -> None:
        def run(values, *args):
            with self._outside.lent(values):
                return self._function(*args)

        self._run = jax.jit(run)

    def __call__(self, *args: Any) -> Any:
        if self._outside.has_changed():
            self._outside.make_arguments()
            self._make()
        return self._run(self._outside.values(), *args)


def _value_to_keep(variable):
    """A value that no step consumes: a loop which holds it will donate it."""
    is_held = isinstance(stand_ins.private_value(variable), stand_ins.HeldByLoop)
    value = stand_ins.own_value(variable)
    return jnp.copy(value) if is_held else value
