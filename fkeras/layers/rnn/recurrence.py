"""The loop over time. Pure functions of arrays; time is the first axis of all sequences here."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from fkeras.core import jax_private
from fkeras.errors import UserInputError
from fkeras.types import Nested, Tensor

if TYPE_CHECKING:
    from fkeras.layers.rnn.cell_step import CellNoise, CellWeights, Loop, Step


# What a cell's step stores for the gradient: the sums that its gates see. All that follows from
# them is elementwise, cheap to compute again in the backward pass, and several times larger.
_STORED_NAME = "fkeras_gates"
keep_for_gradient = functools.partial(checkpoint_name, name=_STORED_NAME)
_store_gates_only = jax.checkpoint_policies.save_only_these_names(_STORED_NAME)

States = Nested[Tensor]
StepFunction = Callable[[Nested[Tensor], States], tuple[Nested[Tensor], States]]


def run(
    step: StepFunction,
    inputs: Nested[Tensor],
    states: States,
    mask: Tensor | None = None,
    *,
    reverse: bool = False,
    unroll: bool | int = False,
    zero_masked: bool = False,
    sequences: bool = True,
    previous_outputs: Callable[[States], list[Tensor]] = jax.tree_util.tree_leaves,
) -> tuple[Nested[Tensor], Nested[Tensor] | None, States]:
    """Runs `step(inputs_at_t, states) -> (output, states)` over the first axis of `inputs`.

    Args:
        step: function of arrays; `states` has the structure of the first states.
        inputs: (time, batch, ...), or a structure of such arrays.
        states: nested lists of arrays: the first states.
        mask: bool (time, batch), True where a step counts; None where all do. At a masked step the
            states stay as they are.
        reverse: whether the last step comes first.
        unroll: whether the loop is written out (True: all of it, an int: that many steps at a
            time).
        zero_masked: whether the output at a masked step is 0 instead of that before.
        sequences: whether the outputs of all steps are wanted. False: the step's output must be its
            first state.
        previous_outputs: function of the states that gives the output of the step before, in a
            list that begins with it: the first states, for an output that is several arrays.

    Returns:
        The output of the last step; the outputs of all steps at their places in time, or None; the
        last states.
    """
    first, structure = jax.tree_util.tree_flatten(states)

    def body(flat, slices):
        inputs_now, counts = slices  # (batch, ...), and (batch,) or None
        states = jax.tree_util.tree_unflatten(structure, flat)
        output, new = step(inputs_now, states)
        # At a masked step, states stay what they are.
        new = _fitting(new, flat)
        if counts is not None:
            new = [jnp.where(_beside(counts, x), x, old) for x, old in zip(new, flat)]
        if not sequences:
            return new, None
        if counts is not None:
            # Keras repeats the output of the step before, which the states hold.
            now, nest = jax.tree_util.tree_flatten(output)
            masked = map(jnp.zeros_like, now) if zero_masked else previous_outputs(states)
            now = [jnp.where(_beside(counts, x), x, old) for x, old in zip(now, masked)]
            output = jax.tree_util.tree_unflatten(nest, now)
        return new, output

    flat, outputs = jax.lax.scan(body, first, (inputs, mask), reverse=reverse, unroll=unroll)
    states = jax.tree_util.tree_unflatten(structure, flat)
    end = 0 if reverse else -1  # where the loop ended
    if sequences:
        steps = len(jax.tree_util.tree_leaves(inputs)[0])
        last = jax.tree_util.tree_map(lambda x: x[end], outputs) if steps else first[0]
        return last, outputs, states
    last = flat[0]
    if mask is not None and zero_masked and len(mask):
        last = jnp.where(_beside(mask[end], last), last, jnp.zeros_like(last))
    return last, None, states


def _beside(mask: Tensor, x: Tensor) -> Tensor:
    """A mask of the batch axis with an axis of size 1 for each further axis of `x`."""
    return mask.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))


def _fitting(new: States, old: list[Tensor]) -> list[Tensor]:
    """A step's states in a flat list, of the shapes and dtypes of those that it got."""
    new = jax.tree_util.tree_leaves(new)
    if [jnp.shape(x) for x in new] != [x.shape for x in old]:
        raise UserInputError(
            "An RNN cell must return states of the shapes that it was given. Given: "
            f"{[x.shape for x in old]}. Returned: {[jnp.shape(x) for x in new]}"
        )
    return [jnp.asarray(x, before.dtype) for x, before in zip(new, old)]


def run_cell(
    step: Step,
    inputs: Tensor,
    states: list[Tensor],
    weights: CellWeights,
    noise: CellNoise,
    mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, Tensor | None, list[Tensor]]:
    """`run` for the cells of this library, whose arithmetic is a hashable `step` without weights.

    Called outside of any program under construction, it is compiled once for each step, shape and
    option, where `lax.scan` alone would compile its body anew at every call.
    """
    # On a CPU, the projections of all steps are more memory traffic than one more matmul a step
    # costs; elsewhere they save a kernel a step.
    project_first = jax.default_backend() != "cpu"
    is_eager = not jax_private.is_staging(jax_private.current_trace())
    run_loop = _run_compiled if step.is_plain() and is_eager else _run_cell
    return run_loop(
        step, inputs, states, weights, noise, mask, project_first=project_first, **options
    )


def _run_cell(
    step: Step,
    inputs: Tensor,
    states: list[Tensor],
    weights: CellWeights,
    noise: CellNoise,
    mask: Tensor | None,
    *,
    project_first: bool,
    **options: Any,
) -> tuple[Tensor, Tensor | None, list[Tensor]]:
    """`run_cell` as one program; `project_first`: the inputs' part of all steps before the loop."""
    loop = step.loop(weights, noise) if len(inputs) else None
    if loop is not None:
        return _run_loop(loop, step.project(inputs, weights, noise), states, mask, **options)
    if project_first:
        inputs = step.project(inputs, weights, noise)

    # prevent_cse=False: inside a scan, XLA cannot merge the second computation with the first.
    @functools.partial(jax.checkpoint, policy=_store_gates_only, prevent_cse=False)
    def advance(x, states):
        projected = x if project_first else step.project(x, weights, noise)
        new_states = step.advance(projected, states, weights, noise)
        return new_states[0], new_states

    return run(advance, inputs, states, mask, **options)


def _run_loop(
    loop: Loop,
    projected: Tensor,
    states: list[Tensor],
    mask: Tensor | None,
    *,
    reverse: bool = False,
    unroll: bool | int = False,
    zero_masked: bool = False,
    sequences: bool = True,
) -> tuple[Tensor, Tensor | None, list[Tensor]]:
    """`run` for a loop of a cell's own, which knows one direction of time and no zeroed outputs."""
    counts = None if mask is None else mask[..., None]  # (time, batch, 1)
    if reverse:
        projected = projected[::-1]
        counts = None if counts is None else counts[::-1]
    first = [x.astype(projected.dtype) for x in states]
    outputs, new = loop(projected, counts, first, sequences=sequences, unroll=unroll)
    last = new[0]
    if counts is not None and zero_masked:
        last = jnp.where(counts[-1], last, 0)
        outputs = jnp.where(counts, outputs, 0) if sequences else None
    if sequences and reverse:  # back to their places in time
        outputs = outputs[::-1]
    return last, outputs, [x.astype(before.dtype) for x, before in zip(new, states, strict=True)]


_run_compiled = jax.jit(
    _run_cell,
    static_argnames=("step", "project_first", "reverse", "unroll", "zero_masked", "sequences"),
)


# Those of JAX that users pass for speed.
_JAX_ACTIVATIONS = (jnp.tanh, jax.nn.tanh, jax.nn.sigmoid, jax.nn.relu)


def is_plain_function(function: Callable[..., Any]) -> bool:
    """Whether a function is known to depend on its arguments alone.

    A compiled program may stand for such a one for ever.
    """
    is_of_fkeras = (
        isinstance(function, types.FunctionType) and function.__module__.split(".")[0] == "fkeras"
    )
    return is_of_fkeras or function in _JAX_ACTIVATIONS
