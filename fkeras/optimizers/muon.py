"""Muon."""

import re

import jax.numpy as jnp
import numpy as np

from fkeras.errors import UserInputError
from fkeras.optimizers.adam import adam_scale, moments
from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.parameter_info import parameter_info_of


class Muon(Optimizer):
    """Momentum whose change of each matrix is made nearly orthogonal; Adam for all that is no
    matrix.

    Muon takes parameters with exactly two axes, unless their path names an embedding or one of
    `exclude_layers`. Name the output layer there: it learns better with Adam. Other arguments: see
    `Optimizer`.

    Args:
        adam_beta_1, adam_beta_2, epsilon: of Adam, for the other parameters.
        adam_weight_decay: weight decay of the other parameters; `weight_decay` is that of Muon's.
        exclude_layers: list of regular expressions that are searched in the paths of parameters.
        exclude_embeddings: whether a path with "embedding" in it goes to Adam.
        muon_a, muon_b, muon_c: coefficients of the Newton-Schulz iteration.
        adam_lr_ratio: learning rate of Adam as a multiple of Muon's.
        momentum: fraction of the momentum that stays at each step.
        ns_steps: number of Newton-Schulz iterations.
        nesterov: look ahead along the momentum.
        rms_rate: root mean square of a change before the learning rate, about; None for changes as
            they come.

    References:
        - [Jordan et al., 2024](https://github.com/KellerJordan/Muon)
        - [Liu et al., 2025](https://arxiv.org/abs/2502.16982), for `rms_rate`
    """

    def __init__(
        self,
        learning_rate=0.001,
        adam_beta_1=0.9,
        adam_beta_2=0.999,
        adam_weight_decay=0.004,
        epsilon=1e-7,
        weight_decay=0.004,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        exclude_layers=None,
        exclude_embeddings=True,
        muon_a=3.4445,
        muon_b=-4.7750,
        muon_c=2.0315,
        adam_lr_ratio=1,
        momentum=0.95,
        ns_steps=5,
        nesterov=True,
        rms_rate=0.2,
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
        self.adam_beta_1, self.adam_beta_2, self.adam_weight_decay, self.epsilon = (
            adam_beta_1,
            adam_beta_2,
            adam_weight_decay,
            epsilon,
        )
        self.momentum, self.ns_steps, self.nesterov = momentum, ns_steps, nesterov
        self.adam_lr_ratio, self.rms_rate = adam_lr_ratio, rms_rate
        self.exclude_layers, self.exclude_embeddings = (
            list(exclude_layers or []),
            exclude_embeddings,
        )
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c

    @property
    def momentums(self):
        """The momentum Variable of each parameter."""
        return self._held_by_parameter("momentum")

    @property
    def adam_velocities(self):
        """The velocity Variable of each parameter that Adam takes, None for Muon's."""
        return self._held_by_parameter("velocity")

    def _takes_adam(self, info) -> bool:
        if info.ndim != 2 or (self.exclude_embeddings and "embedding" in info.path.lower()):
            return True
        return any(re.search(pattern, info.path) for pattern in self.exclude_layers)

    def _should_use_adamw(self, variable) -> bool:
        return self._takes_adam(parameter_info_of(variable))

    def slot_groups(self):
        return [("momentum", "velocity")]

    def slot_for(self, key, info):
        return (
            None
            if key == "velocity" and not self._takes_adam(info)
            else super().slot_for(key, info)
        )

    def decay_rate(self, info):
        return self.adam_weight_decay if self._takes_adam(info) else self.weight_decay

    def step_scalars(self, learning_rate, step, shared):
        return learning_rate, adam_scale(
            learning_rate * self.adam_lr_ratio, step, self.adam_beta_1, self.adam_beta_2
        )

    def leaf_step(self, gradient, param, slots, scalars, info):
        learning_rate, adam = scalars
        if self._takes_adam(info):
            momentum, velocity = moments(gradient, slots, self.adam_beta_1, self.adam_beta_2)
            return param - momentum * adam / (sqrt(velocity) + self.epsilon), {
                "momentum": momentum,
                "velocity": velocity,
            }
        momentum = slots["momentum"] + (gradient + slots["momentum"] * (self.momentum - 1))
        ahead = gradient + self.momentum * momentum if self.nesterov else momentum
        return param - self.lr_adjust(
            learning_rate * self.zeropower_via_newtonschulz5(ahead, self.ns_steps)
        ), {"momentum": momentum}

    def lr_adjust(self, x):
        """A matrix of changes times `rms_rate` and the root of its longer side."""
        return (
            x
            if self.rms_rate is None
            else x * np.float32(np.sqrt(max(x.shape[0], x.shape[1]))) * self.rms_rate
        )

    def transpose_last_axis(self, x):
        """The last two axes swapped."""
        return jnp.swapaxes(x, -1, -2)

    def zeropower_via_newtonschulz5(self, x, steps: int):
        """A matrix with the singular vectors of `x` and singular values near 1, by Newton-Schulz
        iterations of the fifth order.

        Raises:
            UserInputError: fewer than two axes.
        """
        if x.ndim < 2:
            raise UserInputError(
                "Muon: expected gradient or momentum to have at least 2 dimensions. Received: "
                f"shape={tuple(x.shape)}"
            )
        tall = x.shape[-2] > x.shape[-1]
        x = self.transpose_last_axis(x) if tall else x
        x = x / (sqrt(jnp.sum(jnp.square(x), axis=(-2, -1), keepdims=True)) + 1e-7)
        for _ in range(steps):
            square = x @ self.transpose_last_axis(x)
            x = self.muon_a * x + (self.muon_b * square + self.muon_c * square @ square) @ x
        return self.transpose_last_axis(x) if tall else x
