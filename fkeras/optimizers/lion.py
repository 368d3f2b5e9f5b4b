"""Lion."""

import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.optimizers.optimizer import Optimizer


class Lion(Optimizer):
    """Moves each element by plus or minus the learning rate: the sign of a mix of momentum and
    gradient.

    It wants a learning rate three to ten times smaller than Adam's, and a weight decay as many
    times larger. Other arguments: see `Optimizer`.

    Args:
        beta_1: fraction of momentum in the mix, in (0, 1].
        beta_2: fraction of the momentum that stays at each step.

    References:
        - [Chen et al., 2023](https://arxiv.org/abs/2302.06675)
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.99,
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
        if not 0 < beta_1 <= 1:
            raise UserInputError(
                "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer "
                f"degenerates to SignSGD. Received: beta_1={beta_1}."
            )
        self.beta_1, self.beta_2 = beta_1, beta_2

    def slot_groups(self):
        return [("momentum",)]

    def leaf_step(self, gradient, param, slots, learning_rate, info):
        beta_1, beta_2 = (
            jnp.asarray(self.beta_1, param.dtype),
            jnp.asarray(self.beta_2, param.dtype),
        )
        momentum = slots["momentum"]
        direction = jnp.sign(momentum * beta_1 + gradient * (1.0 - beta_1))
        return param - learning_rate * direction, {
            "momentum": momentum * beta_2 + gradient * (1.0 - beta_2)
        }
