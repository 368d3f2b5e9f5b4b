"""`StatefulOptimizer`: what Keras scripts see of an optimizer, `apply` on Variables.

Every method here reads the Variables, calls the pure form and writes what it returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core.values import lending, stacking
from fkeras.core.values.variable import Variable
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.optimizers import compiled_step
from fkeras.optimizers.gradients import aligned_gradients
from fkeras.optimizers.parameter_info import read_value, write_value
from fkeras.optimizers.weights_io import SavableOptimizer

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.types import ArrayLike, PyTree


class StatefulOptimizer(SavableOptimizer):
    """What `Optimizer` does with Variables."""

    # -- applying gradients ----------------------------------------------------

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[ArrayLike | None, nnx.Variable]]
    ) -> Variable:
        """`apply` for pairs of a gradient and a Variable. Returns `iterations`."""
        pairs = list(grads_and_vars)
        if pairs:
            self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def apply(
        self,
        grads: Iterable[ArrayLike | None],
        trainable_variables: Iterable[nnx.Variable] | None = None,
        **arguments: Any,
    ) -> None:
        """Updates Variables from their gradients, in place.

        Args:
            grads: list of arrays; None for a Variable that the loss does not depend on.
            trainable_variables: their Variables. The first call builds the optimizer for them;
                later ones may name some of them. None for all that it was built for.
            **arguments: what an Optax transformation asks for, see `stateless_apply`.

        Raises:
            UserInputError: unknown Variables, or shapes that do not fit.
        """
        grads = list(grads)
        if not grads:
            return
        aligned = aligned_gradients(self, grads, trainable_variables)
        bound, own = self._built_for, self.variables
        params = [read_value(variable) for variable in bound]
        state = self._state_from_values([variable.value for variable in own])
        new_params, new_state = compiled_step.run_step(self, aligned, params, state, arguments)
        for variable, old, new in zip(bound, params, new_params):
            if new is not old:  # a step that was not compiled gives back what it did not change
                write_value(variable, new)
        # In the order of `variables`, which is the order of the state's rows.
        for variable, new in zip(own, self._values_of_state(new_state)):
            Variable.assign(variable, new)  # without the rate's look, which waits for the device

    def stateless_apply(
        self,
        optimizer_variables: Sequence[ArrayLike],
        grads: Sequence[ArrayLike | None],
        trainable_variables: Sequence[ArrayLike],
        **arguments: Any,
    ) -> tuple[list[jax.Array], list[jax.Array]]:
        """`apply` on lists of values.

        Args:
            optimizer_variables: values in the order of `variables`.
            grads: list of arrays.
            trainable_variables: values in the order the optimizer was built for.
            **arguments: what an Optax transformation asks for (`OptaxOptimizer`): `value`, the
                loss; `grad`, the list of gradients; `value_fn`, a function from trainable values
                to the loss; or what else its `update` takes.

        Returns:
            The new values of the trainable and of the optimizer's variables.

        Raises:
            NotBuiltError: before `build`.
            UserInputError: lists of another length.
        """
        if not self.built:
            raise NotBuiltError(
                f"To call `stateless_apply`, {type(self).__name__} must be built (i.e. its "
                "variables must have been created). You can build it via "
                "`optimizer.build(trainable_variables)`."
            )
        own, bound = self.variables, self._built_for
        self._check_length("optimizer_variables", optimizer_variables, len(own))
        self._check_length("trainable_variables", trainable_variables, len(bound))
        values, params = _as_arrays(optimizer_variables), _as_arrays(trainable_variables)
        if type(self).apply is not StatefulOptimizer.apply:
            # A program's own `apply` reads and writes Variables: they are lent these values.
            _, after = lending.call(
                self.apply,
                bound + own,
                params + values,
                grads,
                caller=f"{type(self).__name__}.apply",
                **arguments,
            )
            return after[: len(bound)], after[len(bound) :]
        aligned = aligned_gradients(self, list(grads), None)
        new_params, new_state = compiled_step.run_step(
            self, aligned, params, self._state_from_values(values), arguments
        )
        return new_params, self._values_of_state(new_state)

    def _check_length(self, argument: str, values: Sequence[ArrayLike], expected: int) -> None:
        if len(values) != expected:
            raise UserInputError(
                f"Argument `{argument}` must be a list of tensors corresponding 1:1 to the "
                f"variables of {type(self).__name__}: received {len(values)}, expected {expected}."
            )

    def _can_compile(self, infos: Sequence[ParameterInfo]) -> bool:
        return compiled_step.has_only_builtin_parts(self, infos)

    def _constants(self) -> str:
        """All that a compiled step holds as constants."""
        return compiled_step.constants_of_optimizer(self)

    def finalize_variable_values(self, var_list: Iterable[nnx.Variable]) -> None:
        """Puts the moving averages in place of the parameters (`use_ema`)."""
        if not self.use_ema:
            return
        averages = self._held_by_parameter("average")
        for variable in map(stacking.stack_of, var_list):
            average = averages[self._get_variable_index(variable)]
            if average is not None:
                write_value(variable, average.value)

    # -- between the list of Variables and the dict of the pure form -----------

    def pack(
        self, values: Sequence[ArrayLike], unflatten: Callable[[list], PyTree]
    ) -> dict[str, Any]:
        """The pure form's state from values in the order of `variables`.

        Args:
            values: arrays.
            unflatten: makes a tree like the parameters from a list in the order of
                `bound_variables`.
        """
        infos = self.parameter_infos_of(self._built_for)
        return self._to_trees(self._state_from_values(values), infos, unflatten)

    def unpack(
        self, opt_state: dict[str, Any], flatten: Callable[[PyTree], list]
    ) -> list[jax.Array]:
        """Values in the order of `variables` from the pure form's state: the inverse of `pack`.

        Args:
            opt_state: what `init` or `update` returned.
            flatten: makes a list in the order of `bound_variables` from a tree like the parameters.

        Raises:
            UserInputError: a state for parameters of other names or shapes.
        """
        infos = self.parameter_infos_of(self._built_for)
        state = self._to_lists(opt_state, infos, lambda tree, key: flatten(tree))
        values = self._values_of_state(state)
        self._check_shapes(values)
        return values

    def _check_shapes(self, values: Sequence[ArrayLike]) -> None:
        for variable, value in zip(self.variables, values, strict=True):
            if tuple(variable.shape) != jnp.shape(value):
                raise UserInputError(
                    f"{self.name}: the state has shape {jnp.shape(value)} where {variable.path!r} "
                    f"has {tuple(variable.shape)}. A rule that depends on names needs them: "
                    "`init(params, parameter_infos=...)` with the tree of "
                    "`optimizer.parameter_infos_of(variables)`."
                )


def _as_arrays(values: Sequence[ArrayLike]) -> list[jax.Array]:
    return [jnp.asarray(getattr(value, "value", value)) for value in values]
