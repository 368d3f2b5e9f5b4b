"""Adagrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

import jax
import jax.numpy as jnp

from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.options import not_negative
from fkeras.optimizers.slot_spec import SlotSpec

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of all its squares so far.

    Other arguments: see `Optimizer`.

    Args:
        initial_accumulator_value: where the sums start.
        epsilon: keeps the division finite.

    References:
        - [Duchi et al., 2011](http://www.jmlr.org/papers/volume12/duchi11a/duchi11a.pdf)
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
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
        self.initial_accumulator_value = not_negative(
            "initial_accumulator_value", initial_accumulator_value
        )
        self.epsilon = not_negative("epsilon", epsilon)

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("accumulator",)]

    def slot_for(self, key: str, info: ParameterInfo) -> SlotSpec | None:
        return SlotSpec.like(info, self.initial_accumulator_value)

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        learning_rate: jax.Array,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        accumulator = slots["accumulator"] + jnp.square(gradient)
        change = learning_rate * gradient / sqrt(accumulator + self.epsilon)
        return param - change, {"accumulator": accumulator}
