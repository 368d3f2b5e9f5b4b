"""Dynamic loss scaling for float16."""

import jax.numpy as jnp

from fkeras.core import names
from fkeras.core.config import serialization
from fkeras.errors import UserInputError
from fkeras.optimizers.arithmetic import either
from fkeras.optimizers.by_name import get
from fkeras.optimizers.leaves import Slot, dense_gradients
from fkeras.optimizers.optimizer import Optimizer

_LEAST, _MOST = 2.0**-100, 2.0**120  # a scale of 0 or infinity would never come back

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
    """Multiplies the loss, so that small float16 gradients do not vanish, and divides the gradients
    again.

    A step whose gradients are not all finite is skipped, parameters and inner state untouched, and
    the scale is halved. After `dynamic_growth_steps` good steps in a row it is doubled.
    `skipped_steps` counts how many steps in a row were skipped: a number that keeps growing means
    that the loss itself is not finite. In the state, `step_counter` is the number of good steps
    since the last change, or below zero the number of steps skipped in a row (Keras: 0).

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
        >>> optimizer = fkeras.optimizers.LossScaleOptimizer(fkeras.optimizers.SGD(0.1), initial_scale=4.0)
        >>> params = jnp.ones(1)
        >>> state = optimizer.init(params)
        >>> params, state = optimizer.update(jnp.array([jnp.inf]), state, params)
        >>> params.tolist(), float(state["dynamic_scale"]), int(state["step_counter"])
        ([1.0], 2.0, -1)
    """

    def __init__(
        self, inner_optimizer, initial_scale=2.0**15, dynamic_growth_steps=2000, name=None, **kwargs
    ):
        if not kwargs.pop("dynamic", True):
            raise UserInputError(
                "LossScaleOptimizer no longer supports `dynamic=False`. Instead, simply set "
                "`loss_scale_factor` directly on the `inner_optimizer`."
            )
        for what, default in _NOT_HERE.items():
            if kwargs.pop(what, default) != default:
                raise UserInputError(
                    f"LossScaleOptimizer does not support `{what}`. Instead, set `{what}` on the "
                    "`inner_optimizer`."
                )
        if kwargs:
            raise UserInputError(
                f"LossScaleOptimizer does not support arguments: `{'`, `'.join(kwargs)}`."
            )
        super().__init__(0.0, name=name)
        self.inner_optimizer = get(inner_optimizer)
        if not isinstance(self.inner_optimizer, Optimizer) or isinstance(
            self.inner_optimizer, LossScaleOptimizer
        ):
            raise UserInputError(
                "LossScaleOptimizer: `inner_optimizer` must be an optimizer without dynamic loss "
                f"scaling of its own. Received: inner_optimizer={inner_optimizer!r}"
            )
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        self.inner_optimizer.loss_scale_factor = None

    # -- pure ------------------------------------------------------------------

    def _first_state(self, params, leaves):
        return {
            "iteration": jnp.zeros((), jnp.int32),
            "learning_rate": jnp.array(self._learning_rate.value),
            "step_counter": jnp.zeros((), jnp.int32),
            "dynamic_scale": jnp.asarray(self.initial_scale, jnp.float32),
            "inner_optimizer": self.inner_optimizer._first_state(params, leaves),
        }

    def _step(self, grads, params, state, leaves):
        grads = dense_gradients(self.name, grads, leaves)
        finite = jnp.array([jnp.all(jnp.isfinite(g)) for g in grads if g is not None]).all()
        scale, counter = state["dynamic_scale"], state["step_counter"]

        def good():
            ours = [
                g if g is None or leaf.overwrite else g / scale for g, leaf in zip(grads, leaves)
            ]
            new_params, inner = self.inner_optimizer._whole_step(
                ours, params, state["inner_optimizer"], leaves
            )
            so_far = jnp.maximum(counter, 0)
            grow = so_far == self.dynamic_growth_steps - 1
            return new_params, {
                **state,
                "inner_optimizer": inner,
                "step_counter": jnp.where(grow, 0, so_far + 1),
                "dynamic_scale": jnp.where(grow, jnp.minimum(scale * 2, _MOST), scale),
            }

        def skip():
            return list(params), {
                **state,
                "step_counter": jnp.minimum(counter, 0) - 1,
                "dynamic_scale": jnp.maximum(scale * 0.5, _LEAST),
            }

        return either(finite, good, skip)

    def _final_values(self, params, state, leaves):
        return self.inner_optimizer._final_values(params, state["inner_optimizer"], leaves)

    def scale_loss(self, loss, opt_state=None):
        """The loss times the dynamic scale: of `opt_state`, else of the object."""
        if opt_state is not None:
            return loss * opt_state["dynamic_scale"]
        return loss * (self.dynamic_scale.value if self.built else self.initial_scale)

    def _is_plain(self, key):
        return key in ("iteration", "learning_rate", "step_counter", "dynamic_scale")

    def _as_trees(self, state, unflatten):
        return {
            k: self.inner_optimizer._as_trees(v, unflatten) if k == "inner_optimizer" else v
            for k, v in state.items()
        }

    def _as_lists(self, state, flatten):
        super()._as_lists(
            {k: v for k, v in state.items() if k != "inner_optimizer"}, flatten
        )  # its checks
        return {
            k: self.inner_optimizer._as_lists(v, flatten) if k == "inner_optimizer" else v
            for k, v in state.items()
        }

    # -- Variables -------------------------------------------------------------

    def _build_rows(self, variables):
        with names.scope(self.name):
            self.step_counter = self._keep("step_counter", None, Slot((), "int32"))
            self.dynamic_scale = self._keep(
                "dynamic_scale", None, Slot((), "float32", self.initial_scale)
            )
        self.inner_optimizer.build(variables)

    @property
    def variables(self):
        """Its own Variables, then those of the inner optimizer."""
        return list(self._variables) + self.inner_optimizer.variables

    @property
    def skipped_steps(self) -> int:
        """How many steps in a row have been skipped up to now: 0 after a good step."""
        return max(0, -int(self.step_counter.value)) if self.built else 0

    def dict_state(self, values):
        own = len(self._variables)
        state = {key: value for (key, _), value in zip(self._rows, values[:own], strict=True)}
        return {**state, "inner_optimizer": self.inner_optimizer.dict_state(values[own:])}

    def list_state(self, state):
        return super().list_state(state) + self.inner_optimizer.list_state(state["inner_optimizer"])

    def _can_compile(self, leaves):
        return super()._can_compile(leaves) and self.inner_optimizer._can_compile(leaves)

    def _constants(self):
        return repr((self.dynamic_growth_steps, self.inner_optimizer._constants()))

    @property
    def learning_rate(self):
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self):
        """The inner optimizer's: skipped steps do not count."""
        return self.inner_optimizer.iterations

    def with_current_rates(self, opt_state):
        return {
            **opt_state,
            "inner_optimizer": self.inner_optimizer.with_current_rates(
                opt_state["inner_optimizer"]
            ),
        }

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def _decays(self, name, variable=None):
        return self.inner_optimizer._decays(name, variable)

    def get_config(self):
        return {
            "name": self.name,
            "inner_optimizer": serialization.serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        inner = serialization.deserialize_keras_object(
            config.pop("inner_optimizer"), custom_objects=custom_objects
        )
        return cls(inner, **config)
