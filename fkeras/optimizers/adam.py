"""Adam and AdamW."""

import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer


def adam_scale(learning_rate, step, beta_1, beta_2):
    """The learning rate with the correction of both averages for their start at zero."""
    return (
        learning_rate
        * sqrt(1 - jnp.asarray(beta_2, step.dtype) ** step)
        / (1 - jnp.asarray(beta_1, step.dtype) ** step)
    )


def moments(gradient, slots, beta_1, beta_2):
    """The moving averages of the gradient and of its square."""
    momentum = slots["momentum"] + (gradient - slots["momentum"]) * (1 - beta_1)
    velocity = slots["velocity"] + (jnp.square(gradient) - slots["velocity"]) * (1 - beta_2)
    return momentum, velocity


class Adam(Optimizer):
    """Divides a moving average of the gradient by the root of one of its square, both corrected for
    their start at zero.

    Epsilon is the paper's "epsilon hat": it is added to the root before the correction. Other
    arguments: see `Optimizer`.

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
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
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
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def slot_groups(self):
        return [("momentum", "velocity"), *([("velocity_hat",)] if self.amsgrad else [])]

    def step_scalars(self, learning_rate, step, shared):
        return adam_scale(learning_rate, step, self.beta_1, self.beta_2)

    def leaf_step(self, gradient, param, slots, scale, info):
        momentum, velocity = moments(gradient, slots, self.beta_1, self.beta_2)
        new, divisor = {"momentum": momentum, "velocity": velocity}, velocity
        if self.amsgrad:
            divisor = new["velocity_hat"] = jnp.maximum(slots["velocity_hat"], velocity)
        return param - momentum * scale / (sqrt(divisor) + self.epsilon), new


class AdamW(Adam):
    """Adam with weight decay that does not go through the averages: each update takes
    `learning_rate * weight_decay` of each parameter off.

    Arguments: see `Adam` and `Optimizer`.

    Args:
        weight_decay: a number; None is an error.

    References:
        - [Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101)
    """

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
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
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
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
        if weight_decay is None:
            raise UserInputError(
                "Argument `weight_decay` must be a float. Received: weight_decay=None. For no "
                "decay use Adam."
            )
