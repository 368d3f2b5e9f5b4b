"""`Optimizer`: an update rule under Keras's name, pure on trees and stateful on Variables.

One concept a class, each on the one before:

- `UpdateRule` (rule.py): the arithmetic; what subclasses define. Pure, no state.
- `StateLayout`, `PureOptimizer`: what a state holds; `init`, `update`, `finalize` on trees.
- `OptimizerVariables`, `BuildableOptimizer`: the same state as a list of Variables, in Keras's
  order, so that files travel both ways.
- `RatedOptimizer`, `SavableOptimizer`, `StatefulOptimizer`: the learning rate, files, `apply`.

A chain of classes rather than an object that is handed in, since Keras's contract is that a
subclass of `Optimizer` overrides the rule itself. `update_step.step` has the order of a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Never, Self

import jax
import jax.numpy as jnp

from fkeras.core import names
from fkeras.core.config import constructor, serialization
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.optimizers import former_arguments, keras_style, rates
from fkeras.optimizers.arithmetic import at_least_float32
from fkeras.optimizers.options import check_options
from fkeras.optimizers.parameter_info import parameter_info_of, read_value
from fkeras.optimizers.stateful import StatefulOptimizer
from fkeras.optimizers.update_step import step_leaf

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.state import OptimizerState
    from fkeras.optimizers.update_step import Gradients
    from fkeras.types import ArrayLike, Config


class Optimizer(StatefulOptimizer):
    """Base of all optimizers.

    Pure, on any tree of parameters: `state = optimizer.init(params)`, then
    `params, state = optimizer.update(grads, state, params)`, under jit, vmap, scan and grad. The
    state is a dict with readable keys (`iteration`, `learning_rate`, `momentum`, ...); values that
    belong to parameters are trees like the parameters. As in Keras:
    `optimizer.apply(grads, variables)` on Variables. Both give equal numbers.

    `update` looks like Optax's and returns new parameters instead of changes. `to_optax()` makes an
    Optax transformation of any optimizer, `optimizers.get(transformation)` the other way round.

    Half precision parameters are updated in float32 and rounded once (Keras computes in bfloat16
    itself, where Adam stands still).

    For an optimizer of your own, either override `build` and
    `update_step(gradient, variable, learning_rate)` as in Keras, or, shorter, `slot_groups` and
    `leaf_step`.

    Args:
        learning_rate: a number (it may be assigned later, without recompiling), a
            `LearningRateSchedule`, or a callable without arguments or of the step.
        weight_decay: fraction of a parameter, times the learning rate, to take off it at each
            update; None for none.
        clipnorm: largest L2 norm of the gradient of each parameter; None for any.
        clipvalue: largest absolute value of each element of a gradient.
        global_clipnorm: largest L2 norm of all gradients together. At most one of the three.
        use_ema: keep an exponential moving average of the parameters, which `fit` puts in their
            place at its end.
        ema_momentum: fraction in [0, 1] of the average that stays at each step.
        ema_overwrite_frequency: number of updates after which the averages replace the parameters
            during training; None for never.
        loss_scale_factor: what `scale_loss` multiplies the loss with; gradients are divided by it.
            None for 1.
        gradient_accumulation_steps: number (>= 2) of steps whose mean gradient makes one update;
            None for an update each step.
        name: None for an automatic name.
        **kwargs: `lr` and `decay` of older Keras, with a warning: the learning rate, and by how
            much its divisor grows at each step.

    Raises:
        UserInputError: unknown arguments, or values out of range.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> optimizer = fkeras.optimizers.SGD(0.1, momentum=0.9)
        >>> params = {"w": jnp.ones(2)}
        >>> state = optimizer.init(params)
        >>> sorted(state)
        ['iteration', 'learning_rate', 'momentum']
        >>> params, state = jax.jit(optimizer.update)({"w": jnp.array([1.0, 2.0])}, state, params)
        >>> params["w"].tolist()
        [0.8999999761581421, 0.800000011920929]
    """

    _apart = frozenset(("name", "_revision", "_compiled_step"))  # see core/likeness.py

    def __init__(
        self,
        learning_rate: float | LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Never,
    ) -> None:
        self._start()
        learning_rate, decay = former_arguments.take(kwargs, learning_rate)
        if kwargs:
            raise UserInputError(f"Argument(s) not recognized: {kwargs}.")
        self.decay = decay
        self.name = names.auto_name(type(self).__name__) if name is None else name
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        check_options(self)
        self._add_first_variables(rates.checked(learning_rate))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    # -- optimizers that a program writes as for Keras -------------------------

    def update_step(
        self,
        gradient: ArrayLike,
        variable: nnx.Variable,
        learning_rate: ArrayLike,
    ) -> None:
        """Updates one Variable, and what is kept for it, in place.

        To be overridden by optimizers written as for Keras. This one does what `leaf_step` says.

        Args:
            gradient: clipped, and divided by the loss scale.
            variable: after weight decay.
            learning_rate: the rate at this step.
        """
        index = self._get_variable_index(variable)
        slot_variables, shared_variables = self.held_variables(index), self.held_variables(None)
        param = at_least_float32(read_value(variable))
        scalars = self.step_scalars(
            jnp.asarray(getattr(learning_rate, "value", learning_rate), param.dtype),
            jnp.asarray(getattr(self.iterations, "value", self.iterations) + 1, param.dtype),
            {key: shared_variables[key].value for key in self.shared_keys},
        )
        new, new_slots = step_leaf(
            self,
            jnp.asarray(gradient).astype(param.dtype),
            param,
            {
                key: at_least_float32(slot_variables[key].value)
                for key in self.slot_keys()
                if key in slot_variables
            },
            scalars,
            parameter_info_of(variable),
        )
        for key, value in new_slots.items():
            if key in slot_variables:
                self.assign(slot_variables[key], value)
        self.assign(variable, new)

    def assign(self, variable: nnx.Variable, value: ArrayLike) -> None:
        """Sets a Variable of the model or the optimizer."""
        variable.assign(value)

    def assign_add(self, variable: nnx.Variable, value: ArrayLike) -> None:
        """Adds to a Variable of the model or the optimizer."""
        variable.assign(variable.value + value)

    def assign_sub(self, variable: nnx.Variable, value: ArrayLike) -> None:
        """Subtracts from a Variable of the model or the optimizer."""
        variable.assign(variable.value - value)

    def _is_keras_style(self) -> bool:
        return keras_style.is_keras_style(type(self), Optimizer)

    def _overrides_apply(self) -> bool:
        return (
            type(self).apply is not Optimizer.apply
            or type(self).stateless_apply is not Optimizer.stateless_apply
        )

    def _whole_step(
        self,
        grads: Sequence[ArrayLike | None],
        params: Sequence[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
    ) -> tuple[list[jax.Array], OptimizerState]:
        if not self._overrides_apply():
            return self._step(grads, params, state, infos)
        keras_style.check_built_for(self, infos)
        new_params, values = self.stateless_apply(self._values_of_state(state), grads, params)
        return new_params, self._state_from_values(values)

    def _apply_rule(
        self,
        grads: Gradients,
        params: list[jax.Array],
        state: OptimizerState,
        infos: Sequence[ParameterInfo],
        learning_rate: jax.Array,
        count: jax.Array,
    ) -> tuple[list[jax.Array], OptimizerState]:
        if self._is_keras_style():
            return keras_style.apply_update_steps(self, grads, params, state, infos, learning_rate)
        return super()._apply_rule(grads, params, state, infos, learning_rate, count)

    def _first_state(
        self, params: Sequence[jax.Array], infos: Sequence[ParameterInfo]
    ) -> OptimizerState:
        if not (self._is_keras_style() or self._overrides_apply()):
            return super()._first_state(params, infos)
        # What `build` made is the state: only the program knows what that is.
        if not self.built:
            keras_style.build_for(self, params, infos)
        keras_style.check_built_for(self, infos)
        return self._state_from_values([jnp.array(v.value) for v in self.variables])

    # -- configs ---------------------------------------------------------------

    def get_config(self) -> Config:
        """The arguments of the constructor as plain values."""
        config = constructor.config_from_signature(self, self._arguments, self._plain_argument)
        return {**config, "decay": self.decay} if self.decay else config

    def _plain_argument(self, name: str, value: Any) -> Any:
        if name == "learning_rate":
            rate = self._learning_rate
            return rates.config_of(float(rate) if isinstance(rate, Variable) else rate)
        return value

    @classmethod
    def from_config(cls, config: Config, custom_objects: dict[str, Any] | None = None) -> Self:
        """The optimizer that `get_config` described, without state.

        Args:
            config: what `get_config` returned.
            custom_objects: dict from names to classes, for a schedule of a program's own.
        """
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = serialization.deserialize_keras_object(
                config["learning_rate"], custom_objects=custom_objects
            )
        return cls(**config)
