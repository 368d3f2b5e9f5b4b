"""The networks in plain JAX: the fastest that we can write by hand. `make(key, x) -> params` and
`forward(params, x, training)`.

`forward` gives logits and the new batch statistics (None where there are none). The forms are those
that XLA computes fast on a CPU, each found by measuring; a contender of `fit` has to be hard to
beat.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np


def _dense(key, n, m):
    limit = (6 / (n + m)) ** 0.5
    return {
        "kernel": jax.random.uniform(key, (n, m), minval=-limit, maxval=limit),
        "bias": jnp.zeros(m),
    }


def _apply(p, x):
    """`x` is always (rows, features). With more axes, XLA copies a transpose for the kernel's
    gradient: as much time again as the layer.
    """
    return x @ p["kernel"] + p["bias"]


def _make_mlp(sizes, key, x):
    keys = jax.random.split(key, len(sizes))
    return [_dense(k, n, m) for k, n, m in zip(keys, (x.shape[1], *sizes[:-1]), sizes)]


def _mlp(params, x, training):
    for p in params[:-1]:
        x = jax.nn.relu(_apply(p, x))
    return _apply(params[-1], x), None


def _kernel(key, size, n, m):
    limit = (6 / (size * size * (n + m))) ** 0.5
    return jax.random.uniform(key, (size, size, n, m), minval=-limit, maxval=limit)


def _conv(x, kernel, stride=1, padding="SAME"):
    if len(kernel) == 1:
        x = x[:, ::stride, ::stride]
        return (x.reshape(-1, x.shape[-1]) @ kernel[0, 0]).reshape(*x.shape[:-1], -1)
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _pool(x):
    """The largest of each 2x2 window. `reduce_window` takes several times longer, most of it for
    its gradient.
    """
    x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
    x = jnp.maximum(x[:, :, ::2], x[:, :, 1::2])
    return jnp.maximum(x[:, ::2], x[:, 1::2])


def _make_convnet(key, x):
    a, b, c = jax.random.split(key, 3)
    return [
        (_kernel(a, 3, 1, 16), jnp.zeros(16)),
        (_kernel(b, 3, 16, 32), jnp.zeros(32)),
        _dense(c, 800, 10),
    ]


def _convnet(params, x, training):
    for kernel, bias in params[:2]:
        x = _pool(jax.nn.relu(_conv(x, kernel, padding="VALID") + bias))
    return _apply(params[2], x.reshape(len(x), -1)), None


def _blocks():
    """(inputs, filters, stride) of the nine blocks."""
    n = 16
    for filters, first in ((16, 1), (32, 2), (64, 2)):
        for block in range(3):
            yield n, filters, first if block == 0 else 1
            n = filters


def _make_resnet(key, x):
    keys = iter(jax.random.split(key, 30))

    def unit(size, n, m):
        return {
            "kernel": _kernel(next(keys), size, n, m),
            "gamma": jnp.ones(m),
            "beta": jnp.zeros(m),
        }

    blocks = [
        [unit(3, n, m), unit(3, m, m), *([unit(1, n, m)] if stride > 1 else [])]
        for n, m, stride in _blocks()
    ]
    return {"stem": unit(3, 3, 16), "blocks": blocks, "head": _dense(next(keys), 64, 10)}


def _resnet(params, x, training):
    statistics = []

    def unit(p, x, stride=1):
        x = _conv(x, p["kernel"], stride)
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        statistics.append((mean, variance))
        scale = jax.lax.rsqrt(variance + 1e-3) * p["gamma"]
        return x * scale + (
            p["beta"] - mean * scale
        )  # one product and one sum an element, not four

    h = jax.nn.relu(unit(params["stem"], x))
    for block, (_, _, stride) in zip(params["blocks"], _blocks()):
        shortcut = unit(block[2], h, stride) if stride > 1 else h
        h = jax.nn.relu(unit(block[1], jax.nn.relu(unit(block[0], h, stride))) + shortcut)
    return _apply(params["head"], h.mean((1, 2))), statistics


def _make_lstm(key, x):
    a, b, c, d = jax.random.split(key, 4)
    cell = _dense(b, 32, 256)
    return {
        "table": 0.05 * jax.random.normal(a, (1000, 32)),
        "cell": cell,
        "recurrent": jax.random.orthogonal(c, 256)[:64],
        "head": _dense(d, 64, 2),
    }


def _lstm(params, x, training):
    batch, time = x.shape
    rows = params["table"][x.T.reshape(-1)]  # time first: no copies in the loops
    h = _recurrence(_apply(params["cell"], rows).reshape(time, batch, -1), params["recurrent"])
    return _apply(params["head"], h), None


@jax.custom_vjp
def _recurrence(projected, recurrent):
    """The last state of an LSTM over (time, batch, 4 * units). The backward loop holds one product;
    the rest is for all steps at once.
    """
    return _forth(projected, recurrent)[0]


def _forth(projected, recurrent):
    units = len(recurrent)
    # sigmoid(z) is tanh(z / 2) / 2 + 1 / 2: one tanh for all gates.
    scale, shift = (
        np.repeat(np.array(v, "float32"), units) for v in ((0.5, 0.5, 1, 0.5), (0.5, 0.5, 0, 0.5))
    )

    def step(carry, z):
        h, c = carry
        gates = jnp.tanh((z + h @ recurrent) * scale) * scale + shift
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        c = f * c + i * g
        return (o * jnp.tanh(c), c), (gates, c)

    zeros = jnp.zeros((projected.shape[1], units))
    (h, _), (gates, cells) = jax.lax.scan(step, (zeros, zeros), projected)
    return h, (gates, cells, recurrent)


def _back(saved, dh):
    gates, cells, recurrent = saved
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    tanh = jnp.tanh(cells)
    before = lambda a: jnp.concatenate([jnp.zeros_like(a[:1]), a[:-1]])
    slopes = jnp.concatenate(
        [g * i * (1 - i), before(cells) * f * (1 - f), i * (1 - g * g), tanh * o * (1 - o)], -1
    )

    def step(carry, now):
        (dh, dc), (slopes, forget, from_h) = carry, now
        dc = dc + dh * from_h
        dz = jnp.concatenate([dc, dc, dc, dh], -1) * slopes
        return (dz @ recurrent.T, dc * forget), dz

    _, dz = jax.lax.scan(
        step, (dh, jnp.zeros_like(dh)), (slopes, f, o * (1 - tanh * tanh)), reverse=True
    )
    return dz, before(o * tanh).reshape(-1, len(recurrent)).T @ dz.reshape(-1, dz.shape[-1])


_recurrence.defvjp(_forth, _back)


def _make_transformer(key, x):
    keys = iter(jax.random.split(key, 8))
    norm = lambda: {"gamma": jnp.ones(64), "beta": jnp.zeros(64)}
    dense = {
        name: _dense(next(keys), n, m)
        for name, n, m in (
            ("qkv", 64, 192),
            ("out", 64, 64),
            ("up", 64, 128),
            ("down", 128, 64),
            ("head", 64, 2),
        )
    }
    return {
        "table": 0.05 * jax.random.normal(next(keys), (1000, 64)),
        **dense,
        "norms": [norm(), norm()],
    }


def _normed(p, x):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-3) * p["gamma"] + p["beta"]


def _attention(q, k, v):
    """(batch, time, heads, size) each. The division by the sums comes last, where the array is four
    times smaller.
    """
    logits = jnp.einsum("bqhd,bkhd->bhqk", q * q.shape[-1] ** -0.5, k)
    weights = jnp.exp(logits - jax.lax.stop_gradient(logits.max(-1, keepdims=True)))
    return jnp.einsum("bhqk,bkhd->bqhd", weights, v) / weights.sum(-1).swapaxes(1, 2)[..., None]


def _transformer(params, x, training):
    batch, time = x.shape
    h = params["table"][x.reshape(-1)]  # (batch * time, 64)
    q, k, v = (
        t.reshape(batch, time, 4, 16) for t in jnp.split(_apply(params["qkv"], h), 3, axis=-1)
    )
    h = _normed(params["norms"][0], h + _apply(params["out"], _attention(q, k, v).reshape(h.shape)))
    h = _normed(
        params["norms"][1], h + _apply(params["down"], jax.nn.relu(_apply(params["up"], h)))
    )
    return _apply(params["head"], h.reshape(batch, time, -1).mean(1)), None


NETWORKS = {
    "small_mlp": (functools.partial(_make_mlp, (16, 3)), _mlp),
    "mlp": (functools.partial(_make_mlp, (128, 128, 10)), _mlp),
    "wide_mlp": (functools.partial(_make_mlp, (*[1024] * 8, 10)), _mlp),
    "convnet": (_make_convnet, _convnet),
    "resnet": (_make_resnet, _resnet),
    "lstm": (_make_lstm, _lstm),
    "transformer": (_make_transformer, _transformer),
}
