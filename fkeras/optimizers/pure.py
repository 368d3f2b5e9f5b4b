"""The pure form of an optimizer: `init`, `update` and `finalize` on trees of arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.optimizers import rates, update_step
from fkeras.optimizers.parameter_info import ParameterInfo, parameter_infos_of_tree
from fkeras.optimizers.state import OptimizerState, slot_lists
from fkeras.optimizers.state_layout import StateLayout
from fkeras.optimizers.trees import flatten_like

if TYPE_CHECKING:
    from flax import nnx
    from jax.tree_util import PyTreeDef

    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.state import Flatten
    from fkeras.types import ArrayLike, PyTree


class PureOptimizer(StateLayout):
    """An update rule with the options that all optimizers have, as functions of values.

    The methods with an underscore work on lists of leaves and a typed `OptimizerState`; composite
    optimizers override those.
    """

    _composite_kind: ClassVar[str | None] = None  # what it is called, with optimizers inside
    _needs: str | None = None  # what is missing where a step is told of gradients alone
    takes_loss: bool = False  # whether a step may be told more: `stateless_apply(..., value=loss)`

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    built: bool
    _learning_rate: Variable | LearningRate
    decay = 0.0  # of older Keras: by how much the rate's divisor grows at each step
    _undecayed_variables: list[nnx.Variable]
    _undecayed_names: re.Pattern[str] | None

    # -- on trees --------------------------------------------------------------

    def init(
        self,
        params: PyTree,
        parameter_infos: PyTree | None = None,
        *,
        leaves: PyTree | None = None,
    ) -> dict[str, Any]:
        """The state before the first step, for any tree of arrays.

        Args:
            params: tree of arrays.
            parameter_infos: None, or a tree like `params` of `ParameterInfo`s (a model's, from
                `optimizer.parameter_infos_of`).
            leaves: the former name of `parameter_infos`.

        Returns:
            A dict: `iteration`, `learning_rate` (a number's), the rule's shared values, and for all
            that is kept for parameters a tree like `params`, with 0-d zeros where nothing is kept.
        """
        values, treedef = jax.tree.flatten(params)
        infos = self._infos_for(params, treedef, parameter_infos if leaves is None else leaves)
        return self._to_trees(self._first_state(values, infos), infos, treedef.unflatten)

    def update(
        self,
        grads: PyTree,
        opt_state: dict[str, Any],
        params: PyTree,
        *,
        parameter_infos: PyTree | None = None,
        decay_mask: PyTree | None = None,
        leaves: PyTree | None = None,
    ) -> tuple[PyTree, dict[str, Any]]:
        """One step as a pure function.

        Args:
            grads: tree like `params`; None in place of an array leaves that parameter as it is.
            opt_state: what `init` or the last `update` returned.
            params: tree of arrays.
            parameter_infos: None, or a tree like `params` of `ParameterInfo`s: names, constraints,
                exclusions. None: names are the keys of the tree.
            decay_mask: None, or a tree like `params` of bools: where weight decay applies.
            leaves: the former name of `parameter_infos`.

        Returns:
            New parameters and the new state. (An Optax transformation returns changes: see
            `to_optax`.)

        Raises:
            UserInputError: structures or shapes that do not fit together; names all paths.
        """
        values, treedef = jax.tree.flatten(params)
        arrays = [jnp.asarray(value) for value in values]  # NumPy's and Python's numbers, too
        infos = self._infos_for(params, treedef, parameter_infos if leaves is None else leaves)
        if decay_mask is not None:
            mask = flatten_like(treedef, decay_mask, "decay_mask")
            infos = [info.with_decay(decays) for info, decays in zip(infos, mask)]
        state = self._to_lists(opt_state, infos, _state_flattener(treedef))
        # None is a leaf here: a parameter without a gradient.
        grad_list = flatten_like(treedef, grads, f"{self.name}: the gradients")
        new_values, new_state = self._whole_step(grad_list, arrays, state, infos)
        new_params = treedef.unflatten(new_values)
        return new_params, self._to_trees(new_state, infos, treedef.unflatten)

    def finalize(
        self,
        params: PyTree,
        opt_state: dict[str, Any],
        *,
        parameter_infos: PyTree | None = None,
        leaves: PyTree | None = None,
    ) -> PyTree:
        """The parameters to keep after training.

        Args:
            params: tree of arrays.
            opt_state: what the last `update` returned.
            parameter_infos: as in `update`.
            leaves: the former name of `parameter_infos`.

        Returns:
            The moving averages with `use_ema`, else `params` as they are.
        """
        values, treedef = jax.tree.flatten(params)
        infos = self._infos_for(params, treedef, parameter_infos if leaves is None else leaves)
        state = self._to_lists(opt_state, infos, _state_flattener(treedef))
        return treedef.unflatten(self._final_values(values, state, infos))

    def scale_loss(self, loss: ArrayLike, opt_state: dict[str, Any] | None = None) -> ArrayLike:
        """The loss times the loss scale, to be differentiated; `update` divides the gradients.

        Args:
            loss: number or array.
            opt_state: state of the pure form; None for the object's own.
        """
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def to_optax(self) -> optax.GradientTransformation:
        """This optimizer as an Optax transformation.

        Its `updates` are the new parameters less the old ones, so that `optax.apply_updates` gives
        the new parameters again, up to the rounding of a difference and a sum.

        Examples:
            >>> import fkeras, jax.numpy as jnp, optax
            >>> sgd = fkeras.optimizers.SGD(0.1).to_optax()
            >>> transformation = optax.chain(optax.clip(0.5), sgd)
            >>> state = transformation.init(jnp.zeros(1))
            >>> updates, state = transformation.update(jnp.ones(1), state, jnp.zeros(1))
            >>> round(float(updates[0]), 3)
            -0.05
        """

        def update(grads, state, params=None):
            if params is None:
                raise UserInputError(
                    f"{type(self).__name__}: `update(grads, state, params)` needs the parameters."
                )
            new_params, state = self.update(grads, state, params)
            return jax.tree.map(jnp.subtract, new_params, params), state

        return optax.GradientTransformation(self.init, update)

    # -- weight decay ----------------------------------------------------------

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[nnx.Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Keeps weight decay off some parameters. Call it before the optimizer is built.

        Args:
            var_list: Variables.
            var_names: regular expressions that are searched in the names of parameters, such as
                `['bias']`.

        Raises:
            UserInputError: the optimizer is built.
        """
        if self.built:
            raise UserInputError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is "
                "built."
            )
        self._undecayed_variables = list(var_list or [])
        # One expression for all: a name is asked once.
        patterns = "|".join(dict.fromkeys(var_names)) if var_names else None
        self._undecayed_names = re.compile(patterns) if patterns is not None else None

    def _decays(self, name: str, variable: nnx.Variable | None = None) -> bool:
        if any(excluded is variable for excluded in self._undecayed_variables):
            return False
        return self._undecayed_names is None or self._undecayed_names.search(name) is None

    # -- on lists of leaves: what composite optimizers override ----------------

    # `state` holds what this optimizer keeps for these parameters, in their order: a composite one
    # gives each of its own only that one's share.

    def _whole_step(
        self,
        grads: Sequence[ArrayLike | None],
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
    ) -> tuple[list[jax.Array], OptimizerState]:
        """`update` on lists, with all that a subclass may override."""
        return self._step(grads, params, state, infos)

    def _step(
        self,
        grads: Sequence[ArrayLike | None],
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
    ) -> tuple[list[jax.Array], OptimizerState]:
        """`update` on lists, with nothing overridden but the rule."""
        return update_step.step(self, grads, params, state, infos)

    def _apply_rule(
        self,
        grads: update_step.Gradients,
        params: list[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
        learning_rate: jax.Array,
        count: jax.Array,
    ) -> tuple[list[jax.Array], OptimizerState]:
        """Weight decay and the rule; `count` is the number of updates so far."""
        return update_step.apply_rule(self, grads, params, state, infos, learning_rate, count)

    def _first_state(
        self, params: Sequence[jax.Array], infos: Sequence[ParameterInfo]
    ) -> OptimizerState:
        """`init` on lists."""
        rate = self._learning_rate
        state = OptimizerState(
            iteration=jnp.zeros((), jnp.int32),
            # A copy: the state may be donated, the Variable's own value may not.
            learning_rate=jnp.array(rate.value) if isinstance(rate, Variable) else None,
            slots=slot_lists(self._slot_list_keys(), len(infos)),
        )
        for key, index, spec in self._state_rows(infos):
            if index is None:
                state.shared[key] = spec.first_value(None)
            else:
                state.slots[key][index] = spec.first_value(params[index])
        return state

    def _final_values(
        self,
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
    ) -> list[jax.Array]:
        """`finalize` on lists."""
        if not self.use_ema:
            return list(params)
        return [
            param if info.overwrite else state.slot("average", i).astype(param.dtype)
            for i, (param, info) in enumerate(zip(params, infos))
        ]

    def _rate_at(self, state: OptimizerState) -> jax.Array:
        """The learning rate of a state: an array."""
        self._check_rate(state)
        rate = state.learning_rate
        if rate is None:
            rate = rates.at_step(self._learning_rate, state.iteration)
        return rate / (1 + self.decay * state.iteration) if self.decay else rate

    def _check_rate(self, state: OptimizerState) -> None:
        """Raises where a number is expected as learning rate and none is there, or the reverse."""
        if isinstance(self._learning_rate, Variable) == (state.learning_rate is None):
            raise UserInputError(
                f"{self.name}: the state was made while the learning rate was of another kind (a "
                "number or a schedule). Make it again with `init`, or from the optimizer's "
                "Variables."
            )

    def _to_lists(
        self, opt_state: dict[str, Any], infos: Sequence[ParameterInfo], flatten: Flatten
    ) -> OptimizerState:
        state = super()._to_lists(opt_state, infos, flatten)
        self._check_rate(state)
        return state

    def _infos_for(
        self, params: PyTree, treedef: PyTreeDef, parameter_infos: PyTree | None
    ) -> list[ParameterInfo]:
        if parameter_infos is not None:
            return flatten_like(treedef, parameter_infos, "parameter_infos")
        return [
            info.with_decay(self._decays(info.name)) for info in parameter_infos_of_tree(params)
        ]


def _state_flattener(treedef: PyTreeDef) -> Callable[[PyTree, str], list]:
    return lambda tree, key: flatten_like(treedef, tree, f"opt_state[{key!r}]")
