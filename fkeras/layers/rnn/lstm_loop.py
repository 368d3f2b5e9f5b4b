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


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def run(sequences: Tensor, projected, recurrent, h, c):
    """(outputs of all steps or None, last h, last c) of an LSTM with tanh and sigmoid.

    Args:
        sequences: whether the outputs of all steps are wanted.
        projected: (time, batch, 4 * units): what inputs and bias add to the gates i, f, candidate,
            o.
        recurrent: (units, 4 * units) kernel.
        h, c: (batch, units): the first states.
    """

    def body(carry, z):
        h, c, _ = _step(carry, z, recurrent)
        return (h, c), h if sequences else None

    (h, c), outputs = jax.lax.scan(body, (h, c), projected)
    return outputs, h, c


def _step(carry, z, recurrent):
    # sigmoid(z) is tanh(z / 2) / 2 + 1 / 2: one tanh for all gates.
    h, c = carry
    units = h.shape[-1]
    scale, shift = (
        jnp.asarray(np.repeat(v, units), z.dtype) for v in ((0.5, 0.5, 1, 0.5), (0.5, 0.5, 0, 0.5))
    )
    gates = jnp.tanh((z + h @ recurrent) * scale) * scale + shift
    i, f, candidate, o = jnp.split(gates, 4, axis=-1)
    c = f * c + i * candidate
    return o * jnp.tanh(c), c, gates


@run.defjvp
def _derivative(sequences: Tensor, primals, tangents):
    projected, recurrent, first_h, first_c = primals
    d_projected, d_recurrent, d_h, d_c = tangents

    def body(carry, z):
        h, c, gates = _step(carry, z, recurrent)
        return (h, c), (gates, c)

    (last_h, last_c), (gates, cells) = jax.lax.scan(body, (first_h, first_c), projected)
    i, f, candidate, o = jnp.split(gates, 4, axis=-1)
    tanh = jnp.tanh(cells)
    outputs = o * tanh
    h_before, c_before = (
        jnp.concatenate([first[None], all_[:-1]])
        for first, all_ in ((first_h, outputs), (first_c, cells))
    )
    slopes = jnp.concatenate(
        [
            candidate * i * (1 - i),
            c_before * f * (1 - f),
            i * (1 - candidate * candidate),
            tanh * o * (1 - o),
        ],
        axis=-1,
    )
    units = recurrent.shape[0]
    change = d_projected + (h_before.reshape(-1, units) @ d_recurrent).reshape(projected.shape)

    def linear(carry, now):
        (d_h, d_c), (change, slopes, f, from_c) = carry, now
        di, df, dg, do = jnp.split((change + d_h @ recurrent) * slopes, 4, axis=-1)
        d_c = d_c * f + di + df + dg
        d_h = d_c * from_c + do
        return (d_h, d_c), d_h if sequences else None

    (d_h, d_c), d_outputs = jax.lax.scan(
        linear, (d_h, d_c), (change, slopes, f, o * (1 - tanh * tanh))
    )
    return (outputs if sequences else None, last_h, last_c), (d_outputs, d_h, d_c)
