"""The loop over time. Pure functions of arrays; time is the first axis of all sequences here."""

from __future__ import annotations

import functools
import types
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from fkeras.core import jax_private
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, Nested, Tensor

# What a cell's step keeps for the gradient: the sums that its gates see. All that follows from them
# is elementwise, cheap to compute again in the backward pass, and several times larger than they
# are.
_KEPT = "fkeras_gates"
kept = functools.partial(checkpoint_name, name=_KEPT)
_keep_gates = jax.checkpoint_policies.save_only_these_names(_KEPT)


def run(
    step,
    inputs: Tensor,
    states: Nested[Tensor],
    mask: Tensor | None = None,
    *,
    reverse=False,
    unroll: bool | int = False,
    zero_masked=False,
    sequences: Tensor = True,
    previous_output=None,
):
    """Runs `step(inputs_at_t, states) -> (output, states)` over the first axis of `inputs`.

    Args:
        step: function of arrays; `states` has the structure of the first states.
        inputs: (time, batch, ...).
        states: nested lists of arrays: the first states.
        mask: bool (time, batch), True where a step counts; None where all do. At a masked step the
            states stay as they are.
        reverse: whether the last step comes first.
        unroll: whether the loop is written out (True: all of it, an int: that many steps at a
            time).
        zero_masked: whether the output at a masked step is 0 instead of `previous_output`.
        sequences: whether the outputs of all steps are wanted. False: the step's output must be its
            first state.
        previous_output: function of the states that gives the output of the step before; None: the
            first state.

    Returns:
        The output of the last step; the outputs of all steps at their places in time, or None; the
        last states.
    """
    flat, structure = jax.tree_util.tree_flatten(states)
    previous_output = previous_output or (lambda states: jax.tree_util.tree_leaves(states)[0])

    def body(flat, now):
        inputs, counts = now
        states = jax.tree_util.tree_unflatten(structure, flat)
        output, new = step(inputs, states)
        new = _fitting(new, flat)
        if counts is not None:
            new = [jnp.where(_beside(counts, n), n, old) for n, old in zip(new, flat)]
            other = jnp.zeros_like(output) if zero_masked else previous_output(states)
            output = jnp.where(_beside(counts, output), output, other) if sequences else None
        return new, output if sequences else None

    first = flat
    flat, outputs = jax.lax.scan(body, flat, (inputs, mask), reverse=reverse, unroll=unroll)
    if not sequences:
        last = flat[0]
        if mask is not None and zero_masked and len(mask):
            last = jnp.where(_beside(mask[0 if reverse else -1], last), last, jnp.zeros_like(last))
    else:
        last = outputs[0 if reverse else -1] if len(outputs) else first[0]
    return last, outputs, jax.tree_util.tree_unflatten(structure, flat)


def _beside(mask: Tensor | None, x):
    """A mask of the batch axis with an axis of size 1 for each further axis of `x`."""
    return mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))


def _fitting(new, old):
    new = jax.tree_util.tree_leaves(new)
    if [jnp.shape(n) for n in new] != [o.shape for o in old]:
        raise UserInputError(
            "An RNN cell must return states of the shapes that it was given. Given: "
            f"{[o.shape for o in old]}. Returned: {[jnp.shape(n) for n in new]}"
        )
    return [n.astype(o.dtype) for n, o in zip(new, old)]


def run_cell(
    step,
    inputs: Tensor,
    states: Nested[Tensor],
    weights: Sequence[ArrayLike] | None,
    noise,
    mask: Tensor | None,
    **options,
):
    """`run` for the cells of this library, whose arithmetic is a hashable `step` with its weights
    apart.

    Called outside of any program under construction, it is compiled once for each step, shape and
    option, where `lax.scan` alone would compile its body anew at every call.
    """
    project_first = jax.default_backend() != "cpu"
    # On a CPU, the projections of all steps are more memory traffic than one more matmul a step
    # costs; elsewhere they save a kernel a step.
    compiled = step.is_plain() and not jax_private.is_staging(jax_private.current_trace())
    return (_run_compiled if compiled else _run_cell)(
        step, inputs, states, weights, noise, mask, project_first=project_first, **options
    )


def _run_cell(
    step,
    inputs: Tensor,
    states: Nested[Tensor],
    weights: Sequence[ArrayLike] | None,
    noise,
    mask: Tensor | None,
    *,
    project_first,
    **options,
):
    whole = step.run_whole(inputs, states, weights, noise, mask, **options)
    if whole is not None:
        return whole
    if project_first:
        inputs = step.project(inputs, weights, noise)

    @functools.partial(jax.checkpoint, policy=_keep_gates, prevent_cse=False)
    def advance(x, states: Nested[Tensor]) -> list[Tensor]:
        new = step.advance(
            x if project_first else step.project(x, weights, noise), states, weights, noise
        )
        return new[0], new

    return run(advance, inputs, states, mask, **options)


_run_compiled = jax.jit(
    _run_cell,
    static_argnames=("step", "project_first", "reverse", "unroll", "zero_masked", "sequences"),
)


def is_plain_function(fn) -> bool:
    """Whether a function is known to depend on its arguments alone, so that a compiled program may
    stand for it for ever.
    """
    return (
        isinstance(fn, types.FunctionType)
        and fn.__module__.split(".")[0] == "fkeras"
        or fn in _JAX_ACTIVATIONS
    )


_JAX_ACTIVATIONS = (jnp.tanh, jax.nn.tanh, jax.nn.sigmoid, jax.nn.relu)
