"""`StatelessScope` and `SymbolicScope`, Keras's contexts.

The first is for state without side effects, the second for abstract calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fkeras.core.values import lending
from fkeras.core.values.lent_scopes import OpenScope
from fkeras.core.values.stand_ins import own_value
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from types import TracebackType

    from flax import nnx

    from fkeras.types import Tensor


class _Mapping(OpenScope):
    """Lends to every Variable, and keeps all that is written.

    The mapped values to those in the mapping, their own to the rest.
    """

    def has(self, variable: nnx.Variable) -> bool:
        return True

    def read(self, variable: nnx.Variable) -> Any:
        if id(variable) in self.values:
            return self.values[id(variable)]
        return own_value(variable)


class StatelessScope:
    """Inside, Variables read as the mapping says and nothing that is written reaches them.

    Args:
        state_mapping: pairs of (Variable, value); None for none.
        collect_losses: whether `add_loss` values are collected in `losses`.
        initialize_variables: kept for Keras's signature.

    Raises:
        UserInputError: a key that is no Variable, or a value of another shape than its Variable.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> v = fkeras.Variable(jnp.zeros(()))
        >>> with fkeras.StatelessScope(state_mapping=[(v, jnp.ones(()))]) as scope:
        ...     inside = v.assign_add(1.0)
        >>> float(inside), float(scope.get_current_value(v)), float(v)
        (2.0, 2.0, 0.0)
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Tensor]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        pairs = list(state_mapping or ())
        for variable, value in pairs:
            _check_pair(variable, value)
        self._pairs = pairs
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Tensor] = []

    @property
    def state_mapping(self) -> dict[int, Tensor]:
        """The values in this scope, by the `id` of their Variable."""
        return {id(v): self._scope.values[id(v)] for v in self._scope.variables}

    def __enter__(self) -> StatelessScope:
        self._scope = _Mapping([v for v, _ in self._pairs], [x for _, x in self._pairs])
        self._context = lending.opened(self._scope)
        self._context.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._context.__exit__(kind, error, traceback)

    def add_loss(self, loss: Tensor) -> None:
        """Keeps a loss in `losses`."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, Tensor]) -> None:
        """Takes a (Variable, value) pair as if it had been assigned."""
        self._scope.write(*update)

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """The value that a Variable has in this scope.

        None where it was neither mapped nor written.
        """
        return self._scope.values.get(id(variable))


def _check_pair(variable: object, value: Tensor) -> None:
    if not isinstance(variable, Variable):
        raise UserInputError(
            "Invalid reference variable in StatelessScope: all keys in argument `mapping` "
            f"must be Variable instances. Received instead: {variable}"
        )
    if tuple(value.shape) != tuple(variable.shape):
        raise UserInputError(
            "Invalid variable value in StatelessScope: all values in argument `mapping` "
            "must be tensors with a shape that matches the corresponding variable shape. "
            f"For variable {variable.path!r}: expected {tuple(variable.shape)}, received "
            f"{tuple(value.shape)}."
        )


class SymbolicScope:
    """Inside, calls are for shapes only: no weight is drawn, nothing that is written stays.

    Examples:
        >>> import fkeras
        >>> v = fkeras.Variable(0.0)
        >>> with fkeras.SymbolicScope():
        ...     _ = v.assign_add(1.0)
        >>> float(v)
        0.0
    """

    def __enter__(self) -> SymbolicScope:
        self._context = lending.opened(lending.AbstractScope())
        self._context.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._context.__exit__(kind, error, traceback)
