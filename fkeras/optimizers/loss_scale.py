"""Dynamic loss scaling for float16."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import jax
import jax.numpy as jnp

from fkeras.core.config import serialization
from fkeras.errors import UserInputError
from fkeras.optimizers.arithmetic import either
from fkeras.optimizers.by_name import get
from fkeras.optimizers.gradients import dense_gradients
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.optimizer_map import refuse_needs_of_loss
from fkeras.optimizers.slot_spec import SlotSpec

if TYPE_CHECKING:
    import optax
    from flax import nnx

    from fkeras.core.values.variable import Variable
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.state import Flatten, OptimizerState, Unflatten
    from fkeras.types import ArrayLike, Config, Identifier

# A scale of 0 or infinity would never come back.
_LEAST = 2.0**-100
_MOST = 2.0**120

# What files from before Keras 3.13 name although it never had an effect here.
_NOT_HERE = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss, so that small float16 gradients do not vanish.

    The gradients are divided again before the inner optimizer sees them.

    A step whose gradients are not all finite is skipped, parameters and inner state untouched, and
    the scale is halved. After `dynamic_growth_steps` good steps in a row it is doubled.
    `skipped_steps` counts how many steps in a row were skipped: a number that keeps growing means
    that the loss itself is not finite. `fit` says at its end how many it skipped, leaves the number
    in `skipped_in_fit`, and warns where it skipped all. In the state, `step_counter` is the number
    of good steps since the last change, or below zero the number of steps skipped in a row (Keras:
    0).

    Args:
        inner_optimizer: the optimizer that makes the updates. Its own `loss_scale_factor` is set to
            None.
        initial_scale: the first scale.
        dynamic_growth_steps: number of good steps before the scale is doubled.
        name: None for an automatic name.

    Raises:
        UserInputError: arguments that belong on the inner optimizer.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> inner = fkeras.optimizers.SGD(0.1)
        >>> optimizer = fkeras.optimizers.LossScaleOptimizer(inner, initial_scale=4.0)
        >>> params = jnp.ones(1)
        >>> state = optimizer.init(params)
        >>> params, state = optimizer.update(jnp.array([jnp.inf]), state, params)
        >>> params.tolist(), float(state["dynamic_scale"]), int(state["step_counter"])
        ([1.0], 2.0, -1)
    """

    _composite_kind = "LossScaleOptimizer"
    shared_keys = ("step_counter", "dynamic_scale")

    def __init__(
        self,
        inner_optimizer: Optimizer | Identifier | optax.GradientTransformation,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs.pop("dynamic", True):
            raise UserInputError(
                "LossScaleOptimizer no longer supports `dynamic=False`. Instead, simply set "
                "`loss_scale_factor` directly on the `inner_optimizer`."
            )
        for option, default in _NOT_HERE.items():
            if kwargs.pop(option, default) != default:
                raise UserInputError(
                    f"LossScaleOptimizer does not support `{option}`. Instead, set `{option}` on "
                    "the `inner_optimizer`."
                )
        if kwargs:
            raise UserInputError(
                f"LossScaleOptimizer does not support arguments: `{'`, `'.join(kwargs)}`."
            )
        super().__init__(0.0, name=name)
        inner = get(inner_optimizer)
        if not isinstance(inner, Optimizer) or isinstance(inner, LossScaleOptimizer):
            raise UserInputError(
                "LossScaleOptimizer: `inner_optimizer` must be an optimizer without dynamic loss "
                f"scaling of its own. Received: inner_optimizer={inner_optimizer!r}"
            )
        refuse_needs_of_loss(inner, "LossScaleOptimizer", "compile with `auto_scale_loss=False`")
        inner.loss_scale_factor = None
        self.inner_optimizer = inner
        if not initial_scale > 0:
            raise UserInputError(
                "LossScaleOptimizer: `initial_scale` must be above 0, since gradients are divided "
                f"by it. Received: initial_scale={initial_scale}"
            )
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        self._skipped_in_fit = 0

    @property
    def revision(self) -> int:
        return self._revision + self.inner_optimizer.revision

    # -- pure ------------------------------------------------------------------

    def shared_slots(self, infos: Sequence[ParameterInfo]) -> dict[str, SlotSpec]:
        return {
            "step_counter": SlotSpec((), "int32"),
            "dynamic_scale": SlotSpec((), "float32", self.initial_scale),
        }

    def _first_state(
        self, params: Sequence[jax.Array], infos: Sequence[ParameterInfo]
    ) -> OptimizerState:
        state = super()._first_state(params, infos)
        return state.replace(inner=[self.inner_optimizer._first_state(params, infos)])

    def _step(
        self,
        grads: Sequence[ArrayLike | None],
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
    ) -> tuple[list[jax.Array], OptimizerState]:
        arrays = dense_gradients(self.name, grads, infos)
        # One flag for all: a single infinite element means that the scale was too large.
        finite = jnp.array([jnp.all(jnp.isfinite(g)) for g in arrays if g is not None]).all()
        scale, counter = state.shared["dynamic_scale"], state.shared["step_counter"]

        def good_step() -> tuple[list[jax.Array], OptimizerState]:
            # Values that overwrite a parameter were never scaled.
            unscaled = [
                g if g is None or info.overwrite else g / scale for g, info in zip(arrays, infos)
            ]
            (inner,) = state.inner
            new_params, new_inner = self.inner_optimizer._whole_step(unscaled, params, inner, infos)
            # Below zero it counted skipped steps.
            good_steps = jnp.maximum(counter, 0)
            grow = good_steps == self.dynamic_growth_steps - 1
            shared = {
                "step_counter": jnp.where(grow, 0, good_steps + 1),
                "dynamic_scale": jnp.where(grow, jnp.minimum(scale * 2, _MOST), scale),
            }
            return new_params, state.replace(shared=shared, inner=[new_inner])

        def skipped_step() -> tuple[list[jax.Array], OptimizerState]:
            shared = {
                "step_counter": jnp.minimum(counter, 0) - 1,
                "dynamic_scale": jnp.maximum(scale * 0.5, _LEAST),
            }
            return list(params), state.replace(shared=shared)

        return either(finite, good_step, skipped_step)

    def _final_values(
        self,
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
    ) -> list[jax.Array]:
        return self.inner_optimizer._final_values(params, state.inner[0], infos)

    def scale_loss(self, loss: ArrayLike, opt_state: dict[str, Any] | None = None) -> ArrayLike:
        """The loss times the dynamic scale: of `opt_state`, else of the object."""
        if opt_state is not None:
            return loss * opt_state["dynamic_scale"]
        return loss * (self.dynamic_scale.value if self.built else self.initial_scale)

    def _to_trees(
        self, state: OptimizerState, infos: Sequence[ParameterInfo], unflatten: Unflatten
    ) -> dict[str, Any]:
        inner = self.inner_optimizer._to_trees(state.inner[0], infos, unflatten)
        return {**super()._to_trees(state, infos, unflatten), "inner_optimizer": inner}

    def _to_lists(
        self, opt_state: dict[str, Any], infos: Sequence[ParameterInfo], flatten: Flatten
    ) -> OptimizerState:
        self._check_keys(opt_state, "inner_optimizer")
        own = {key: value for key, value in opt_state.items() if key != "inner_optimizer"}
        inner = self.inner_optimizer._to_lists(opt_state["inner_optimizer"], infos, flatten)
        return super()._to_lists(own, infos, flatten).replace(inner=[inner])

    # -- Variables -------------------------------------------------------------

    def take_paths(self, paths: Mapping[int, tuple[str, ...]]) -> None:
        self.inner_optimizer.take_paths(paths)

    def _build_slots(self, variables: Sequence[nnx.Variable]) -> None:
        super()._build_slots(variables)
        by_key = self.held_variables(None)
        self.step_counter = by_key["step_counter"]
        self.dynamic_scale = by_key["dynamic_scale"]
        self.inner_optimizer.build(variables)

    @property
    def variables(self) -> list[Variable]:
        """Its own Variables, then those of the inner optimizer."""
        return list(self._variables) + self.inner_optimizer.variables

    def separate_variables(self, blocks: Sequence[tuple[int, tuple[int, ...]]]) -> list[Variable]:
        return list(self._variables) + self.inner_optimizer.separate_variables(blocks)

    @property
    def skipped_steps(self) -> int:
        """How many steps in a row have been skipped up to now: 0 after a good step."""
        return max(0, -int(self.step_counter.value)) if self.built else 0

    @property
    def skipped_in_fit(self) -> int:
        """How many steps the last `fit` skipped."""
        return self._skipped_in_fit

    def note_skipped_in_fit(self, count: int) -> None:
        """Is told by `fit`. No option of the optimizer: compiled steps stay as they are."""
        self._skipped_in_fit = count

    @property
    def applied_steps(self) -> int:
        """How many steps were not skipped, since the optimizer was made."""
        return int(self.inner_optimizer._iterations.value) if self.built else 0

    def _state_from_values(self, values: Sequence[ArrayLike]) -> OptimizerState:
        count = len(self._variables)
        inner = self.inner_optimizer._state_from_values(values[count:])
        return super()._state_from_values(values[:count]).replace(inner=[inner])

    def _values_of_state(self, state: OptimizerState) -> list[jax.Array]:
        inner = self.inner_optimizer._values_of_state(state.inner[0])
        return super()._values_of_state(state) + inner

    def _can_compile(self, infos: Sequence[ParameterInfo]) -> bool:
        return super()._can_compile(infos) and self.inner_optimizer._can_compile(infos)

    def _constants(self) -> str:
        return repr((self.dynamic_growth_steps, self.inner_optimizer._constants()))

    @property
    def learning_rate(self) -> Variable | jax.Array:
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: ArrayLike | LearningRate) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self) -> Variable | jax.Array:
        """The inner optimizer's: skipped steps do not count."""
        return self.inner_optimizer.iterations

    def with_current_rates(self, opt_state: dict[str, Any]) -> dict[str, Any]:
        return {
            **opt_state,
            "inner_optimizer": self.inner_optimizer.with_current_rates(
                opt_state["inner_optimizer"]
            ),
        }

    def finalize_variable_values(self, var_list: Iterable[nnx.Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[nnx.Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def _decays(self, name: str, variable: nnx.Variable | None = None) -> bool:
        return self.inner_optimizer._decays(name, variable)

    def get_config(self) -> Config:
        return {
            "name": self.name,
            "inner_optimizer": serialization.serialize_keras_object(self.inner_optimizer),
            "initial_scale": float(self.initial_scale),
            "dynamic_growth_steps": int(self.dynamic_growth_steps),
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        config = dict(config)
        inner = serialization.deserialize_keras_object(
            config.pop("inner_optimizer"), custom_objects=custom_objects
        )
        return cls(inner, **config)
