"""`StatelessScope` and `SymbolicScope`: Keras's contexts for state without side effects and for
abstract calls.
"""

from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError


class _Mapping(lending.Scope):
    """Lends to every Variable: given values to the named ones, their own to the rest; keeps all
    that is written.
    """

    def has(self, variable):
        return True

    def read(self, variable):
        if id(variable) in self.values:
            return self.values[id(variable)]
        return lending.own_value(variable)

    def write(self, variable, value):
        if id(variable) not in self.values:
            self.variables.append(variable)
        self.values[id(variable)] = value


class StatelessScope:
    """Inside, Variables read as given and nothing that is written reaches them.

    Args:
        state_mapping: pairs of (Variable, value).
        collect_losses: whether `add_loss` values are collected in `losses`.
        initialize_variables: kept for Keras's signature.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> v = fkeras.Variable(jnp.zeros(()))
        >>> with fkeras.StatelessScope(state_mapping=[(v, jnp.ones(()))]) as scope:
        ...     inside = v.assign_add(1.0)
        >>> float(inside), float(scope.get_current_value(v)), float(v)
        (2.0, 2.0, 0.0)
    """

    def __init__(self, state_mapping=None, collect_losses=False, initialize_variables=True):
        variables, values = [], []
        for variable, value in state_mapping or {}:
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
            variables.append(variable)
            values.append(value)
        self._given = variables, values
        self.collect_losses, self.initialize_variables = collect_losses, initialize_variables
        self.losses: list = []

    @property
    def state_mapping(self):
        return {id(v): self._scope.values[id(v)] for v in self._scope.variables}

    def __enter__(self):
        variables, values = self._given
        self._scope = _Mapping(list(variables), list(values))
        self._context = lending.opened(self._scope)
        self._context.__enter__()
        return self

    def __exit__(self, *exc):
        return self._context.__exit__(*exc)

    def add_loss(self, loss):
        self.losses.append(loss)

    def add_update(self, update):
        """Takes a (Variable, value) pair as if it had been assigned."""
        self._scope.write(*update)

    def get_current_value(self, variable):
        """The value that a Variable has in this scope, or None where it was neither given nor
        written.
        """
        return self._scope.values.get(id(variable))


class SymbolicScope:
    """Inside, calls are for shapes only."""

    def __enter__(self):
        self._context = lending.opened(lending.AbstractScope())
        self._context.__enter__()
        return self

    def __exit__(self, *exc):
        return self._context.__exit__(*exc)
