"""Adamax."""

import jax.numpy as jnp

from fkeras.optimizers.optimizer import Optimizer


class Adamax(Optimizer):
    """Adam with the largest absolute gradient, slowly forgotten, in place of the root of the mean
    square.

    Other arguments: see `Optimizer`.

    Args:
        beta_1: fraction of the gradient's average that stays at each step.
        beta_2: fraction of the largest absolute gradient that stays.
        epsilon: keeps the division finite.

    References:
        - [Kingma and Ba, 2014](https://arxiv.org/abs/1412.6980), section 7.1
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
        return [("momentum", "norm")]

    def step_scalars(self, learning_rate, step, shared):
        return learning_rate, 1 - jnp.asarray(self.beta_1, step.dtype) ** step

    def leaf_step(self, gradient, param, slots, scalars, info):
        learning_rate, correction = scalars
        momentum = slots["momentum"] + (gradient - slots["momentum"]) * (1 - self.beta_1)
        norm = jnp.maximum(self.beta_2 * slots["norm"], jnp.abs(gradient))
        return param - learning_rate * momentum / (correction * (norm + self.epsilon)), {
            "momentum": momentum,
            "norm": norm,
        }
