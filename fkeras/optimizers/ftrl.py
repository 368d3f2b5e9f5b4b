"""Ftrl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.slot_spec import SlotSpec

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots


_NON_NEGATIVE = (
    "initial_accumulator_value",
    "l1_regularization_strength",
    "l2_regularization_strength",
    "l2_shrinkage_regularization_strength",
)


class Ftrl(Optimizer):
    """Follow the regularised leader: sparse linear models by L1 and L2 terms inside the update.

    Other arguments: see `Optimizer`.

    Args:
        learning_rate_power: exponent <= 0 of the sums of squares in the learning rate; 0 for a
            fixed rate.
        initial_accumulator_value: where the sums of squares start; >= 0.
        l1_regularization_strength: >= 0; makes parameters exactly zero.
        l2_regularization_strength: >= 0; pulls parameters towards zero.
        l2_shrinkage_regularization_strength: >= 0; adds this fraction of the parameter, doubled, to
            the gradient.
        beta: added to the root of the sums of squares.

    References:
        - [McMahan et al., 2013](https://research.google.com/pubs/archive/41159.pdf)
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
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
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.beta = beta
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        for option in _NON_NEGATIVE:
            value = getattr(self, option)
            if value < 0:
                raise UserInputError(
                    f"`{option}` needs to be positive or zero. Received: {option}={value}."
                )
        if learning_rate_power > 0:
            raise UserInputError(
                "`learning_rate_power` needs to be negative or zero. "
                f"Received: learning_rate_power={learning_rate_power}."
            )

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("accumulator", "linear")]

    def slot_for(self, key: str, info: ParameterInfo) -> SlotSpec | None:
        fill = self.initial_accumulator_value if key == "accumulator" else 0.0
        return SlotSpec.like(info, fill)

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        learning_rate: jax.Array,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        l1, power = self.l1_regularization_strength, -self.learning_rate_power
        l2 = self.l2_regularization_strength + self.beta / (2.0 * learning_rate)
        old = slots["accumulator"]
        accumulator = old + jnp.square(gradient)
        grown = accumulator**power
        shrunk = gradient + 2 * self.l2_shrinkage_regularization_strength * param
        linear = slots["linear"] + (shrunk - (grown - old**power) / learning_rate * param)
        # Exactly zero where |linear| <= l1.
        new = (jnp.clip(linear, -l1, l1) - linear) / (grown / learning_rate + 2 * l2)
        return new, {"accumulator": accumulator, "linear": linear}
