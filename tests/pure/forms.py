"""The ways in which a layer's `call` may transform what is inside it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

import fkeras
from fkeras import layers, lift, ops

Function = Callable[[jax.Array], jax.Array]


def _custom_vjp(function: Function) -> Function:
    @jax.custom_vjp
    def ruled(x):
        return function(x)

    ruled.defvjp(lambda x: jax.vjp(function, x), lambda pull, g: pull(g))
    return ruled


def _raw_cond(function: Function) -> Function:
    return lambda x: jax.lax.cond(jnp.isfinite(x[0, 0]), function, lambda x: 0.0 * x, x)


def _raw_switch(function: Function) -> Function:
    branches = [lambda x: 0.0 * x, function]
    return lambda x: jax.lax.switch(jnp.isfinite(x[0, 0]).astype(int), branches, x)


def _lift_cond(function: Function) -> Function:
    return lambda x: lift.cond(jnp.isfinite(x[0, 0]), function, lambda x: 0.0 * x, x)


# Each makes of f a function with the values of f. Their programs run once for each call.
RAW_ONCE: dict[str, Callable[[Function], Function]] = {
    "jit": jax.jit,
    "checkpoint": jax.checkpoint,
    "jit of checkpoint": lambda f: jax.jit(jax.checkpoint(f)),
    "cond": _raw_cond,
    "switch": _raw_switch,
    "custom_vjp": _custom_vjp,
    "vjp": lambda f: lambda x: jax.vjp(f, x)[0],
    "jvp": lambda f: lambda x: jax.jvp(f, (x,), (x,))[0],
    "value_and_grad": lambda f: (
        lambda x: jax.value_and_grad(lambda x: (lambda y: (y.sum(), y))(f(x)), has_aux=True)(x)[0][
            1
        ]
    ),
}
OURS_ONCE: dict[str, Callable[[Function], Function]] = {
    "remat": fkeras.remat,
    "lift.checkpoint": lift.checkpoint,
    "lift.cond": _lift_cond,
    "remat of remat": lambda f: fkeras.remat(fkeras.remat(f)),
}
# These carry keys and masks: state and losses are those of the raw ones.
OPS_ONCE: dict[str, Callable[[Function], Function]] = {
    "ops.cond": lambda f: lambda x: ops.cond(jnp.isfinite(x[0, 0]), lambda: f(x), lambda: 0.0 * x),
    "ops.switch": lambda f: (
        lambda x: ops.switch(jnp.isfinite(x[0, 0]).astype(int), [lambda x: 0.0 * x, f], x)
    ),
}
ONCE = RAW_ONCE | OURS_ONCE | OPS_ONCE

# Each applies f to each row (with a first axis of 1 put before it). Their programs run many times.
RAW_REPEATED: dict[str, Callable[[Function], Function]] = {
    "scan": lambda f: lambda x: jax.lax.scan(lambda c, row: (c, f(row[None])[0]), 0.0, x)[1],
    "map": lambda f: lambda x: jax.lax.map(lambda row: f(row[None])[0], x),
    "vmap": lambda f: lambda x: jax.vmap(lambda row: f(row[None])[0])(x),
    "fori_loop": lambda f: (
        lambda x: jax.lax.fori_loop(
            0, x.shape[0], lambda i, y: y.at[i].set(f(x[i][None])[0]), jnp.zeros_like(x)
        )
    ),
    "while_loop": lambda f: (
        lambda x: jax.lax.while_loop(
            lambda c: c[0] < x.shape[0],
            lambda c: (c[0] + 1, c[1].at[c[0]].set(f(x[c[0]][None])[0])),
            (0, jnp.zeros_like(x)),
        )[1]
    ),
}
OURS_REPEATED: dict[str, Callable[[Function], Function]] = {
    "lift.scan": lambda f: lambda x: lift.scan(lambda c, row: (c, f(row[None])[0]), 0.0, x)[1],
    "lift.vmap": lambda f: lambda x: lift.vmap(lambda row: f(row[None])[0])(x),
}
OPS_REPEATED: dict[str, Callable[[Function], Function]] = {
    "ops.scan": lambda f: lambda x: ops.scan(lambda c, row: (c, f(row[None])[0]), 0.0, x)[1],
    "ops.map": lambda f: lambda x: ops.map(lambda row: f(row[None])[0], x),
    "ops.vectorized_map": lambda f: lambda x: ops.vectorized_map(lambda row: f(row[None])[0], x),
    "ops.fori_loop": lambda f: (
        lambda x: ops.fori_loop(
            0, x.shape[0], lambda i, y: y.at[i].set(f(x[i][None])[0]), jnp.zeros_like(x)
        )
    ),
    "ops.while_loop": lambda f: (
        lambda x: ops.while_loop(
            lambda i, y: i < x.shape[0],
            lambda i, y: (i + 1, y.at[i].set(f(x[i][None])[0])),
            (0, jnp.zeros_like(x)),
        )[1]
    ),
}
REPEATED = RAW_REPEATED | OURS_REPEATED | OPS_REPEATED


class Block(layers.Layer):
    """A layer that calls its part through a transformation.

    Args:
        part: the layer inside.
        form: from a function to the transformed one.
        kept: whether the transformed function is an attribute, or made at each call.
        times: how often it is called; the outputs are stacked.
    """

    def __init__(self, part: layers.Layer, form: Any, kept: bool = False, times: int = 1) -> None:
        super().__init__()
        self.part = part
        self.form = form
        self.times = times
        self.kept = form(self.inner) if kept else None

    def build(self, shape) -> None:
        self.part.build(shape)

    def inner(self, x):
        return self.part(x)

    def call(self, x, training=None):
        function = self.kept or self.form(self.inner)
        outputs = [function(x) for _ in range(self.times)]
        return outputs[0] if self.times == 1 else jnp.stack(outputs)


def plain(function: Function) -> Function:
    """No transformation."""
    return function


@functools.cache
def keys(count: int = 2) -> jax.Array:
    return jax.random.split(jax.random.key(5), count)
