"""Any Optax transformation as an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import jax
import jax.numpy as jnp
import optax

from fkeras.core import names
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers.compiled_step import has_only_builtin_constraints
from fkeras.optimizers.gradients import dense_gradients, refuse_none_at_all
from fkeras.optimizers.optax_blocks import by_block
from fkeras.optimizers.optax_trees import flattener, name_of, nested_by_path
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.parameter_info import read_value
from fkeras.optimizers.rates import NoLearningRateError
from fkeras.optimizers.slot_spec import SlotSpec
from fkeras.optimizers.state import OptimizerState
from fkeras.optimizers.trees import flatten_like

if TYPE_CHECKING:
    from flax import nnx
    from jax.tree_util import KeyPath, PyTreeDef

    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.state import Flatten, Unflatten
    from fkeras.types import ArrayLike, PyTree

_INJECTED = "hyperparams_learning_rate"  # where `optax.inject_hyperparams` keeps it


class OptaxOptimizer(Optimizer):
    """An `optax.GradientTransformation` as an optimizer.

    `compile` and `optimizers.get` make it by themselves.

    The transformation sees the parameters as the tree that `init` and `update` are given. On
    Variables it sees nested dicts by their paths. Clipping, decay, accumulation and averages are
    Optax's business: chain them in the transformation.

    The learning rate can be read and assigned when it was given with `optax.inject_hyperparams`.

    Args:
        transformation: an Optax transformation, or a chain of them.
        name: None for an automatic name.

    Examples:
        >>> import fkeras, jax.numpy as jnp, optax
        >>> transformation = optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1))
        >>> optimizer = fkeras.optimizers.OptaxOptimizer(transformation)
        >>> params, grads = {"w": jnp.zeros(2)}, {"w": jnp.array([0.0, 5.0])}
        >>> params, state = optimizer.update(grads, optimizer.init(params), params)
        >>> [round(float(x), 3) for x in params["w"]]
        [0.0, -0.1]
    """

    def __init__(
        self, transformation: optax.GradientTransformation, name: str | None = None
    ) -> None:
        if not isinstance(transformation, optax.GradientTransformation):
            raise UserTypeError(
                "OptaxOptimizer expects an `optax.GradientTransformation`. Received: "
                f"{transformation!r}"
            )
        super().__init__(0.0, name=name)
        self.transformation = transformation
        self._remove_rate_variable()  # the learning rate is inside
        object.__setattr__(self, "_learning_rate", None)
        self._unflatten: Unflatten | None = None
        self._structure: PyTreeDef | None = None
        self._rate: Variable | None = None

    # -- pure ------------------------------------------------------------------

    def init(
        self,
        params: PyTree,
        parameter_infos: PyTree | None = None,
        *,
        leaves: PyTree | None = None,
    ) -> dict[str, Any]:
        state = OptimizerState(
            jnp.zeros((), jnp.int32), transformation=by_block(self.transformation).init(params)
        )
        return self._to_trees(state, [], list)

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
        if decay_mask is not None:
            raise UserInputError(
                "OptaxOptimizer: weight decay is part of the transformation: give its mask there."
            )
        values, treedef = jax.tree.flatten(params)
        infos = self._infos_for(params, treedef, parameter_infos if leaves is None else leaves)
        new_values, state = self._transform(
            flatten_like(treedef, grads, f"{self.name}: the gradients"),
            [jnp.asarray(value) for value in values],
            self._to_lists(opt_state, infos, lambda tree, key: tree),
            infos,
            treedef.unflatten,
        )
        return treedef.unflatten(new_values), self._to_trees(state, infos, treedef.unflatten)

    def _first_state(
        self, params: Sequence[jax.Array], infos: Sequence[ParameterInfo]
    ) -> OptimizerState:
        tree = self._tree_builder(infos)(list(params))
        return OptimizerState(
            jnp.zeros((), jnp.int32), transformation=by_block(self.transformation).init(tree)
        )

    def _step(
        self,
        grads: Sequence[ArrayLike | None],
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
    ) -> tuple[list[jax.Array], OptimizerState]:
        return self._transform(grads, params, state, infos, self._tree_builder(infos))

    def _transform(
        self,
        grads: Sequence[ArrayLike | None],
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
        unflatten: Unflatten,
    ) -> tuple[list[jax.Array], OptimizerState]:
        """One step, in which the transformation sees trees that `unflatten` makes of lists."""
        arrays = dense_gradients(self.name, grads, infos)
        refuse_none_at_all(arrays)
        # Optax wants a gradient everywhere; what it makes of these zeros is dropped below.
        filled = [
            jnp.zeros_like(param) if gradient is None or info.overwrite else gradient
            for gradient, param, info in zip(arrays, params, infos, strict=True)
        ]
        tree = unflatten(list(params))
        updates, transformation = by_block(self.transformation).update(
            unflatten(filled), state.transformation, tree
        )
        stepped = flattener(unflatten, len(params))(optax.apply_updates(tree, updates))
        values = []
        for gradient, old, new, info in zip(arrays, params, stepped, infos):
            if gradient is None:
                values.append(old)
            elif info.overwrite:
                values.append(gradient.astype(old.dtype))
            else:
                values.append(info.constrained(new))
        return values, OptimizerState(state.iteration + 1, transformation=transformation)

    def _tree_builder(self, infos: Sequence[ParameterInfo]) -> Unflatten:
        """list -> the tree that the transformation sees on Variables."""
        if self._unflatten is not None:
            return self._unflatten
        return nested_by_path(infos)

    def _to_trees(
        self, state: OptimizerState, infos: Sequence[ParameterInfo], unflatten: Unflatten
    ) -> dict[str, Any]:
        return {"iteration": state.iteration, "transformation": state.transformation}

    def _to_lists(
        self, opt_state: dict[str, Any], infos: Sequence[ParameterInfo], flatten: Flatten
    ) -> OptimizerState:
        self._check_keys(opt_state, "transformation")
        return OptimizerState(opt_state["iteration"], transformation=opt_state["transformation"])

    # -- Variables -------------------------------------------------------------

    def build(self, variables: Iterable[nnx.Variable], unflatten: Unflatten | None = None) -> None:
        """See `Optimizer.build`.

        Args:
            variables: Variables to be trained.
            unflatten: makes the tree that the transformation sees from a list in their order; None
                for nested dicts by path.
        """
        if not self.built:
            self._unflatten = unflatten
        super().build(variables)

    def _build_slots(self, variables: Sequence[nnx.Variable]) -> None:
        tree = self._bound_tree_builder()([read_value(variable) for variable in variables])
        # Values now, even inside a trace: the Variables outlive it.
        with jax.ensure_compile_time_eval():
            state = by_block(self.transformation).init(tree)
        values, self._structure = jax.tree_util.tree_flatten_with_path(state)
        with names.scope(self.name):
            for i, (path, value) in enumerate(values):
                name = name_of(path)
                value = jnp.array(value)  # a copy: parameters and state may be donated together
                spec = SlotSpec(value.shape, value.dtype.name, lambda _, value=value: value)
                variable = self._add_slot_variable("transformation", i, spec, name=name)
                if name.endswith(_INJECTED):
                    self._rate = variable

    def separate_variables(self, blocks: Sequence[tuple[int, tuple[int, ...]]]) -> list[Variable]:
        return self.variables  # the transformation is given blocks one by one

    def _bound_tree_builder(self) -> Unflatten:
        return self._tree_builder(self.parameter_infos_of(self._built_for))

    def _state_from_values(self, values: Sequence[ArrayLike]) -> OptimizerState:
        if self._structure is None:  # before `build`
            return OptimizerState(values[0])
        return OptimizerState(values[0], transformation=self._structure.unflatten(values[1:]))

    def _values_of_state(self, state: OptimizerState) -> list[jax.Array]:
        return [state.iteration, *jax.tree.leaves(state.transformation)]

    def pack(self, values: Sequence[ArrayLike], unflatten: Unflatten) -> dict[str, Any]:
        state = self._state_from_values(values)
        flatten = flattener(self._bound_tree_builder(), len(self._built_for))
        return {
            "iteration": state.iteration,
            "transformation": self._converted(state.transformation, flatten, unflatten),
        }

    def unpack(
        self, opt_state: dict[str, Any], flatten: Callable[[PyTree], list]
    ) -> list[jax.Array]:
        transformation = self._converted(
            opt_state["transformation"], flatten, self._bound_tree_builder()
        )
        return [opt_state["iteration"], *jax.tree.leaves(transformation)]

    def _converted(
        self, state: PyTree, flatten: Callable[[PyTree], list], unflatten: Unflatten
    ) -> PyTree:
        """The transformation's state with each tree of parameters in it made another tree."""
        try:
            return optax.tree_map_params(
                self.transformation,
                lambda tree: unflatten(flatten(tree)),
                state,
                is_leaf=lambda _: True,
            )
        except Exception as error:
            raise UserInputError(
                f"{self!r}: the state of this transformation depends on the structure of the "
                "parameters, and cannot be moved between the model's tree and its list of "
                "variables. Give masks and labels as functions of the parameters, not as trees. "
                f"({type(error).__name__}: {error})"
            ) from error

    def _can_compile(self, infos: Sequence[ParameterInfo]) -> bool:
        return has_only_builtin_constraints(infos)

    def with_current_rates(self, opt_state: dict[str, Any]) -> dict[str, Any]:
        if self._rate is None:
            return opt_state

        def current(path: KeyPath, value: jax.Array) -> jax.Array:
            if name_of(path).endswith(_INJECTED):
                return jnp.array(self._rate.value, value.dtype)
            return value

        new = jax.tree_util.tree_map_with_path(current, opt_state["transformation"])
        return {**opt_state, "transformation": new}

    @property
    def learning_rate(self) -> Variable:
        """The injected learning rate, a Variable."""
        if self._rate is None:
            raise NoLearningRateError(
                f"{self!r}: the learning rate is inside the Optax transformation. To read and set "
                "it, write `optax.inject_hyperparams(optax.adam)(learning_rate=...)`, and read it "
                "once the optimizer is built."
            )
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value: ArrayLike) -> None:
        self.learning_rate.assign(value.value if isinstance(value, Variable) else value)

    def get_config(self) -> NoReturn:
        raise UserTypeError(
            f"{self!r}: an Optax transformation is code, which a config cannot hold. Save weights "
            "or a checkpoint instead, and compile again after loading."
        )
