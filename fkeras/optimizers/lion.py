"""Lion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.options import decay_rate

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots


class Lion(Optimizer):
    """Moves each element by plus or minus the learning rate.

    The sign is that of a mix of momentum and gradient. It wants a learning rate three to ten times
    smaller than Adam's, and a weight decay as many times larger. Other arguments: see `Optimizer`.

    Args:
        beta_1: fraction of momentum in the mix, in (0, 1].
        beta_2: fraction of the momentum that stays at each step.

    References:
        - [Chen et al., 2023](https://arxiv.org/abs/2302.06675)
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
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
        if not 0 < beta_1 <= 1:
            raise UserInputError(
                "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer "
                f"degenerates to SignSGD. Received: beta_1={beta_1}."
            )
        self.beta_1 = beta_1
        self.beta_2 = decay_rate("beta_2", beta_2)

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum",)]

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        learning_rate: jax.Array,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        beta_1 = jnp.asarray(self.beta_1, param.dtype)
        beta_2 = jnp.asarray(self.beta_2, param.dtype)
        momentum = slots["momentum"]
        direction = jnp.sign(momentum * beta_1 + gradient * (1.0 - beta_1))
        new_momentum = momentum * beta_2 + gradient * (1.0 - beta_2)
        return param - learning_rate * direction, {"momentum": new_momentum}
