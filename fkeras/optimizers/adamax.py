"""Adamax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

import jax
import jax.numpy as jnp

from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.options import decay_rate, not_negative

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots, StepScalars


class Adamax(Optimizer):
    """Adam with the largest absolute gradient, slowly forgotten, as divisor.

    It stands in place of the root of the mean square. Other arguments: see `Optimizer`.

    Args:
        beta_1: fraction of the gradient's average that stays at each step.
        beta_2: fraction of the largest absolute gradient that stays.
        epsilon: keeps the division finite.

    References:
        - [Kingma and Ba, 2014](https://arxiv.org/abs/1412.6980), section 7.1
    """

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
        return [("momentum", "norm")]

    def step_scalars(self, learning_rate: jax.Array, step: jax.Array, shared: Slots) -> StepScalars:
        return learning_rate, 1 - jnp.asarray(self.beta_1, step.dtype) ** step

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        scalars: StepScalars,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        learning_rate, correction = scalars  # the largest gradient needs no correction
        momentum = slots["momentum"] + (gradient - slots["momentum"]) * (1 - self.beta_1)
        norm = jnp.maximum(self.beta_2 * slots["norm"], jnp.abs(gradient))
        return param - learning_rate * momentum / (correction * (norm + self.epsilon)), {
            "momentum": momentum,
            "norm": norm,
        }
