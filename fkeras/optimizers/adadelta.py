"""Adadelta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

import jax
import jax.numpy as jnp

from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.options import decay_rate, not_negative

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots


class Adadelta(Optimizer):
    """Scales the gradient by the size of recent changes over that of recent gradients.

    Sizes are root mean squares, as moving averages. The paper's algorithm is `learning_rate=1.0`;
    the default is Keras's. Other arguments: see `Optimizer`.

    Args:
        rho: fraction of both averages that stays at each step.
        epsilon: added to the averages before their roots.

    References:
        - [Zeiler, 2012](http://arxiv.org/abs/1212.5701)
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.001,
        rho: float = 0.95,
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
        self.rho = decay_rate("rho", rho)
        self.epsilon = not_negative("epsilon", epsilon)

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("accumulated_grad", "accumulated_delta_var")]

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        learning_rate: jax.Array,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        # The change of this step follows from the changes before it, and counts in the next one.
        old = slots["accumulated_delta_var"]
        squares = self.rho * slots["accumulated_grad"] + (1 - self.rho) * jnp.square(gradient)
        change = -(sqrt(old + self.epsilon) * gradient / sqrt(squares + self.epsilon))
        changes = self.rho * old + (1 - self.rho) * jnp.square(change)
        new_slots = {"accumulated_grad": squares, "accumulated_delta_var": changes}
        return param + learning_rate * change, new_slots
