"""Gradient descent, with momentum or without."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Never

import jax

from fkeras.errors import UserInputError
from fkeras.optimizers.optimizer import Optimizer

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots


class SGD(Optimizer):
    """Gradient descent: `param -= learning_rate * gradient`.

    With momentum: `v = momentum * v - learning_rate * gradient; param += v`; with `nesterov` the
    last is `param += momentum * v - learning_rate * gradient`. Other arguments: see `Optimizer`.

    Args:
        momentum: fraction in [0, 1] of the last change that is kept.
        nesterov: look ahead along the momentum.

    Examples:
        >>> import fkeras
        >>> w = fkeras.Variable([1.0, 2.0])
        >>> fkeras.optimizers.SGD(0.5).apply([[1.0, 2.0]], [w])
        >>> w.numpy().tolist()
        [0.5, 1.0]
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
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
        is_number = isinstance(momentum, (Integral, float)) and not isinstance(momentum, bool)
        if not is_number or not 0 <= momentum <= 1:
            raise UserInputError(
                f"`momentum` must be a float between [0, 1]. Received: momentum={momentum!r}"
            )
        self.momentum = momentum
        self.nesterov = nesterov

    @property
    def momentums(self) -> list[Variable | None]:
        """The momentum Variable of each parameter."""
        return self._held_by_parameter("momentum") if self.momentum else []

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("momentum",)] if self.momentum else []

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        learning_rate: jax.Array,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        change = gradient * learning_rate
        if not self.momentum:
            return param - change, {}
        momentum = slots["momentum"] * self.momentum - change
        step = momentum * self.momentum - change if self.nesterov else momentum
        return param + step, {"momentum": momentum}
