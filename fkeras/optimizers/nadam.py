"""Nadam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Never

import jax
import jax.numpy as jnp

from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.options import decay_rate, not_negative
from fkeras.optimizers.slot_spec import SlotSpec

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots


class _NadamScalars(NamedTuple):
    """What one step has for all parameters; `fresh_*` is the share of the new in an average."""

    learning_rate: jax.Array
    fresh_1: jax.Array
    fresh_2: jax.Array
    next_momentum: jax.Array
    next_correction: jax.Array
    gradient_weight: jax.Array
    correction: jax.Array
    velocity_correction: jax.Array


class Nadam(Optimizer):
    """Adam with Nesterov momentum.

    The momentum of step t is `beta_1 * (1 - 0.5 * 0.96 ** t)`; its running product is kept as
    `u_product`. Other arguments: see `Optimizer`.

    Args:
        beta_1: fraction of the gradient's average that stays at each step.
        beta_2: the same for its square.
        epsilon: keeps the division finite.

    References:
        - [Dozat, 2015](http://cs229.stanford.edu/proj2015/054_report.pdf)
    """

    shared_keys = ("u_product",)

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
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
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.epsilon = not_negative("epsilon", epsilon)

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum", "velocity")]

    def shared_slots(self, infos: Sequence[ParameterInfo]) -> dict[str, SlotSpec]:
        is_double = bool(infos) and infos[0].dtype == "float64"
        return {"u_product": SlotSpec((), "float64" if is_double else "float32", 1.0)}

    def advance_shared(self, shared: Slots, step: jax.Array) -> Slots:
        product = shared["u_product"]
        return {"u_product": product * self._momentum_at(step.astype(product.dtype))}

    def _momentum_at(self, step: jax.Array) -> jax.Array:
        return self.beta_1 * (1.0 - 0.5 * jnp.asarray(0.96, step.dtype) ** step)

    def step_scalars(
        self, learning_rate: jax.Array, step: jax.Array, shared: Slots
    ) -> _NadamScalars:
        momentum, next_momentum = self._momentum_at(step), self._momentum_at(step + 1)
        product = shared["u_product"].astype(step.dtype)  # of the momenta up to this step
        beta_1 = jnp.asarray(self.beta_1, step.dtype)
        beta_2 = jnp.asarray(self.beta_2, step.dtype)
        return _NadamScalars(
            learning_rate=learning_rate,
            fresh_1=1 - beta_1,
            fresh_2=1 - beta_2,
            next_momentum=next_momentum,
            next_correction=1 - product * next_momentum,
            gradient_weight=1 - momentum,
            correction=1 - product,
            velocity_correction=1 - beta_2**step,
        )

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        scalars: _NadamScalars,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        s = scalars
        momentum = slots["momentum"] + (gradient - slots["momentum"]) * s.fresh_1
        velocity = slots["velocity"] + (jnp.square(gradient) - slots["velocity"]) * s.fresh_2
        # Nesterov: the momentum of the next step, and this gradient by itself.
        ahead = s.next_momentum * momentum / s.next_correction
        ahead = ahead + s.gradient_weight * gradient / s.correction
        divisor = sqrt(velocity / s.velocity_correction) + self.epsilon
        change = ahead * s.learning_rate / divisor
        return param - change, {"momentum": momentum, "velocity": velocity}
