"""RMSprop."""

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


class RMSprop(Optimizer):
    """Divides the gradient by the root of a moving average of its square.

    Epsilon stands inside the root, as in Keras. Other arguments: see `Optimizer`.

    Args:
        rho: fraction of the average that stays at each step.
        momentum: fraction of the last change that is kept; 0 for none.
        epsilon: keeps the division finite.
        centered: subtract the square of the gradient's average, which leaves an estimate of its
            variance.

    References:
        - [Hinton, 2012](http://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf)
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        self.momentum = momentum
        self.epsilon = not_negative("epsilon", epsilon)
        self.centered = centered

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [
            ("velocity",),
            *([("momentum",)] if self.momentum > 0 else []),
            *([("average_gradient",)] if self.centered else []),
        ]

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        learning_rate: jax.Array,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        velocity = self.rho * slots["velocity"] + (1 - self.rho) * jnp.square(gradient)
        new_slots = {"velocity": velocity}
        variance = velocity
        if self.centered:
            average = self.rho * slots["average_gradient"] + (1 - self.rho) * gradient
            new_slots["average_gradient"] = average
            variance = velocity - jnp.square(average)
        change = learning_rate * gradient / sqrt(variance + self.epsilon)
        if self.momentum > 0:  # of changes that hold the learning rate already
            change = self.momentum * slots["momentum"] + change
            new_slots["momentum"] = change
        return param - change, new_slots
