"""Adafactor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never

import jax
import jax.numpy as jnp

from fkeras.optimizers.arithmetic import sqrt
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.options import not_negative
from fkeras.optimizers.slot_spec import SlotSpec

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.rates import LearningRate
    from fkeras.optimizers.rule import Slots, StepScalars


class Adafactor(Optimizer):
    """Divides the gradient by the root of its mean square, kept as one row and one column.

    The two are of the last two axes of a parameter. Parameters with fewer than two axes keep the
    whole average. As in Keras, `velocity` holds the product of row and column too, so this class
    saves no memory against RMSprop; `optax.adafactor` does. Other arguments: see `Optimizer`.

    Args:
        beta_2_decay: exponent by which the averages slow down over the steps.
        epsilon_1: added to the squared gradient.
        epsilon_2: smallest root mean square of a parameter that its change is scaled by.
        clip_threshold: largest root mean square of a change before the learning rate.
        relative_step: kept for Keras's signature; the rate is at most `1 / sqrt(step)` either way,
            as in Keras.

    References:
        - [Shazeer and Stern, 2018](https://arxiv.org/abs/1804.04235)
    """

    def __init__(
        self,
        learning_rate: float | LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
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
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = not_negative("epsilon_1", epsilon_1)
        self.epsilon_2 = not_negative("epsilon_2", epsilon_2)
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def slot_groups(self) -> list[tuple[str, ...]]:
        return [("row", "column", "velocity")]

    def slot_for(self, key: str, info: ParameterInfo) -> SlotSpec | None:
        if key == "velocity":
            return SlotSpec.like(info)
        if info.ndim < 2:
            return SlotSpec((), "int32")  # nothing, but Keras's files have a place for it
        rows, columns = info.shape[:-1], info.shape[:-2] + info.shape[-1:]
        return SlotSpec(rows if key == "row" else columns, info.dtype)

    def step_scalars(self, learning_rate: jax.Array, step: jax.Array, shared: Slots) -> StepScalars:
        # At most 1 / sqrt(step), and averages over ever more steps.
        return jnp.minimum(learning_rate, 1 / sqrt(step)), 1 - step**self.beta_2_decay

    def leaf_step(
        self,
        gradient: jax.Array,
        param: jax.Array,
        slots: Slots,
        scalars: StepScalars,
        info: ParameterInfo,
    ) -> tuple[jax.Array, Slots]:
        rate, keep = scalars
        squares = jnp.square(gradient) + self.epsilon_1
        if info.ndim >= 2:
            row = keep * slots["row"] + (1 - keep) * jnp.mean(squares, axis=-1)  # (..., rows)
            column = keep * slots["column"] + (1 - keep) * jnp.mean(squares, axis=-2)
            # The product of both, which has the right mean: (..., rows, columns).
            relative_row = row / jnp.mean(row, axis=-1, keepdims=True)
            velocity = relative_row[..., None] * column[..., None, :]
            new_slots = {"row": row, "column": column, "velocity": velocity}
        else:
            velocity = keep * slots["velocity"] + (1 - keep) * squares
            new_slots = {"velocity": velocity}
        change = gradient / sqrt(velocity)
        # Clipped by its own root mean square, then scaled by the parameter's.
        change = change / jnp.maximum(1.0, _rms(change) / self.clip_threshold)
        return param - jnp.maximum(self.epsilon_2, _rms(param)) * rate * change, new_slots


def _rms(x: jax.Array) -> jax.Array:
    return sqrt(jnp.mean(jnp.square(x)))
