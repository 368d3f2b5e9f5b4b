"""Nadam."""

import jax.numpy as jnp

from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.slot_spec import SlotSpec


class Nadam(Optimizer):
    """Adam with Nesterov momentum.

    The momentum of step t is `beta_1 * (1 - 0.5 * 0.96 ** t)`; its running product is kept as
    `u_product`. Other arguments: see `Optimizer`.

    Args:
        beta_1: fraction of the gradient's average that stays at each step.
        beta_2: the same for its square.
        epsilon: keeps the division finite.

    References:
        - [Dozat, 2015](http://cs229.stanford.edu/proj2015/054_report.pdf)
    """

    shared_keys = ("u_product",)

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

    def shared_slots(self, infos):
        return {
            "u_product": SlotSpec(
                (), "float64" if infos and infos[0].dtype == "float64" else "float32", 1.0
            )
        }

    def advance_shared(self, shared, step):
        product = shared["u_product"]
        return {"u_product": product * self._momentum_at(step.astype(product.dtype))}

    def _momentum_at(self, step):
        return self.beta_1 * (1.0 - 0.5 * jnp.asarray(0.96, step.dtype) ** step)

    def step_scalars(self, learning_rate, step, shared):
        now, then = self._momentum_at(step), self._momentum_at(step + 1)
        product = shared["u_product"].astype(step.dtype)
        beta_1, beta_2 = jnp.asarray(self.beta_1, step.dtype), jnp.asarray(self.beta_2, step.dtype)
        return (
            learning_rate,
            1 - beta_1,
            1 - beta_2,
            then,
            1 - product * then,
            1 - now,
            1 - product,
            1 - beta_2**step,
        )

    def leaf_step(self, gradient, param, slots, scalars, info):
        learning_rate, fresh_1, fresh_2, then, correction_then, rest, correction, correction_2 = (
            scalars
        )
        momentum = slots["momentum"] + (gradient - slots["momentum"]) * fresh_1
        velocity = slots["velocity"] + (jnp.square(gradient) - slots["velocity"]) * fresh_2
        ahead = then * momentum / correction_then + rest * gradient / correction
        change = ahead * learning_rate / (sqrt(velocity / correction_2) + self.epsilon)
        return param - change, {"momentum": momentum, "velocity": velocity}
