"""Muon."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Never

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.errors import UserInputError
from fkeras.optimizers.adam import adam_scale, moments
from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.options import not_negative
from fkeras.optimizers.parameter_info import parameter_info_of

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.core.values.variable import Variable
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots, StepScalars
    from fkeras.optimizers.slot_spec import SlotSpec


class Muon(Optimizer):
    """Momentum whose change of each matrix is made nearly orthogonal; Adam for all else.

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
        learning_rate: float | LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
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
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = not_negative("epsilon", epsilon)
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.adam_lr_ratio = adam_lr_ratio
        self.rms_rate = rms_rate
        self.exclude_layers = list(exclude_layers or [])
        self._excluded = list(map(re.compile, self.exclude_layers))
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c

    @property
    def momentums(self) -> list[Variable | None]:
        """The momentum Variable of each parameter."""
        return self._held_by_parameter("momentum")

    @property
    def adam_velocities(self) -> list[Variable | None]:
        """The velocity Variable of each parameter that Adam takes, None for Muon's."""
        return self._held_by_parameter("velocity")

    def _takes_adam(self, info: ParameterInfo) -> bool:
        # Batches of matrices go to Adam, too.
        if info.ndim != 2 or (self.exclude_embeddings and "embedding" in info.path.lower()):
            return True
        return any(pattern.search(info.path) for pattern in self._excluded)

    def _should_use_adamw(self, variable: nnx.Variable) -> bool:
        return self._takes_adam(parameter_info_of(variable))

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum", "velocity")]

    def slot_for(self, key: str, info: ParameterInfo) -> SlotSpec | None:
        if key == "velocity" and not self._takes_adam(info):
            return None
        return super().slot_for(key, info)

    def decay_rate(self, info: ParameterInfo) -> float | None:
        return self.adam_weight_decay if self._takes_adam(info) else self.weight_decay

    def step_scalars(self, learning_rate: jax.Array, step: jax.Array, shared: Slots) -> StepScalars:
        return learning_rate, adam_scale(
            learning_rate * self.adam_lr_ratio, step, self.adam_beta_1, self.adam_beta_2
        )

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        scalars: StepScalars,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        learning_rate, adam = scalars
        if self._takes_adam(info):
            momentum, velocity = moments(gradient, slots, self.adam_beta_1, self.adam_beta_2)
            change = momentum * adam / (sqrt(velocity) + self.epsilon)
            return param - change, {"momentum": momentum, "velocity": velocity}
        momentum = slots["momentum"] + (gradient + slots["momentum"] * (self.momentum - 1))
        ahead = gradient + self.momentum * momentum if self.nesterov else momentum
        direction = self.zeropower_via_newtonschulz5(ahead, self.ns_steps)
        return param - self.lr_adjust(learning_rate * direction), {"momentum": momentum}

    def lr_adjust(self, x: jax.Array) -> jax.Array:
        """A matrix of changes times `rms_rate` and the root of its longer side."""
        if self.rms_rate is None:
            return x
        return x * np.float32(np.sqrt(max(x.shape[0], x.shape[1]))) * self.rms_rate

    def transpose_last_axis(self, x: jax.Array) -> jax.Array:
        """The last two axes swapped."""
        return jnp.swapaxes(x, -1, -2)

    def zeropower_via_newtonschulz5(self, x: jax.Array, steps: int) -> jax.Array:
        """A matrix with the singular vectors of `x` and singular values near 1.

        Args:
            x: matrix, or batch of matrices.
            steps: number of Newton-Schulz iterations of the fifth order.

        Raises:
            UserInputError: fewer than two axes.
        """
        if x.ndim < 2:
            raise UserInputError(
                "Muon: expected gradient or momentum to have at least 2 dimensions. Received: "
                f"shape={tuple(x.shape)}"
            )
        # The smaller of the two products; the iteration converges for norms below 1.
        tall = x.shape[-2] > x.shape[-1]
        x = self.transpose_last_axis(x) if tall else x
        x = x / (sqrt(jnp.sum(jnp.square(x), axis=(-2, -1), keepdims=True)) + 1e-7)
        for _ in range(steps):
            square = x @ self.transpose_last_axis(x)
            x = self.muon_a * x + (self.muon_b * square + self.muon_c * square @ square) @ x
        return self.transpose_last_axis(x) if tall else x
