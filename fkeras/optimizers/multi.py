"""Several optimizers, each for some of the parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

import jax
import jax.numpy as jnp

from fkeras.core.config import serialization
from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.optimizer_map import OptimizerMap, refuse_composite, refuse_needs_of_loss
from fkeras.optimizers.parameter_info import parameter_info_of
from fkeras.optimizers.rates import NoLearningRateError

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.core.values.variable import Variable
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.state import Flatten, OptimizerState, Unflatten
    from fkeras.types import ArrayLike, Config

T = TypeVar("T")


class MultiOptimizer(Optimizer):
    """Hands each parameter to one of several optimizers.

    It has no learning rate of its own: read and set those of its `optimizers`. In the pure state,
    `optimizers` is the list of their states, each with trees of all parameters, and 0-d zeros where
    another optimizer is in charge.

    Args:
        optimizer_map: an `OptimizerMap`, or a function of a parameter (with `path`, `name` and
            `shape`) that returns its optimizer.
        loss_scale_factor: see `Optimizer`; replaces those of the optimizers.
        name: None for an automatic name.

    Raises:
        UserInputError: an optimizer inside that is itself a MultiOptimizer or a LossScaleOptimizer.

    Examples:
        >>> import jax.numpy as jnp
        >>> from fkeras.optimizers import SGD, MultiOptimizer, OptimizerMap
        >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.1), {"head/.*": SGD(1.0)}))
        >>> params = {"body": {"w": jnp.zeros(1)}, "head": {"w": jnp.zeros(1)}}
        >>> grads = {"body": {"w": jnp.ones(1)}, "head": {"w": jnp.ones(1)}}
        >>> params, state = optimizer.update(grads, optimizer.init(params), params)
        >>> round(float(params["body"]["w"][0]), 3), float(params["head"]["w"][0])
        (-0.1, -1.0)
    """

    _composite_kind = "MultiOptimizer"

    def __init__(
        self,
        optimizer_map: Callable[[nnx.Variable | ParameterInfo], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        if not callable(optimizer_map):
            raise UserTypeError(
                "MultiOptimizer: `optimizer_map` must be an OptimizerMap, or a function of a "
                f"variable that returns its optimizer. Received: {optimizer_map!r}"
            )
        self._optimizer_map = optimizer_map
        self._inner: list[Optimizer] = []
        self._inner_by_path: dict[str, int] = {}
        self._paths: Mapping[int, tuple[str, ...]] = {}
        # Those of a map are there from the start, in its order; a function's are met one by one.
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._position(optimizer)

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers, in the order in which they were met."""
        return self._inner

    @property
    def loss_scale_factor(self) -> float | None:
        """The loss scale of this and of all inner optimizers."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: float | None) -> None:
        self._loss_scale_factor = value
        for optimizer in self.__dict__.get("_inner", ()):
            optimizer.loss_scale_factor = value

    @property
    def revision(self) -> int:
        return self._revision + sum(optimizer.revision for optimizer in self._inner)

    def _position(self, optimizer: Optimizer) -> int:
        """The index of an optimizer in `optimizers`, which takes it in when it is new."""
        for i, inner in enumerate(self._inner):
            if inner is optimizer:
                return i
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._inner.append(optimizer)
        return len(self._inner) - 1

    def _indices_by_optimizer(
        self, parameters: Sequence[nnx.Variable | ParameterInfo]
    ) -> list[list[int]]:
        """For each optimizer, which of the parameters (Variables or their infos) it takes.

        The map is asked once for each path, since a function may return a new optimizer each time.
        """
        for parameter in parameters:
            if parameter.path not in self._inner_by_path:
                optimizer = self._optimizer_map(parameter)
                if not isinstance(optimizer, Optimizer):
                    raise UserInputError(
                        f"Optimizer for variable {parameter.path!r} is not an Optimizer instance. "
                        f"Received: {optimizer!r}"
                    )
                refuse_composite(optimizer, "{} cannot be used inside an MultiOptimizer.")
                refuse_needs_of_loss(optimizer, "MultiOptimizer", "use it for all parameters")
                self._inner_by_path[parameter.path] = self._position(optimizer)
        indices: list[list[int]] = [[] for _ in self._inner]
        for i, parameter in enumerate(parameters):
            indices[self._inner_by_path[parameter.path]].append(i)
        return indices

    # -- pure ------------------------------------------------------------------

    def _first_state(
        self, params: Sequence[jax.Array], infos: Sequence[ParameterInfo]
    ) -> OptimizerState:
        shares = self._indices_by_optimizer(infos)
        inner = [
            optimizer._first_state(_pick(params, indices), _pick(infos, indices))
            for optimizer, indices in zip(self._inner, shares)
        ]
        return super()._first_state(params, infos).replace(inner=inner)

    def _step(
        self,
        grads: Sequence[ArrayLike | None],
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
    ) -> tuple[list[jax.Array], OptimizerState]:
        new_params, new_inner = list(params), list(state.inner)
        for k, indices in enumerate(self._indices_by_optimizer(infos)):
            if not indices:
                continue
            optimizer = self._inner[k]
            # Exclusions of this optimizer as well as of the inner one.
            own_infos = [
                info.with_decay(info.decays and optimizer._decays(info.name))
                for info in _pick(infos, indices)
            ]
            values, new_inner[k] = optimizer._whole_step(
                _pick(grads, indices), _pick(params, indices), state.inner[k], own_infos
            )
            for i, value in zip(indices, values):
                new_params[i] = value
        return new_params, state.replace(iteration=state.iteration + 1, inner=new_inner)

    def _final_values(
        self,
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
    ) -> list[jax.Array]:
        final = list(params)
        shares = self._indices_by_optimizer(infos)
        for optimizer, inner, indices in zip(self._inner, state.inner, shares):
            values = optimizer._final_values(_pick(params, indices), inner, _pick(infos, indices))
            for i, value in zip(indices, values):
                final[i] = value
        return final

    def _to_trees(
        self, state: OptimizerState, infos: Sequence[ParameterInfo], unflatten: Unflatten
    ) -> dict[str, Any]:
        shares = self._indices_by_optimizer(infos)
        inner = [
            optimizer._to_trees(
                inner_state,
                _pick(infos, indices),
                # A tree of all parameters, with 0-d zeros for those of other optimizers.
                lambda values, indices=indices: unflatten(_padded(values, indices, len(infos))),
            )
            for optimizer, inner_state, indices in zip(self._inner, state.inner, shares)
        ]
        return {**super()._to_trees(state, infos, unflatten), "optimizers": inner}

    def _to_lists(
        self, opt_state: dict[str, Any], infos: Sequence[ParameterInfo], flatten: Flatten
    ) -> OptimizerState:
        self._check_keys(opt_state, "optimizers")
        shares = self._indices_by_optimizer(infos)
        inner = [
            optimizer._to_lists(
                inner_state,
                _pick(infos, indices),
                lambda tree, key, indices=indices: _pick(flatten(tree, key), indices),
            )
            for optimizer, inner_state, indices in zip(self._inner, opt_state["optimizers"], shares)
        ]
        own = {key: value for key, value in opt_state.items() if key != "optimizers"}
        return super()._to_lists(own, infos, flatten).replace(inner=inner)

    # -- Variables -------------------------------------------------------------

    def take_paths(self, paths: Mapping[int, tuple[str, ...]]) -> None:
        self._paths = paths  # the optimizers of a function are not known yet

    def _build_slots(self, variables: Sequence[nnx.Variable]) -> None:
        paths, self._paths = self._paths, {}
        for optimizer, indices in zip(self._inner, self._indices_by_optimizer(variables)):
            if indices:
                optimizer.take_paths(paths)
                optimizer.build(_pick(variables, indices))

    @property
    def variables(self) -> list[Variable]:
        """Its own Variables, then those of each optimizer."""
        return [*self._variables, *(v for optimizer in self._inner for v in optimizer.variables)]

    def separate_variables(self, blocks: Sequence[tuple[int, tuple[int, ...]]]) -> list[Variable]:
        ordered = list(self._variables)
        for optimizer, share in zip(self._inner, self._indices_by_optimizer(self._built_for)):
            places = {index: place for place, index in enumerate(share)}
            own = [(places[index], block) for index, block in blocks if index in places]
            ordered += optimizer.separate_variables(own)
        return ordered

    def parameter_infos_of(self, variables: Iterable[nnx.Variable]) -> list[ParameterInfo]:
        variables = list(variables)
        self._indices_by_optimizer(variables)
        return [
            parameter_info_of(v, self._inner[self._inner_by_path[v.path]]._decays(v.name, v))
            for v in variables
        ]

    def _state_from_values(self, values: Sequence[ArrayLike]) -> OptimizerState:
        inner, start = [], len(self._variables)
        for optimizer in self._inner:
            end = start + len(optimizer.variables)
            inner.append(optimizer._state_from_values(values[start:end]))
            start = end
        return super()._state_from_values(values[: len(self._variables)]).replace(inner=inner)

    def _values_of_state(self, state: OptimizerState) -> list[jax.Array]:
        values = super()._values_of_state(state)
        for optimizer, inner in zip(self._inner, state.inner):
            values += optimizer._values_of_state(inner)
        return values

    def _can_compile(self, infos: Sequence[ParameterInfo]) -> bool:
        return super()._can_compile(infos) and all(
            optimizer._can_compile(infos) for optimizer in self._inner
        )

    def _constants(self) -> str:
        return repr([optimizer._constants() for optimizer in self._inner])

    @property
    def learning_rate(self) -> NoReturn:
        """An error: each of `optimizers` has its own."""
        raise NoLearningRateError(
            "Learning rate cannot be accessed on a MultiOptimizer. Access the learning rate on the "
            "individual sub-optimizers instead: `[o.learning_rate for o in optimizer.optimizers]`."
        )

    @learning_rate.setter
    def learning_rate(self, value: object) -> NoReturn:
        raise NoLearningRateError(
            "Learning rate cannot be set on a MultiOptimizer. Set the learning rate on the "
            "individual sub-optimizers instead: `for o in optimizer.optimizers: o.learning_rate = "
            "...`."
        )

    def with_current_rates(self, opt_state: dict[str, Any]) -> dict[str, Any]:
        inner = [
            optimizer.with_current_rates(inner_state)
            for optimizer, inner_state in zip(self._inner, opt_state["optimizers"])
        ]
        return {**opt_state, "optimizers": inner}

    def finalize_variable_values(self, var_list: Iterable[nnx.Variable]) -> None:
        variables = list(var_list)
        shares = self._indices_by_optimizer(self._built_for)
        for optimizer, indices in zip(self._inner, shares):
            own = {id(variable) for variable in _pick(self._built_for, indices)}
            optimizer.finalize_variable_values([v for v in variables if id(v) in own])

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[nnx.Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        for optimizer in self._inner:
            optimizer.exclude_from_weight_decay(var_list, var_names)

    def get_config(self) -> Config:
        return {
            "optimizer_map": serialization.serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        config = dict(config)
        config["optimizer_map"] = serialization.deserialize_keras_object(
            config["optimizer_map"], custom_objects=custom_objects
        )
        return cls(**config)


def _pick(values: Sequence[T], indices: Sequence[int]) -> list[T]:
    return [values[i] for i in indices]


def _padded(values: Sequence[jax.Array], indices: Sequence[int], count: int) -> list[jax.Array]:
    """A list of `count` with the values at the indices, and 0-d zeros elsewhere."""
    by_index = dict(zip(indices, values))
    return [by_index[i] if i in by_index else jnp.zeros((), jnp.float32) for i in range(count)]
