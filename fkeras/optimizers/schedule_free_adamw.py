"""AdamW without a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

import jax
import jax.numpy as jnp

from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.options import decay_rate, not_negative
from fkeras.optimizers.slot_spec import SlotSpec

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots, StepScalars


class ScheduleFreeAdamW(Optimizer):
    """AdamW that averages its iterates, and so needs neither a schedule nor a stopping time.

    The parameters during training lie between the fast iterate (`momentum`) and the average. Other
    arguments: see `Optimizer`.

    Args:
        beta_1: how far the parameters lie from the fast iterate towards the average.
        beta_2: fraction of the squared gradient's average that stays at each step.
        epsilon: keeps the division finite.
        warmup_steps: steps over which the learning rate rises from 0.

    References:
        - [Defazio et al., 2024](https://arxiv.org/abs/2405.15682)
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
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
        self.warmup_steps = warmup_steps

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum", "velocity")]

    def slot_for(self, key: str, info: ParameterInfo) -> SlotSpec | None:
        # The fast iterate starts as a copy of the parameter.
        return SlotSpec.like(info, jnp.array if key == "momentum" else 0.0)

    def step_scalars(self, learning_rate: jax.Array, step: jax.Array, shared: Slots) -> StepScalars:
        if self.warmup_steps > 0:
            learning_rate = learning_rate * jnp.minimum(step / self.warmup_steps, 1.0)
        beta_1 = jnp.asarray(self.beta_1, step.dtype)
        beta_2 = jnp.asarray(self.beta_2, step.dtype)
        return learning_rate, beta_1, 1 - beta_2, 1 - beta_2**step, 1.0 / step

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        scalars: StepScalars,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        learning_rate, beta_1, fresh_2, correction, weight = scalars
        velocity = slots["velocity"] + (jnp.square(gradient) - slots["velocity"]) * fresh_2
        divisor = sqrt(velocity / correction) + self.epsilon
        fast = slots["momentum"] - learning_rate * gradient / divisor
        # The average is not kept: it follows from the parameter and the fast iterate before.
        average = (param - (1 - beta_1) * slots["momentum"]) / beta_1
        average = (1 - weight) * average + weight * fast
        return (1 - beta_1) * fast + beta_1 * average, {"momentum": fast, "velocity": velocity}
