"""The networks in plain JAX: what a careful person writes by hand. `make(key, x) -> params` and `forward(params, x, training)`.

`forward` gives logits and the new batch statistics (None where there are none).
"""

import functools

import jax
import jax.numpy as jnp


def _dense(key, n, m):
    limit = (6 / (n + m)) ** 0.5
    return {"kernel": jax.random.uniform(key, (n, m), minval=-limit, maxval=limit), "bias": jnp.zeros(m)}


def _apply(p, x):
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
    return jax.lax.conv_general_dilated(x, kernel, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _pool(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def _make_convnet(key, x):
    a, b, c = jax.random.split(key, 3)
    return [(_kernel(a, 3, 1, 16), jnp.zeros(16)), (_kernel(b, 3, 16, 32), jnp.zeros(32)), _dense(c, 800, 10)]


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
        return {"kernel": _kernel(next(keys), size, n, m), "gamma": jnp.ones(m), "beta": jnp.zeros(m)}

    blocks = [[unit(3, n, m), unit(3, m, m), *([unit(1, n, m)] if stride > 1 else [])] for n, m, stride in _blocks()]
    return {"stem": unit(3, 3, 16), "blocks": blocks, "head": _dense(next(keys), 64, 10)}


def _resnet(params, x, training):
    statistics = []

    def unit(p, x, stride=1):
        x = _conv(x, p["kernel"], stride)
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        statistics.append((mean, variance))
        return (x - mean) * jax.lax.rsqrt(variance + 1e-3) * p["gamma"] + p["beta"]

    h = jax.nn.relu(unit(params["stem"], x))
    for block, (_, _, stride) in zip(params["blocks"], _blocks()):
        shortcut = unit(block[2], h, stride) if stride > 1 else h
        h = jax.nn.relu(unit(block[1], jax.nn.relu(unit(block[0], h, stride))) + shortcut)
    return _apply(params["head"], h.mean((1, 2))), statistics


def _make_lstm(key, x):
    a, b, c, d = jax.random.split(key, 4)
    cell = _dense(b, 32, 256)
    return {"table": 0.05 * jax.random.normal(a, (1000, 32)), "cell": cell, "recurrent": jax.random.orthogonal(c, 256)[:64],
            "head": _dense(d, 64, 2)}


def _lstm(params, x, training):
    projected = _apply(params["cell"], params["table"][x]).swapaxes(0, 1)  # (time, batch, 256)

    def step(carry, z):
        h, c = carry
        i, f, g, o = jnp.split(z + h @ params["recurrent"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((x.shape[0], 64))
    (h, _), _ = jax.lax.scan(step, (zeros, zeros), projected)
    return _apply(params["head"], h), None


def _make_transformer(key, x):
    keys = iter(jax.random.split(key, 8))
    norm = lambda: {"gamma": jnp.ones(64), "beta": jnp.zeros(64)}
    dense = {name: _dense(next(keys), n, m) for name, n, m in
             (("qkv", 64, 192), ("out", 64, 64), ("up", 64, 128), ("down", 128, 64), ("head", 64, 2))}
    return {"table": 0.05 * jax.random.normal(next(keys), (1000, 64)), **dense, "norms": [norm(), norm()]}


def _normed(p, x):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-3) * p["gamma"] + p["beta"]


def _transformer(params, x, training):
    h = params["table"][x]  # (batch, time, 64)
    q, k, v = (t.reshape(*t.shape[:2], 4, 16) for t in jnp.split(_apply(params["qkv"], h), 3, axis=-1))
    h = _normed(params["norms"][0], h + _apply(params["out"], jax.nn.dot_product_attention(q, k, v).reshape(h.shape)))
    h = _normed(params["norms"][1], h + _apply(params["down"], jax.nn.relu(_apply(params["up"], h))))
    return _apply(params["head"], h.mean(1)), None


NETWORKS = {
    "small_mlp": (functools.partial(_make_mlp, (16, 3)), _mlp),
    "mlp": (functools.partial(_make_mlp, (128, 128, 10)), _mlp),
    "convnet": (_make_convnet, _convnet),
    "resnet": (_make_resnet, _resnet),
    "lstm": (_make_lstm, _lstm),
    "transformer": (_make_transformer, _transformer),
}
