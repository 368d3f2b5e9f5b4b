"""Schedules along a cosine: one decay with an optional warm-up, and decay with restarts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.optimizers.schedules.schedule import LearningRateSchedule, as_float, positive, rate

if TYPE_CHECKING:
    from fkeras.types import ArrayLike


class CosineDecay(LearningRateSchedule):
    """An optional line up to `warmup_target`, then half a cosine down.

    Args:
        initial_learning_rate: rate at step 0.
        decay_steps: steps of the decay, after the warm-up; > 0.
        alpha: the last rate, as a fraction of the rate where the decay starts.
        name: name of the schedule.
        warmup_target: rate at the end of the warm-up and start of the decay; None for no warm-up.
        warmup_steps: steps of the warm-up.

    References:
        - [Loshchilov and Hutter, 2016](https://arxiv.org/abs/1608.03983)

    Examples:
        >>> from fkeras.optimizers.schedules import CosineDecay
        >>> schedule = CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10)
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 60, 110)]
        [0.0, 0.05, 0.1, 0.05, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = rate(initial_learning_rate, "initial_learning_rate")
        self.decay_steps = positive(decay_steps, "decay_steps")
        self.alpha = alpha
        self.name = name
        self.warmup_target = None if warmup_target is None else rate(warmup_target, "warmup_target")
        self.warmup_steps = warmup_steps

    def __call__(self, step: ArrayLike) -> jax.Array:
        step, length = as_float(step), as_float(self.decay_steps)
        first = as_float(self.initial_learning_rate)
        if self.warmup_target is None:
            return self._decay(jnp.minimum(step, length) / length, first)
        target, warmup = as_float(self.warmup_target), as_float(self.warmup_steps or 0)
        step = jnp.minimum(step, length + warmup)
        rising = (target - first) * (step / as_float(self.warmup_steps or 1)) + first
        return jnp.where(step < warmup, rising, self._decay((step - warmup) / length, target))

    def _decay(self, fraction: jax.Array, start: jax.Array) -> jax.Array:
        return start * ((1 - self.alpha) * (0.5 * (1.0 + jnp.cos(math.pi * fraction))) + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine down, again and again, each time longer and from a rate that may change.

    Args:
        initial_learning_rate: rate at step 0.
        first_decay_steps: steps of the first decay; > 0.
        t_mul: each decay takes this many times the steps of the one before.
        m_mul: each decay starts at this many times the rate of the one before.
        alpha: the lowest rate, as a fraction of `initial_learning_rate`.
        name: name of the schedule.

    References:
        - [Loshchilov and Hutter, 2016](https://arxiv.org/abs/1608.03983)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = rate(initial_learning_rate, "initial_learning_rate")
        self.first_decay_steps = positive(first_decay_steps, "first_decay_steps")
        self.t_mul = positive(t_mul, "t_mul")
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: ArrayLike) -> jax.Array:
        done = as_float(step) / as_float(self.first_decay_steps)
        growth = as_float(self.t_mul)
        if self.t_mul == 1:
            restarts = jnp.floor(done)
            fraction = done - restarts
        else:
            # `restarts` decays take 1 + growth + growth**2 + ... times the steps of the first one.
            restarts = jnp.floor(jnp.log(1.0 - done * (1.0 - growth)) / jnp.log(growth))
            before = (1.0 - growth**restarts) / (1.0 - growth)
            fraction = (done - before) / growth**restarts
        wave = 0.5 * as_float(self.m_mul) ** restarts * (1.0 + jnp.cos(math.pi * fraction))
        alpha = as_float(self.alpha)
        return as_float(self.initial_learning_rate) * ((1 - alpha) * wave + alpha)
