"""Adadelta."""

import jax.numpy as jnp

from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """Scales the gradient by the root mean square of recent changes over that of recent gradients.

    The paper's algorithm is `learning_rate=1.0`; the default is Keras's. Other arguments: see
    `Optimizer`.

    Args:
        rho: fraction of both averages that stays at each step.
        epsilon: added to the averages before their roots.

    References:
        - [Zeiler, 2012](http://arxiv.org/abs/1212.5701)
    """

    def __init__(
        self,
        learning_rate=0.001,
        rho=0.95,
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
        self.rho, self.epsilon = rho, epsilon

    def slot_groups(self):
        return [("accumulated_grad", "accumulated_delta_var")]

    def leaf_step(self, gradient, param, slots, learning_rate, info):
        old = slots["accumulated_delta_var"]
        squares = self.rho * slots["accumulated_grad"] + (1 - self.rho) * jnp.square(gradient)
        change = -(sqrt(old + self.epsilon) * gradient / sqrt(squares + self.epsilon))
        changes = self.rho * old + (1 - self.rho) * jnp.square(change)
        return param + learning_rate * change, {
            "accumulated_grad": squares,
            "accumulated_delta_var": changes,
        }
