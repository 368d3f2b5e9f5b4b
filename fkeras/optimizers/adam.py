"""Adam and AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.options import decay_rate, not_negative

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots, StepScalars


def adam_scale(
    learning_rate: jax.Array, step: jax.Array, beta_1: float, beta_2: float
) -> jax.Array:
    """The learning rate with the correction of both averages for their start at zero."""
    # The powers in the dtype of the step: a Python float to a float32 power is rounded otherwise.
    correction_1 = 1 - jnp.asarray(beta_1, step.dtype) ** step
    correction_2 = 1 - jnp.asarray(beta_2, step.dtype) ** step
    return learning_rate * sqrt(correction_2) / correction_1


def moments(
    gradient: jax.Array, slots: Slots, beta_1: float, beta_2: float
) -> tuple[jax.Array, jax.Array]:
    """The moving averages of the gradient and of its square."""
    # As Keras writes it: old + (new - old) * fraction, which rounds otherwise than a weighted sum.
    momentum = slots["momentum"] + (gradient - slots["momentum"]) * (1 - beta_1)
    velocity = slots["velocity"] + (jnp.square(gradient) - slots["velocity"]) * (1 - beta_2)
    return momentum, velocity


class Adam(Optimizer):
    """Divides a moving average of the gradient by the root of one of its square.

    Both are corrected for their start at zero. Epsilon is the paper's "epsilon hat": it is added to
    the root before the correction. Other arguments: see `Optimizer`.

    Args:
        beta_1: fraction of the gradient's average that stays at each step.
        beta_2: the same for its square.
        epsilon: keeps the division finite.
        amsgrad: divide by the largest average so far instead of the current one.

    References:
        - [Kingma and Ba, 2014](https://arxiv.org/abs/1412.6980)
        - [Reddi et al., 2018](https://openreview.net/pdf?id=ryQu7f-RZ), for `amsgrad`

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> optimizer = fkeras.optimizers.Adam(0.1)
        >>> params = {"kernel": jnp.zeros((3, 2))}
        >>> state = optimizer.init(params)
        >>> params, state = optimizer.update({"kernel": jnp.ones((3, 2))}, state, params)
        >>> round(float(params["kernel"][0, 0]), 3)
        -0.1
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
        self.amsgrad = amsgrad

    def slot_groups(self) -> list[tuple[str, ...]]:
        # A group of its own: Keras lists all of them after the pairs.
        return [("momentum", "velocity"), *([("velocity_hat",)] if self.amsgrad else [])]

    def step_scalars(self, learning_rate: jax.Array, step: jax.Array, shared: Slots) -> StepScalars:
        return adam_scale(learning_rate, step, self.beta_1, self.beta_2)

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        scale: jax.Array,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        momentum, velocity = moments(gradient, slots, self.beta_1, self.beta_2)
        new_slots = {"momentum": momentum, "velocity": velocity}
        divisor = velocity
        if self.amsgrad:
            divisor = jnp.maximum(slots["velocity_hat"], velocity)
            new_slots["velocity_hat"] = divisor
        return param - momentum * scale / (sqrt(divisor) + self.epsilon), new_slots


class AdamW(Adam):
    """Adam with weight decay that does not go through the averages.

    Each update takes `learning_rate * weight_decay` of each parameter off.
    Arguments: see `Adam` and `Optimizer`.

    Args:
        weight_decay: a number; None is an error.

    References:
        - [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101)
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
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
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
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
        if weight_decay is None:
            raise UserInputError(
                "Argument `weight_decay` must be a float. Received: weight_decay=None. For no "
                "decay use Adam."
            )
