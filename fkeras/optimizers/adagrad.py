"""Adagrad."""

import jax.numpy as jnp

from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.slot_spec import SlotSpec


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
        learning_rate=0.001,
        initial_accumulator_value=0.1,
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
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def slot_groups(self):
        return [("accumulator",)]

    def slot_for(self, key, info):
        return SlotSpec(info.shape, info.dtype, self.initial_accumulator_value)

    def leaf_step(self, gradient, param, slots, learning_rate, info):
        accumulator = slots["accumulator"] + jnp.square(gradient)
        return param - learning_rate * gradient / sqrt(accumulator + self.epsilon), {
            "accumulator": accumulator
        }
