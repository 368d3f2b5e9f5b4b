"""One step of any optimizer, as a pure function of lists of leaves.

The order is Keras's: overwrite the variables that take their gradient as value; divide by the loss
scale; accumulate; clip; decay weights; the update rule; moving averages; constraints; count. On
steps that only accumulate nothing else changes.

A state is a dict. Values under `iteration` (steps so far, int32), `learning_rate` and a rule's
shared keys are single arrays, all others are lists with one entry for each parameter, where 0-d
zeros stand for "none".
"""

import jax.numpy as jnp

from fkeras.errors import UserInputError
from fkeras.optimizers.arithmetic import clip_by_global_norm, clip_by_norm, either, wide
from fkeras.optimizers.leaves import dense_gradients


def step(optimizer, grads: list, params: list, state: dict, leaves) -> tuple[list, dict]:
    """New parameters and state.

    Args:
        optimizer: read for its constants and its rule only.
        grads: one entry for each parameter, None for none.
        params: arrays.
        state: of this optimizer, in lists.
        leaves: the `Leaf` of each parameter.

    Raises:
        UserInputError: no gradient at all, or shapes that do not fit.
    """
    grads = dense_gradients(optimizer.name, grads, leaves)
    if all(g is None for g in grads):
        raise UserInputError(
            "No gradients provided for any variable. Gradients are None where the loss does not "
            "depend on a variable."
        )
    params, state = (
        list(params),
        {k: list(v) if isinstance(v, list) else v for k, v in state.items()},
    )
    every = optimizer.gradient_accumulation_steps
    iteration = state["iteration"]
    count = iteration // every if every else iteration
    due = (iteration + 1) % every == 0 if every else None
    present = [i for i, g in enumerate(grads) if g is not None]
    _overwrite([i for i in present if leaves[i].overwrite], grads, params, state, due)
    stepped = [i for i in present if not leaves[i].overwrite]
    if stepped:
        scale = optimizer.loss_scale_factor
        ours = {i: grads[i] if scale is None else grads[i] / scale for i in stepped}
        if due is None:
            params, state = _advance(optimizer, ours, params, state, leaves, count)
        else:
            params, state = _accumulate(optimizer, ours, params, state, leaves, count, due, every)
        if optimizer.use_ema:
            _average(optimizer, params, state, leaves, count)
        for i in stepped:
            if leaves[i].constraint is not None:
                params[i] = jnp.asarray(leaves[i].constraint(params[i]), params[i].dtype)
    state["iteration"] = iteration + 1
    return params, state


def _overwrite(chosen, grads, params, state, due):
    """Where steps accumulate, the largest value since the last update counts."""
    for i in chosen:
        new = grads[i].astype(params[i].dtype)
        if due is not None:
            held = state["gradient_accumulator"][i]
            new = jnp.maximum(new, held)
            state["gradient_accumulator"][i] = jnp.where(due, jnp.zeros_like(held), new).astype(
                held.dtype
            )
            new = jnp.where(due, new, params[i])
        params[i] = new


def _advance(optimizer, grads, params, state, leaves, count):
    learning_rate = optimizer._rate_at(state)
    return optimizer._apply_rule(
        clip(optimizer, grads), params, state, leaves, learning_rate, count
    )


def _accumulate(optimizer, grads, params, state, leaves, count, due, every):
    held = state["gradient_accumulator"]
    total = {i: g + held[i] for i, g in grads.items()}

    def now():
        new_params, new_state = _advance(
            optimizer, {i: g / every for i, g in total.items()}, params, state, leaves, count
        )
        return new_params, {
            **new_state,
            "gradient_accumulator": [
                jnp.zeros_like(h) if i in total else h for i, h in enumerate(held)
            ],
        }

    def later():
        return params, {
            **state,
            "gradient_accumulator": [
                total[i].astype(h.dtype) if i in total else h for i, h in enumerate(held)
            ],
        }

    return either(due, now, later)


def clip(optimizer, grads: dict) -> dict:
    """Gradients (by index) after the one kind of clipping that the optimizer was given."""
    if optimizer.clipnorm and optimizer.clipnorm > 0:
        return {i: clip_by_norm(g, optimizer.clipnorm) for i, g in grads.items()}
    if optimizer.global_clipnorm and optimizer.global_clipnorm > 0:
        return dict(
            zip(grads, clip_by_global_norm(list(grads.values()), optimizer.global_clipnorm))
        )
    if optimizer.clipvalue and optimizer.clipvalue > 0:
        return {i: jnp.clip(g, -optimizer.clipvalue, optimizer.clipvalue) for i, g in grads.items()}
    return grads


def decayed(optimizer, param, leaf, learning_rate):
    """A parameter (at least float32) after weight decay, decoupled from the gradient."""
    rate = optimizer.decay_rate(leaf) if leaf.decays else None
    return param - param * rate * learning_rate if rate else param


def _average(optimizer, params, state, leaves, count):
    momentum = jnp.where(
        count != 0, jnp.float32(optimizer.ema_momentum), 0
    )  # the first step starts the average
    every = optimizer.ema_overwrite_frequency
    for i, leaf in enumerate(leaves):
        if leaf.overwrite:
            continue
        param, average = params[i], state["average"][i]
        new = (momentum * wide(average) + (1 - momentum) * wide(param)).astype(average.dtype)
        state["average"][i] = new
        if every:
            params[i] = jnp.where((count + 1) % every == 0, new.astype(param.dtype), param)
