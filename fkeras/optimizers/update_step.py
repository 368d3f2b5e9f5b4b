"""One step of any optimizer, as a pure function of lists of leaves.

The order is Keras's: overwrite the variables that take their gradient as value; divide by the loss
scale; accumulate; clip; decay weights; the update rule; moving averages; constraints; count. On
steps that only accumulate nothing else changes.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from fkeras.optimizers.arithmetic import (
    at_least_float32,
    clip_by_global_norm,
    clip_by_norm,
    either,
)
from fkeras.optimizers.gradients import dense_gradients, refuse_none_at_all
from fkeras.optimizers.state import OptimizerState

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.pure import PureOptimizer
    from fkeras.optimizers.rule import StepScalars, UpdateRule
    from fkeras.types import ArrayLike

# Gradients by the index of their parameter: those that are there.
Gradients: TypeAlias = dict[int, jax.Array]
Stepped: TypeAlias = tuple[list[jax.Array], OptimizerState]


def step(
    optimizer: PureOptimizer,
    grads: Sequence[ArrayLike | None],
    params: Sequence[jax.Array],
    state: OptimizerState,
    infos: Sequence[ParameterInfo],
) -> Stepped:
    """New parameters and state.

    Args:
        optimizer: read for its constants and its rule only.
        grads: one entry for each parameter, None for none.
        params: arrays.
        state: of this optimizer.
        infos: the `ParameterInfo` of each parameter.

    Raises:
        UserInputError: no gradient at all, or shapes that do not fit.
    """
    arrays = dense_gradients(optimizer.name, grads, infos)
    refuse_none_at_all(arrays)
    present = {i: gradient for i, gradient in enumerate(arrays) if gradient is not None}
    params, state = list(params), state.replace()  # to be filled, the caller's stay as they are
    # `count` is the number of updates so far; without accumulation that is the number of steps.
    count, group = state.iteration, None
    if optimizer.gradient_accumulation_steps:
        every = optimizer.gradient_accumulation_steps
        count = state.iteration // every
        group = _Group(every, (state.iteration + 1) % every == 0)
    _overwrite({i: g for i, g in present.items() if infos[i].overwrite}, params, state, group)
    # The scale of a float8 value is no parameter: neither clipped nor averaged, nor does it decay.
    stepped = {i: g for i, g in present.items() if not infos[i].overwrite}
    if stepped:
        if optimizer.loss_scale_factor is not None:
            stepped = {i: g / optimizer.loss_scale_factor for i, g in stepped.items()}
        if group is None:
            params, state = _advance(optimizer, stepped, params, state, infos, count)
        else:
            params, state = _accumulate(optimizer, stepped, params, state, infos, count, group)
        if optimizer.use_ema:
            _average(optimizer, params, state, infos, count)
        # After the averages, as in Keras: they are of unconstrained values.
        for i in stepped:
            params[i] = infos[i].constrained(params[i])
    return params, state.replace(iteration=state.iteration + 1)


class _Group(NamedTuple):
    """Steps whose gradients make one update together: how many, and whether this is the last."""

    size: int
    is_due: jax.Array


def _overwrite(
    grads: Gradients, params: list[jax.Array], state: OptimizerState, group: _Group | None
) -> None:
    """Puts gradients in place of parameters that are overwritten with them.

    Where steps accumulate, the largest value since the last update counts.
    """
    for i, gradient in grads.items():
        new = gradient.astype(params[i].dtype)
        if group is not None:
            largest = state.slot("gradient_accumulator", i)
            new = jnp.maximum(new, largest)
            kept = jnp.where(group.is_due, jnp.zeros_like(largest), new)
            state.slots["gradient_accumulator"][i] = kept.astype(largest.dtype)
            new = jnp.where(group.is_due, new, params[i])
        params[i] = new


def _advance(
    optimizer: PureOptimizer,
    grads: Gradients,
    params: list[jax.Array],
    state: OptimizerState,
    infos: Sequence[ParameterInfo],
    count: jax.Array,
) -> Stepped:
    """An update: clips, decays and applies the rule."""
    learning_rate = optimizer._rate_at(state)
    clipped = clip(optimizer, grads, infos)
    return optimizer._apply_rule(clipped, params, state, infos, learning_rate, count)


def _accumulate(
    optimizer: PureOptimizer,
    grads: Gradients,
    params: list[jax.Array],
    state: OptimizerState,
    infos: Sequence[ParameterInfo],
    count: jax.Array,
    group: _Group,
) -> Stepped:
    """Adds to the sums of gradients; every so many steps, an update with their mean."""
    sums = {i: state.slot("gradient_accumulator", i) for i in grads}
    totals = {i: gradient + sums[i] for i, gradient in grads.items()}

    def with_sums(state: OptimizerState, new_sums: Gradients) -> OptimizerState:
        state = state.replace()
        for i, new_sum in new_sums.items():
            state.slots["gradient_accumulator"][i] = new_sum
        return state

    def update_now() -> Stepped:
        means = {i: total / group.size for i, total in totals.items()}
        new_params, new_state = _advance(optimizer, means, params, state, infos, count)
        return new_params, with_sums(new_state, {i: jnp.zeros_like(sums[i]) for i in totals})

    def only_add() -> Stepped:
        # Kept in the parameter's dtype, as in Keras.
        rounded = {i: total.astype(sums[i].dtype) for i, total in totals.items()}
        return params, with_sums(state, rounded)

    # `cond`, so that the other steps cost no update.
    return either(group.is_due, update_now, only_add)


def clip(optimizer: PureOptimizer, grads: Gradients, infos: Sequence[ParameterInfo]) -> Gradients:
    """Gradients after the one kind of clipping that the optimizer was given; 0 is no clipping."""
    if optimizer.clipnorm and optimizer.clipnorm > 0:
        clip_one = functools.partial(clip_by_norm, limit=optimizer.clipnorm)
        return {i: infos[i].over_blocks(clip_one)(g) for i, g in grads.items()}
    if optimizer.global_clipnorm and optimizer.global_clipnorm > 0:
        clipped = clip_by_global_norm(list(grads.values()), optimizer.global_clipnorm)
        return dict(zip(grads, clipped))
    if optimizer.clipvalue and optimizer.clipvalue > 0:
        return {i: jnp.clip(g, -optimizer.clipvalue, optimizer.clipvalue) for i, g in grads.items()}
    return grads


def decayed(
    rule: UpdateRule, param: jax.Array, info: ParameterInfo, learning_rate: jax.Array
) -> jax.Array:
    """A parameter (at least float32) after weight decay, decoupled from the gradient."""
    rate = rule.decay_rate(info.of_block()) if info.decays else None
    return param - param * rate * learning_rate if rate else param


def apply_rule(
    rule: UpdateRule,
    grads: Gradients,
    params: list[jax.Array],
    state: OptimizerState,
    infos: Sequence[ParameterInfo],
    learning_rate: jax.Array,
    count: jax.Array,
) -> Stepped:
    """Weight decay and the rule for each gradient. `count` is the number of updates so far."""
    params, state = list(params), state.replace()
    state.shared.update(rule.advance_shared(_shared_of(rule, state), count + 1))
    # Once for float32, and once for float64 where both occur.
    by_dtype: dict[jnp.dtype, tuple[jax.Array, StepScalars]] = {}
    for i, gradient in grads.items():
        param = at_least_float32(params[i])
        if param.dtype not in by_dtype:
            rate = learning_rate.astype(param.dtype)
            number = (count + 1).astype(param.dtype)
            by_dtype[param.dtype] = rate, rule.step_scalars(rate, number, _shared_of(rule, state))
        rate, scalars = by_dtype[param.dtype]
        new, new_slots = step_leaf(
            rule,
            gradient.astype(param.dtype),
            decayed(rule, param, infos[i], rate),
            _slots_of(rule, state, i),
            scalars,
            infos[i],
        )
        # Rounded once, here.
        params[i] = new.astype(params[i].dtype)
        for key, value in new_slots.items():
            state.slots[key][i] = value.astype(state.slot(key, i).dtype)
    return params, state


def step_leaf(
    rule: UpdateRule,
    gradient: jax.Array,
    param: jax.Array,
    slots: dict[str, jax.Array],
    scalars: StepScalars,
    info: ParameterInfo,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """One parameter's new value and slots by the rule, which is given each block by itself."""

    def one_block(gradient: jax.Array, param: jax.Array, slots: dict[str, jax.Array]) -> Any:
        return rule.leaf_step(gradient, param, slots, scalars, info.of_block())

    return info.over_blocks(one_block)(gradient, param, slots)


def _shared_of(rule: UpdateRule, state: OptimizerState) -> dict[str, jax.Array]:
    return {key: state.shared[key] for key in rule.shared_keys}


def _slots_of(rule: UpdateRule, state: OptimizerState, index: int) -> dict[str, jax.Array]:
    values = {key: state.slots[key][index] for key in rule.slot_keys()}
    return {key: at_least_float32(v) for key, v in values.items() if v is not None}


def _average(
    optimizer: PureOptimizer,
    params: list[jax.Array],
    state: OptimizerState,
    infos: Sequence[ParameterInfo],
    count: jax.Array,
) -> None:
    """Moves the averages towards the parameters, and puts them in their place when it is time."""
    # The first update starts the average: it is the parameter itself.
    momentum = jnp.where(count != 0, jnp.float32(optimizer.ema_momentum), 0)
    every = optimizer.ema_overwrite_frequency
    # Of all parameters, also of those without a gradient at this step.
    for i, info in enumerate(infos):
        if info.overwrite:
            continue
        param, average = params[i], state.slot("average", i)
        new = momentum * at_least_float32(average) + (1 - momentum) * at_least_float32(param)
        new = new.astype(average.dtype)
        state.slots["average"][i] = new
        if every:
            params[i] = jnp.where((count + 1) % every == 0, new.astype(param.dtype), param)
