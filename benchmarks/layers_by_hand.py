"""Single layers in plain JAX, as one writes them by hand with some care: `function(weights, x,
mask)`, the weights in Keras's order.

Sums over rows of rank 2, inputs projected before a loop; the derivatives are JAX's.
"""

import jax
import jax.numpy as jnp

NHWC = ("NHWC", "HWIO", "NHWC")


def dense(weights, x, mask=None):
    kernel, bias = weights
    flat = x.reshape(-1, x.shape[-1]) @ kernel
    return flat.reshape(*x.shape[:-1], -1) + bias


def conv(weights, x, mask=None):
    kernel, bias = weights
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=NHWC) + bias


def _depthwise(kernel, x):
    height, width, channels, multiplier = kernel.shape
    return jax.lax.conv_general_dilated(
        x,
        kernel.reshape(height, width, 1, channels * multiplier),
        (1, 1),
        "SAME",
        dimension_numbers=NHWC,
        feature_group_count=channels,
    )


def depthwise(weights, x, mask=None):
    kernel, bias = weights
    return _depthwise(kernel, x) + bias


def separable(weights, x, mask=None):
    by_channel, pointwise, bias = weights
    return dense((pointwise[0, 0], bias), _depthwise(by_channel, x))


def _over_time(step, projected, states, mask, reverse=False):
    """The last state of `step(states, z)` over (batch, time, gates)."""
    mask = None if mask is None else mask.T[..., None]

    def body(states, slices):
        z, counts = slices
        new = step(states, z)
        if counts is not None:
            new = [jnp.where(counts, now, before) for now, before in zip(new, states)]
        return new, None

    sequence = (projected.swapaxes(0, 1), mask)
    return jax.lax.scan(body, states, sequence, reverse=reverse)[0][0]


def _lstm(weights, x, mask, reverse=False):
    kernel, recurrent, bias = weights

    def step(states, z):
        h, c = states
        i, f, candidate, o = jnp.split(z + h @ recurrent, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(candidate)
        return [jax.nn.sigmoid(o) * jnp.tanh(c), c]

    zeros = jnp.zeros((len(x), len(recurrent)))
    return _over_time(step, dense((kernel, bias), x), [zeros, zeros], mask, reverse)


def lstm(weights, x, mask=None):
    return _lstm(weights, x, mask)


def bidirectional(weights, x, mask=None):
    forth, back = weights[:3], weights[3:]
    return jnp.concatenate([_lstm(forth, x, mask), _lstm(back, x, mask, reverse=True)], axis=-1)


def gru(weights, x, mask=None):
    kernel, recurrent, bias = weights

    def step(states, z):
        (h,) = states
        inner = h @ recurrent + bias[1]
        update, reset, candidate = jnp.split(z, 3, axis=-1)
        by_update, by_reset, by_candidate = jnp.split(inner, 3, axis=-1)
        update = jax.nn.sigmoid(update + by_update)
        candidate = jnp.tanh(candidate + jax.nn.sigmoid(reset + by_reset) * by_candidate)
        return [update * h + (1 - update) * candidate]

    zeros = jnp.zeros((len(x), len(recurrent)))
    return _over_time(step, dense((kernel, bias[0]), x), [zeros], mask)


def simple_rnn(weights, x, mask=None):
    kernel, recurrent, bias = weights
    step = lambda states, z: [jnp.tanh(z + states[0] @ recurrent)]
    zeros = jnp.zeros((len(x), len(recurrent)))
    return _over_time(step, dense((kernel, bias), x), [zeros], mask)


def attention(weights, x, mask=None):
    """Self-attention; a mask hides keys."""
    pairs = zip(weights[:6:2], weights[1:6:2])
    query, key, value = (jnp.einsum("btd,dhk->bthk", x, kernel) + bias for kernel, bias in pairs)
    scores = jnp.einsum("bshk,bthk->bhst", query * query.shape[-1] ** -0.5, key)
    mixed = jnp.einsum("bhst,bthk->bshk", jax.nn.softmax(scores, axis=-1), value)
    kernel, bias = weights[6:]
    return jnp.einsum("bthk,hkd->btd", mixed, kernel) + bias


def batch_normalization(weights, x, mask=None):
    """In training, by the statistics of the batch; the moving ones belong to it."""
    gamma, beta, moving_mean, moving_variance = weights
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes), x.var(axes)  # E[x^2] - E[x]^2 would cancel
    scale = gamma * jax.lax.rsqrt(variance + 1e-3)
    moving = (
        0.99 * moving_mean + 0.01 * mean,
        0.99 * moving_variance + 0.01 * variance,
    )
    return x * scale + (beta - mean * scale), moving


def layer_normalization(weights, x, mask=None):
    gamma, beta = weights
    centred = x - x.mean(-1, keepdims=True)
    variance = jnp.square(centred).mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt(variance + 1e-3) * gamma + beta


def embedding(weights, x, mask=None):
    return weights[0][x]
