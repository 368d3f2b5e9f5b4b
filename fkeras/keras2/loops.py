"""Loops over the first axis and over time steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fkeras.types import Nested, Tensor, TensorLike


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Nested[TensorLike],
    initializer: Nested[TensorLike] | None = None,
    name: str | None = None,
) -> Nested[Tensor]:
    """`fn(accumulated, element)` over the first axis, from the front.

    Args:
        fn: function of what was accumulated so far and the next element.
        elems: arrays of one length.
        initializer: what to begin with; None for the first element.

    Examples:
        >>> import fkeras, numpy as np
        >>> float(fkeras.backend.foldl(lambda total, x: 2 * total + x, np.array([1.0, 2.0, 3.0])))
        11.0
    """
    return _fold(fn, elems, initializer, False)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Nested[TensorLike],
    initializer: Nested[TensorLike] | None = None,
    name: str | None = None,
) -> Nested[Tensor]:
    """`fn(accumulated, element)` over the first axis, from the end."""
    return _fold(fn, elems, initializer, True)


@op(explained=False)
def _fold(fn, elems, initializer, reverse):
    elems = jax.tree.map(jnp.asarray, elems)
    start = initializer
    if start is None:
        first, rest = (-1, slice(None, -1)) if reverse else (0, slice(1, None))
        start = jax.tree.map(lambda x: x[first], elems)
        elems = jax.tree.map(lambda x: x[rest], elems)
    start = jax.tree.map(jnp.asarray, start)
    step = lambda total, element: (_like(fn(total, element), total), None)
    return jax.lax.scan(step, start, elems, reverse=reverse)[0]


def rnn(
    step_function: Callable[[Any, Any], tuple[Tensor, Any]],
    inputs: Nested[TensorLike],
    initial_states: Sequence[TensorLike],
    go_backwards: bool = False,
    mask: TensorLike | None = None,
    constants: Sequence[TensorLike] | None = None,
    unroll: bool = False,
    input_length: int | None = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> tuple[Tensor, Tensor, Any]:
    """Calls a function for each time step and hands its states on.

    Args:
        step_function: function (inputs of a step, states and constants) -> (output, new states).
        inputs: (batch, steps, ...), or a structure of such.
        initial_states: list of (batch, ...) arrays.
        go_backwards: whether the last step comes first.
        mask: (batch, steps), False for steps that change nothing: the states stay, and the output
            is that of the step before.
        constants: what is appended to the states at each call.
        unroll, input_length: without effect: JAX compiles the loop, and knows its length.
        time_major: whether inputs, mask and outputs have the steps before the batch.
        zero_output_for_mask: whether the output of a masked step is 0.
        return_all_outputs: False for `outputs` of the last step alone.

    Returns:
        (last output, outputs (batch, steps, ...), last states)

    Examples:
        >>> import fkeras, numpy as np
        >>> def add(x, states):
        ...     return x + states[0], [x + states[0]]
        >>> last, outputs, states = fkeras.backend.rnn(add, np.ones((1, 3, 2)), [np.zeros((1, 2))])
        >>> outputs[0, :, 0].tolist()
        [1.0, 2.0, 3.0]
    """
    options = (go_backwards, time_major, zero_output_for_mask, return_all_outputs)
    return _rnn(step_function, inputs, initial_states, mask, list(constants or ()), *options)


@op(explained=False)
def _rnn(
    step_function, inputs, initial_states, mask, constants, backwards, time_major, zeros, all_steps
):
    steps_first = (lambda x: x) if time_major else (lambda x: jnp.swapaxes(x, 0, 1))
    inputs = jax.tree.map(lambda x: steps_first(jnp.asarray(x)), inputs)
    if any(x.ndim < 3 for x in jax.tree.leaves(inputs)):
        raise UserInputError("rnn: expected inputs of at least 3 axes: (batch, steps, features).")
    keep = None if mask is None else steps_first(jnp.asarray(mask, bool))
    if keep is not None and keep.ndim > 2:
        keep = keep[..., 0]
    states = [jnp.asarray(state) for state in initial_states]
    first = jax.tree.map(lambda x: x[0], inputs)
    spec = jax.eval_shape(lambda x, s: step_function(x, [*s, *constants])[0], first, states)
    blank = jnp.zeros(spec.shape, spec.dtype)

    def step(carry, at_step):
        before, output_before = carry
        x, kept = at_step
        output, after = step_function(x, [*before, *constants])
        after = [_like(new, old) for new, old in zip(after, before, strict=True)]
        if kept is not None:
            after = [_choose(kept, new, old) for new, old in zip(after, before)]
            output = _choose(kept, output, blank if zeros else output_before)
        return (after, output), output

    (states, last), outputs = jax.lax.scan(step, (states, blank), (inputs, keep), reverse=backwards)
    if backwards:  # in the order in which they came
        outputs = outputs[::-1]
    return last, steps_first(outputs if all_steps else outputs[-1:]), states


def _choose(kept, new, old):
    """`new` for the rows that are kept, else `old`."""
    return jnp.where(kept.reshape(kept.shape + (1,) * (new.ndim - kept.ndim)), new, old)


def _like(new, old):
    """`new` in the dtypes of `old`, which a loop may not change."""
    return jax.tree.map(lambda x, y: jnp.asarray(x, y.dtype), new, old)
