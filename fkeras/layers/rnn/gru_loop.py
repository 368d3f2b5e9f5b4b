"""The loop of a plain GRU whose reset gate acts after the product, with its derivative written out.

As `lstm_loop`: the backward loop holds a single product, all else is of all steps at once.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from fkeras.types import Tensor


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def run(
    sequences: bool,
    unroll: bool | int,
    projected: Tensor,
    mask: Tensor | None,
    recurrent: Tensor,
    bias: Tensor,
    h: Tensor,
) -> tuple[Tensor | None, Tensor]:
    """(states of all steps or None, last state) of a GRU with tanh and sigmoid.

    Args:
        sequences: whether the states of all steps are wanted.
        unroll: as in `jax.lax.scan`.
        projected: (time, batch, 3 * units): what inputs and their bias add to the gates update,
            reset, candidate.
        mask: bool (time, batch, 1), False where the state stays as it is; None: nowhere.
        recurrent: (units, 3 * units) kernel.
        bias: (3 * units,), added to the product with the state.
        h: (batch, units): the first state.
    """

    # A round ends with the gates of the next step. XLA would put the tanh of the reset gate and the
    # one behind it, where both are of one round, into one loop over elements, which it does not
    # vectorise: that takes two to three times as long on a CPU.
    gates_end = 2 * h.shape[-1]

    def body(carry, slices):
        h_before, gates, inner = carry
        z, next_z, counts = slices
        h, _ = _new_state(h_before, z, counts, gates, inner)
        return (h, *_look(h, next_z, recurrent, bias)), h if sequences else None

    next_gates = jnp.roll(projected[:, :, :gates_end], -1, axis=0)  # the last one is of no use
    first = (h, *_look(h, projected[0, :, :gates_end], recurrent, bias))
    steps = (projected[:, :, gates_end:], next_gates, mask)
    (h, *_), outputs = jax.lax.scan(body, first, steps, unroll=unroll)
    return outputs, h


def _look(h: Tensor, z: Tensor, recurrent: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """(both gates, the candidate's part of the product) with the state before a step.

    Args:
        h: (batch, units), the state.
        z: (batch, 2 * units), what the step's inputs add to the gates.
        recurrent, bias: as of `run`.
    """
    inner = h @ recurrent + bias[None]
    gates_end = z.shape[-1]
    # sigmoid(z) is tanh(z / 2) / 2 + 1 / 2.
    return jnp.tanh((z + inner[:, :gates_end]) / 2) / 2 + 0.5, inner[:, gates_end:]


def _new_state(
    h_before: Tensor, z: Tensor, counts: Tensor | None, gates: Tensor, inner: Tensor
) -> tuple[Tensor, Tensor]:
    """(h, candidate) of one step whose inputs add `z` to the candidate; see `_look`."""
    update, reset = jnp.split(gates, 2, axis=-1)
    candidate = jnp.tanh(z + reset * inner)
    h = update * h_before + (1 - update) * candidate
    if counts is not None:
        h = jnp.where(counts, h, h_before)
    return h, candidate


@run.defjvp
def _run_with_tangents(sequences, unroll, primals, tangents):
    projected, mask, recurrent, bias, first_h = primals
    d_projected, _, d_recurrent, d_bias, d_h = tangents
    units = first_h.shape[-1]

    def body(h, slices):
        z, counts = slices
        gates, inner = _look(h, z[:, : 2 * units], recurrent, bias)
        h, candidate = _new_state(h, z[:, 2 * units :], counts, gates, inner)
        return h, (h, gates, candidate, inner)  # stored gates are made by themselves

    # Everything that follows is of all steps at once: (time, batch, units), or 3 * units.
    last_h, (outputs, gates, candidate, inner) = jax.lax.scan(
        body, first_h, (projected, mask), unroll=unroll
    )
    update, reset = jnp.split(gates, 2, axis=-1)
    h_before = jnp.concatenate([first_h[None], outputs[:-1]])

    # How the new state depends on the sums that the gates and the candidate see, and on the old
    # state where nothing else moves.
    by_candidate = (1 - update) * (1 - candidate * candidate)
    by_update = (h_before - candidate) * update * (1 - update)
    by_reset = by_candidate * inner * reset * (1 - reset)
    by_inputs = jnp.concatenate([by_update, by_reset, by_candidate], axis=-1)
    by_product = jnp.concatenate([by_update, by_reset, by_candidate * reset], axis=-1)
    kept = update
    if mask is not None:
        by_inputs, by_product = jnp.where(mask, by_inputs, 0), jnp.where(mask, by_product, 0)
        kept = jnp.where(mask, update, 1)

    # What moves the state besides its own movement: one product instead of one a step.
    by_weights = h_before.reshape(-1, units) @ d_recurrent + d_bias[None]
    change = d_projected * by_inputs + by_weights.reshape(projected.shape) * by_product
    change = _sum_of_gates(change)

    def linear(d_h, slices):
        change, slopes, kept = slices
        d_h = change + d_h * kept + _sum_of_gates((d_h @ recurrent) * slopes)
        return d_h, d_h if sequences else None

    # The one part that is a loop, linear in the tangent of the state: JAX can transpose it.
    d_h, d_outputs = jax.lax.scan(linear, d_h, (change, by_product, kept), unroll=unroll)
    return (outputs if sequences else None, last_h), (d_outputs, d_h)


def _sum_of_gates(x: Tensor) -> Tensor:
    """(..., 3 * units) to (..., units)."""
    first, second, third = jnp.split(x, 3, axis=-1)
    return first + second + third
