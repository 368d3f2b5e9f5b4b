"""The loop of a plain `SimpleRNN`, with its derivative written out.

As `lstm_loop`: the backward loop holds a single product, all else is of all steps at once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from fkeras.types import Tensor

# A function and its slope where it has this output, for those whose slope the output tells.
Activation = tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def run(
    activation: Activation,
    sequences: bool,
    unroll: bool | int,
    projected: Tensor,
    mask: Tensor | None,
    recurrent: Tensor,
    h: Tensor,
) -> tuple[Tensor | None, Tensor]:
    """(states of all steps or None, last state).

    Args:
        activation: `TANH` or `RELU`.
        sequences: whether the states of all steps are wanted.
        unroll: as in `jax.lax.scan`.
        projected: (time, batch, units): what inputs and bias add.
        mask: bool (time, batch, 1), False where the state stays as it is; None: nowhere.
        recurrent: (units, units) kernel.
        h: (batch, units): the first state.
    """
    function, _ = activation

    def body(h_before, slices):
        z, counts = slices
        h = function(z + h_before @ recurrent)
        if counts is not None:
            h = jnp.where(counts, h, h_before)
        return h, h if sequences else None

    h, outputs = jax.lax.scan(body, h, (projected, mask), unroll=unroll)
    return outputs, h


@run.defjvp
def _run_with_tangents(activation, sequences, unroll, primals, tangents):
    projected, mask, recurrent, first_h = primals
    d_projected, _, d_recurrent, d_h = tangents
    outputs, last_h = run(activation, True, unroll, projected, mask, recurrent, first_h)
    h_before = jnp.concatenate([first_h[None], outputs[:-1]])
    _, slope_at = activation
    slopes = slope_at(outputs)
    if mask is not None:
        slopes = jnp.where(mask, slopes, 0)

    # What moves the state besides its own movement: one product instead of one a step.
    by_kernel = h_before.reshape(-1, len(recurrent)) @ d_recurrent
    change = (d_projected + by_kernel.reshape(projected.shape)) * slopes

    def linear(d_h_before, slices):
        change, slopes, counts = slices
        d_h = change + (d_h_before @ recurrent) * slopes
        if counts is not None:
            d_h = d_h + jnp.where(counts, 0, d_h_before)
        return d_h, d_h if sequences else None

    # The one part that is a loop, linear in the tangent of the state: JAX can transpose it.
    d_h, d_outputs = jax.lax.scan(linear, d_h, (change, slopes, mask), unroll=unroll)
    return (outputs if sequences else None, last_h), (d_outputs, d_h)


def _slope_of_tanh(output: Tensor) -> Tensor:
    return 1 - output * output


def _slope_of_relu(output: Tensor) -> Tensor:
    return (output > 0).astype(output.dtype)


TANH: Activation = (jnp.tanh, _slope_of_tanh)
RELU: Activation = (jax.nn.relu, _slope_of_relu)
