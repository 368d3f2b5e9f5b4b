"""Any Optax transformation as an optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import jax
import jax.numpy as jnp
import optax

from fkeras.core import names
from fkeras.core.config import registry, scopes
from fkeras.core.values.variable import Variable
from fkeras.errors import TransformationMissingError, UserInputError
from fkeras.optimizers import optax_arguments
from fkeras.optimizers.compiled_step import has_only_builtin_constraints
from fkeras.optimizers.gradients import dense_gradients, refuse_none_at_all
from fkeras.optimizers.optax_blocks import by_block
from fkeras.optimizers.optax_trees import flattener, name_of, nested_by_path
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.parameter_info import read_value
from fkeras.optimizers.rates import NoLearningRateError, check_sign
from fkeras.optimizers.slot_spec import SlotSpec
from fkeras.optimizers.state import OptimizerState
from fkeras.optimizers.trees import flatten_like

if TYPE_CHECKING:
    from flax import nnx
    from jax.tree_util import KeyPath, PyTreeDef

    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.state import Flatten, Unflatten
    from fkeras.types import ArrayLike, Config, PyTree

_INJECTED = "hyperparams_learning_rate"  # where `optax.inject_hyperparams` keeps it


class OptaxOptimizer(Optimizer):
    """An `optax.GradientTransformation` as an optimizer.

    `compile` and `optimizers.get` make it by themselves.

    The transformation sees the parameters as the tree that `init` and `update` are given. In a
    model it sees the trained part of `variables["params"]`, in `fit` and in `step` alike: labels
    and masks by path are about that. It may ask for the loss (`optax.lbfgs`, `optax.polyak_sgd`,
    `optax.contrib.reduce_on_plateau`): training passes `value`, `grad` and `value_fn`.
    Clipping, decay, accumulation and averages are Optax's business: chain them in the
    transformation.

    The learning rate can be read and assigned when it was given with `optax.inject_hyperparams`.

    Args:
        transformation: an Optax transformation, a chain of them, or an `optax.MultiSteps`.
        name: None for an automatic name.

    Raises:
        UserTypeError: what is no transformation.
        UserInputError: a transformation that needs what a training step cannot give it.

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
        self,
        transformation: optax.GradientTransformation | optax.MultiSteps,
        name: str | None = None,
    ) -> None:
        transformation = optax_arguments.transformation_of(transformation)
        super().__init__(0.0, name=name)
        self.transformation = transformation
        self.takes_loss = optax_arguments.takes_more(transformation)
        self._asked_for: tuple[str, ...] | None = None  # not known yet
        if not optax_arguments.holds_foreign_code(transformation):
            self._ask(optax_arguments.small_params())
        self._remove_rate_variable()  # the learning rate is inside
        object.__setattr__(self, "_learning_rate", None)
        self._unflatten: Unflatten | None = None
        self._paths_by_id: Mapping[int, tuple[str, ...]] = {}  # until `build`
        self._paths: list[tuple[str, ...]] | None = None  # of the Variables it is built for
        self._structure: PyTreeDef | None = None
        self._key_kinds: list[Any] = []  # of random keys in the state: Variables hold their words
        self._rate: Variable | None = None

    def _ask(self, params: PyTree) -> None:
        """Finds out what the transformation wants to be told at each step."""
        self._asked_for, self._needs = optax_arguments.needs_of(self.transformation, params)

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
        **arguments: Any,
    ) -> tuple[PyTree, dict[str, Any]]:
        """See `Optimizer.update`.

        Args:
            grads, opt_state, params, parameter_infos, leaves: as there.
            decay_mask: an error: weight decay is part of the transformation.
            **arguments: what the transformation asks for: `value`, `grad`, `value_fn`, or what
                else its `update` takes.
        """
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
            arguments,
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
        **arguments: Any,
    ) -> tuple[list[jax.Array], OptimizerState]:
        unflatten = self._tree_builder(infos)
        told = optax_arguments.told(self._asked_for or (), arguments)
        on_trees = optax_arguments.on_trees(told, unflatten, flattener(unflatten, len(params)))
        return self._transform(grads, params, state, infos, unflatten, on_trees)

    def _transform(
        self,
        grads: Sequence[ArrayLike | None],
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
        unflatten: Unflatten,
        arguments: dict[str, Any],
    ) -> tuple[list[jax.Array], OptimizerState]:
        """One step, in which the transformation sees trees that `unflatten` makes of lists."""
        if self._needs is not None and "value" not in arguments:
            raise UserInputError(
                f"{self!r}: this Optax transformation asks for more than gradients ({self._needs}) "
                "A step that calls the optimizer by itself passes it: `stateless_apply("
                "optimizer_variables, grads, trainable_variables, value=loss, grad=grads, "
                "value_fn=function_of_trainable_variables)`."
            )
        arrays = dense_gradients(self.name, grads, infos)
        refuse_none_at_all(arrays)
        # Optax wants a gradient everywhere; what it makes of these zeros is dropped below.
        filled = [
            jnp.zeros_like(param) if gradient is None or info.overwrite else gradient
            for gradient, param, info in zip(arrays, params, infos, strict=True)
        ]
        tree = unflatten(list(params))
        updates, transformation = by_block(self.transformation).update(
            unflatten(filled),
            state.transformation,
            tree,
            **optax_arguments.taken(self.transformation, arguments),
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
        if self._paths is not None and len(infos) == len(self._paths):
            return nested_by_path(self._paths)
        return nested_by_path([tuple(info.path.split("/")) for info in infos])

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

    def take_paths(self, paths: Mapping[int, tuple[str, ...]]) -> None:
        self._paths_by_id = paths

    def build(self, variables: Iterable[nnx.Variable], unflatten: Unflatten | None = None) -> None:
        """See `Optimizer.build`.

        Args:
            variables: Variables to be trained.
            unflatten: makes the tree that the transformation sees from a list in their order; None
                for nested dicts by path.
        """
        variables = list(variables)
        if not self.built:
            self._unflatten = unflatten
            paths, self._paths_by_id = self._paths_by_id, {}
            if all(id(variable) in paths for variable in variables):
                self._paths = [paths[id(variable)] for variable in variables]
        super().build(variables)

    def _build_slots(self, variables: Sequence[nnx.Variable]) -> None:
        tree = self._bound_tree_builder()([read_value(variable) for variable in variables])
        if self._asked_for is None:
            self._ask(tree)
        # Values now, even inside a trace: the Variables outlive it.
        with jax.ensure_compile_time_eval():
            state = by_block(self.transformation).init(tree)
        values, self._structure = jax.tree_util.tree_flatten_with_path(state)
        with names.scope(self.name):
            self._key_kinds = [_key_kind(value) for _, value in values]
            for i, ((path, value), kind) in enumerate(zip(values, self._key_kinds)):
                name = name_of(path)
                # A copy: parameters and state may be donated together.
                value = jnp.array(value if kind is None else jax.random.key_data(value))
                spec = SlotSpec(value.shape, value.dtype.name, lambda _, value=value: value)
                variable = self._add_slot_variable("transformation", i, spec, name=name)
                if name.endswith(_INJECTED):
                    self._rate = variable

    def separate_variables(self, blocks: Sequence[tuple[int, tuple[int, ...]]]) -> list[Variable]:
        return self.variables  # the transformation is given blocks one by one

    def weights_of_slots(self) -> list[tuple[Variable, nnx.Variable]]:
        """As for other optimizers: by the end of a value's path in the transformation's state."""
        positions = self._bound_tree_builder()(list(range(len(self._built_for))))
        by_path = dict(jax.tree_util.tree_flatten_with_path(positions)[0])
        state = self._structure.unflatten(range(self._structure.num_leaves))
        pairs = []
        for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
            slot = self._variables[leaf + 1]  # behind the iteration
            ends = (by_path.get(path[start:]) for start in range(len(path)))
            position = next((end for end in ends if end is not None), None)
            if position is not None and slot.shape == tuple(self._built_for[position].shape):
                pairs.append((slot, self._built_for[position]))
        return pairs

    def _bound_tree_builder(self) -> Unflatten:
        return self._tree_builder(self.parameter_infos_of(self._built_for))

    def _state_from_values(self, values: Sequence[ArrayLike]) -> OptimizerState:
        if self._structure is None:  # before `build`
            return OptimizerState(values[0])
        leaves = [
            value if kind is None else jax.random.wrap_key_data(value, impl=kind)
            for value, kind in zip(values[1:], self._key_kinds)
        ]
        return OptimizerState(values[0], transformation=self._structure.unflatten(leaves))

    def _values_of_state(self, state: OptimizerState) -> list[jax.Array]:
        leaves = [
            value if _key_kind(value) is None else jax.random.key_data(value)
            for value in jax.tree.leaves(state.transformation)
        ]
        return [state.iteration, *leaves]

    def pack(self, values: Sequence[ArrayLike], unflatten: Unflatten) -> dict[str, Any]:
        state = self._state_from_values(values)
        transformation, own = state.transformation, self._bound_tree_builder()
        positions = list(range(len(self._built_for)))
        if own(positions) != unflatten(positions):
            flatten = flattener(own, len(positions))
            transformation = self._converted(transformation, flatten, unflatten)
        return {"iteration": state.iteration, "transformation": transformation}

    def unpack(
        self, opt_state: dict[str, Any], flatten: Callable[[PyTree], list]
    ) -> list[jax.Array]:
        self._check_keys(opt_state, "transformation")
        transformation = opt_state["transformation"]
        if jax.tree.structure(transformation) != self._structure:
            transformation = self._converted(transformation, flatten, self._bound_tree_builder())
        if jax.tree.structure(transformation) != self._structure:
            raise UserInputError(
                f"{self!r}: the state was made by another transformation, or for other parameters. "
                f"Expected {self._structure}, received {jax.tree.structure(transformation)}."
            )
        state = OptimizerState(opt_state["iteration"], transformation=transformation)
        values = self._values_of_state(state)
        self._check_shapes(values)
        return values

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
        new = value.value if isinstance(value, Variable) else value
        if not isinstance(new, jax.core.Tracer):
            check_sign("learning_rate", float(new))
        self.learning_rate.assign(new)

    def get_config(self) -> Config:
        """The name. A transformation is code, which no config holds: it has to be given again."""
        in_memory = scopes.classes_in_memory() is not None
        return {
            "transformation": self.transformation if in_memory else None,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        """The optimizer that `get_config` described, with a transformation that is given again.

        Args:
            config: what `get_config` returned.
            custom_objects: dict with the transformation under the optimizer's name or under
                `"transformation"`; those of an open `custom_object_scope` count as well.

        Raises:
            TransformationMissingError: no transformation is given.
        """
        config = dict(config)
        for name in (config.get("name"), "transformation"):
            if config.get("transformation") is None and isinstance(name, str):
                config["transformation"] = registry.get_registered_object(name, custom_objects)
        if config.get("transformation") is None:
            raise TransformationMissingError(
                f"The config of optimizer '{config.get('name')}' stands for an Optax "
                "transformation, which is code and has to be given again: custom_objects="
                "{'transformation': optax.adam(...)}."
            )
        return cls(**config)


def _key_kind(value: Any) -> Any:
    """The implementation of a typed random key; None for any other value."""
    dtype = getattr(value, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key):
        return jax.random.key_impl(value)
    return None
