"""RMSprop."""

import jax.numpy as jnp

from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer


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
        learning_rate=0.001,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        centered=False,
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
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def slot_groups(self):
        return [
            ("velocity",),
            *([("momentum",)] if self.momentum > 0 else []),
            *([("average_gradient",)] if self.centered else []),
        ]

    def leaf_step(self, gradient, param, slots, learning_rate, info):
        new = {"velocity": self.rho * slots["velocity"] + (1 - self.rho) * jnp.square(gradient)}
        variance = new["velocity"]
        if self.centered:
            new["average_gradient"] = (
                self.rho * slots["average_gradient"] + (1 - self.rho) * gradient
            )
            variance = variance - jnp.square(new["average_gradient"])
        change = learning_rate * gradient / sqrt(variance + self.epsilon)
        if self.momentum > 0:
            change = new["momentum"] = self.momentum * slots["momentum"] + change
        return param - change, new
