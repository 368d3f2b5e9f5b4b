"""The loop of a plain LSTM, with its derivative written out.

JAX's derivative of a loop over time makes the recurrent kernel's gradient one step at a time.
Written out, all that is elementwise and that gradient are one operation over all steps, and the
backward loop holds a single product. The rule is a `custom_jvp`, whose transpose JAX makes: forward
mode, reverse mode and their mixtures all work.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.types import Tensor


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def run(
    sequences: bool,
    unroll: bool | int,
    projected: Tensor,
    mask: Tensor | None,
    recurrent: Tensor,
    h: Tensor,
    c: Tensor,
) -> tuple[Tensor | None, Tensor, Tensor]:
    """(states h of all steps or None, last h, last c) of an LSTM with tanh and sigmoid.

    Args:
        sequences: whether the states of all steps are wanted.
        unroll: as in `jax.lax.scan`.
        projected: (time, batch, 4 * units): what inputs and bias add to the gates i, f, candidate,
            o.
        mask: bool (time, batch, 1), False where the states stay as they are; None: nowhere.
        recurrent: (units, 4 * units) kernel.
        h, c: (batch, units): the first states.
    """

    def body(states, slices):
        z, counts = slices
        h, c, _ = _advance(states, z, counts, recurrent)
        return (h, c), h if sequences else None

    (h, c), outputs = jax.lax.scan(body, (h, c), (projected, mask), unroll=unroll)
    return outputs, h, c


def _advance(
    states: tuple[Tensor, Tensor], z: Tensor, counts: Tensor | None, recurrent: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """(h, c, gates after their activations) of one step; `z`: (batch, 4 * units)."""
    h_before, c_before = states
    # sigmoid(z) is tanh(z / 2) / 2 + 1 / 2: one tanh for all gates.
    units = h_before.shape[-1]
    scale = jnp.asarray(np.repeat((0.5, 0.5, 1, 0.5), units), z.dtype)[None]
    shift = jnp.asarray(np.repeat((0.5, 0.5, 0, 0.5), units), z.dtype)[None]
    gates = jnp.tanh((z + h_before @ recurrent) * scale) * scale + shift
    i, f, candidate, o = jnp.split(gates, 4, axis=-1)
    c = f * c_before + i * candidate
    h = o * jnp.tanh(c)
    if counts is not None:
        h, c = jnp.where(counts, h, h_before), jnp.where(counts, c, c_before)
    return h, c, gates


@run.defjvp
def _run_with_tangents(sequences, unroll, primals, tangents):
    projected, mask, recurrent, first_h, first_c = primals
    d_projected, _, d_recurrent, d_h, d_c = tangents

    def body(states, slices):
        z, counts = slices
        h, c, gates = _advance(states, z, counts, recurrent)
        # Where no step is masked, h follows from the gates and c: cheaper than to store it.
        return (h, c), (gates, c, None if mask is None else h)

    # Everything that follows is of all steps at once: (time, batch, units), or 4 * units.
    (last_h, last_c), (gates, cells, outputs) = jax.lax.scan(
        body, (first_h, first_c), (projected, mask), unroll=unroll
    )
    i, f, candidate, o = jnp.split(gates, 4, axis=-1)
    tanh = jnp.tanh(cells)
    if mask is None:
        outputs = o * tanh
    h_before = jnp.concatenate([first_h[None], outputs[:-1]])
    c_before = jnp.concatenate([first_c[None], cells[:-1]])

    # How the new c (by i, f, candidate) and the new h (by o) depend on the sums that gates see.
    by_i = candidate * i * (1 - i)
    by_f = c_before * f * (1 - f)
    by_candidate = i * (1 - candidate * candidate)
    by_o = tanh * o * (1 - o)
    slopes = jnp.concatenate([by_i, by_f, by_candidate, by_o], axis=-1)
    h_by_c = o * (1 - tanh * tanh)
    if mask is not None:
        slopes, h_by_c = jnp.where(mask, slopes, 0), jnp.where(mask, h_by_c, 0)
        f = jnp.where(mask, f, 1)

    # What moves these sums besides the state's own movement: one product instead of one a step.
    units = recurrent.shape[0]
    by_kernel = h_before.reshape(-1, units) @ d_recurrent
    change = d_projected + by_kernel.reshape(projected.shape)

    def linear(d_states, slices):
        d_h_before, d_c = d_states
        change, slopes, f, h_by_c, counts = slices
        di, df, dg, do = jnp.split((change + d_h_before @ recurrent) * slopes, 4, axis=-1)
        d_c = d_c * f + di + df + dg
        d_h = d_c * h_by_c + do
        if counts is not None:
            d_h = d_h + jnp.where(counts, 0, d_h_before)
        return (d_h, d_c), d_h if sequences else None

    # The one part that is a loop: tangents of the states, linear in them, so that JAX can
    # transpose it.
    (d_h, d_c), d_outputs = jax.lax.scan(
        linear, (d_h, d_c), (change, slopes, f, h_by_c, mask), unroll=unroll
    )
    return (outputs if sequences else None, last_h, last_c), (d_outputs, d_h, d_c)
