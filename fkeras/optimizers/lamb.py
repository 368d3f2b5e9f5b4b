"""Lamb."""

import jax.numpy as jnp

from fkeras.optimizers.adam import moments
from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer


class Lamb(Optimizer):
    """Adam whose change of each parameter is scaled to that parameter's own norm: for very large
    batches.

    Other arguments: see `Optimizer`.

    Args:
        beta_1: fraction of the gradient's average that stays at each step.
        beta_2: the same for its square.
        epsilon: keeps the division finite.

    References:
        - [You et al., 2019](https://arxiv.org/abs/1904.00962)
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def slot_groups(self):
        return [("momentum", "velocity")]

    def step_scalars(self, learning_rate, step, shared):
        return (
            learning_rate,
            1 - jnp.asarray(self.beta_1, step.dtype) ** step,
            1 - jnp.asarray(self.beta_2, step.dtype) ** step,
        )

    def leaf_step(self, gradient, param, slots, scalars, info):
        learning_rate, correction_1, correction_2 = scalars
        momentum, velocity = moments(gradient, slots, self.beta_1, self.beta_2)
        change = momentum / correction_1 / (sqrt(velocity / correction_2) + self.epsilon)
        param_norm, change_norm = (
            sqrt(jnp.sum(jnp.square(param))),
            sqrt(jnp.sum(jnp.square(change))),
        )
        usable = (param_norm > 0) & (change_norm > 0)
        ratio = jnp.where(usable, param_norm / jnp.where(usable, change_norm, 1), 1)
        return param - ratio * learning_rate * change, {"momentum": momentum, "velocity": velocity}
