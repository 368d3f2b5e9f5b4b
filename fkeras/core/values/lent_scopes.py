"""The scopes in which values are lent: what they answer for, and where writes go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core import jax_private
from fkeras.core.values.stand_ins import HeldByLoop, NotDrawnYet, fetch, private_value

if TYPE_CHECKING:
    from flax import nnx


class Scope:
    """Values lent to Variables.

    Holds the Variables themselves, so that no id is used twice while the scope lives.

    Args:
        variables: what is lent to.
        values: of equal length.
        caller: who calls, for errors; None for `apply`.
        strict: a trainable Variable that is read but not lent is an error: its gradient would be
            zero without a word.
    """

    def __init__(
        self,
        variables: list[nnx.Variable],
        values: Sequence[jax.Array],
        caller: str | None = None,
        strict: bool = False,
    ) -> None:
        self.variables = variables
        self.values = {id(v): x for v, x in zip(variables, values, strict=True)}
        self.trace = jax_private.current_trace()
        self.caller = caller
        self.strict = strict

    def has(self, variable: nnx.Variable) -> bool:
        """Whether this scope answers for the Variable."""
        return id(variable) in self.values

    def read(self, variable: nnx.Variable) -> Any:
        return self.values[id(variable)]

    def write(self, variable: nnx.Variable, value: Any) -> None:
        self.values[id(variable)] = value

    def collect(self) -> list[Any]:
        """The values as they are now, in the order of `variables`."""
        return [self.values[id(v)] for v in self.variables]


class OpenScope(Scope):
    """A scope that also keeps what is written to Variables it lends nothing to.

    It forgets it when it closes.
    """

    def write(self, variable: nnx.Variable, value: Any) -> None:
        if id(variable) not in self.values:
            self.variables.append(variable)
        self.values[id(variable)] = value


class AbstractScope(OpenScope):
    """For abstract evaluation: a Variable without a value reads as zeros.

    All that is written is forgotten.

    Args:
        lent: (Variable, value) of those that read as something else than zeros.
    """

    def __init__(self, lent: Sequence[tuple[nnx.Variable, Any]] = ()) -> None:
        super().__init__([v for v, _ in lent], [value for _, value in lent])

    def has(self, variable: nnx.Variable) -> bool:
        # A tracer in the slot is an argument of a trace inside: it stands for itself.
        return id(variable) in self.values or not isinstance(
            private_value(variable), jax.core.Tracer | type(None)
        )

    def read(self, variable: nnx.Variable) -> Any:
        if id(variable) in self.values:
            return self.values[id(variable)]
        content = jax_private.raw_value_descriptor.__get__(variable)
        if type(content) is NotDrawnYet:
            return _zeros(content)  # staged: no memory
        return fetch(variable, content) if type(content) is HeldByLoop else content


def _zeros(stand_in: NotDrawnYet) -> Any:
    """Zeros in the place of a value that was not drawn; for keys some keys."""
    if jnp.issubdtype(stand_in.dtype, jax.dtypes.prng_key):
        keys = (jax.random.key(0, impl=impl) for impl in ("threefry2x32", "rbg", "unsafe_rbg"))
        return jnp.broadcast_to(
            next(key for key in keys if key.dtype == stand_in.dtype), stand_in.shape
        )
    return jnp.zeros(stand_in.shape, stand_in.dtype)
