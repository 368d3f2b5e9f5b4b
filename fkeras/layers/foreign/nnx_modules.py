"""What `FlaxLayer` does for `flax.nnx` modules: first values from a key, and random streams."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax import nnx

from fkeras.core import jax_private
from fkeras.core.randomness import key_scopes, keys, seeds
from fkeras.core.values import adoption, lending
from fkeras.core.values.lent_scopes import Scope
from fkeras.errors import UserInputError
from fkeras.layers.foreign.drawn_together import DrawnTogether

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fkeras.layers.base.layer import Layer

    ModuleFactory = Callable[..., nnx.Module]

# -- first values ----------------------------------------------------------------


def undrawn_module(layer: Layer, factory: ModuleFactory, attribute: str) -> nnx.Module:
    """The module that a factory makes, without values: each is drawn when it is needed, from the
    key of the layer's root.

    Args:
        layer: what will hold the module.
        factory: function of an `nnx.Rngs`.
        attribute: under which name the layer will hold it.

    Raises:
        UserInputError: it makes something else.
    """

    def make(key: jax.Array) -> list[Any]:
        return [variable.get_value() for _, variable in _variables_of(_run(factory, key))]

    module = nnx.eval_shape(lambda: _run(factory, jax.random.key(0)))
    draws = DrawnTogether(layer, make)
    for index, (path, variable) in enumerate(_variables_of(module)):
        like = variable.get_value()
        path_below = "/".join([attribute, *map(str, path)])
        is_trainable = isinstance(variable, nnx.Param)
        adoption.adopt(variable, path_below, is_trainable)
        adoption.leave_undrawn(variable, like, draws.initializer_of(index, path_below))
    return module


def _run(factory: ModuleFactory, key: jax.Array) -> nnx.Module:
    rngs = nnx.Rngs(key)
    # By name where the function has it: the constructors of modules take it so alone.
    module = factory(rngs=rngs) if _takes_rngs_by_name(factory) else factory(rngs)
    if not isinstance(module, nnx.Module):
        raise UserInputError(
            "FlaxLayer: a function must return a flax.nnx module, as in `lambda rngs: "
            f"nnx.Linear(4, 2, rngs=rngs)`. It returned {module!r} of type {type(module).__name__}."
        )
    return module


def _takes_rngs_by_name(factory: ModuleFactory) -> bool:
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # a callable without a signature
        return False
    return any(p.name == "rngs" or p.kind is p.VAR_KEYWORD for p in parameters)


def _variables_of(module: nnx.Module) -> list[tuple[tuple[Any, ...], nnx.Variable]]:
    graph = nnx.iter_graph(module)
    return [(path, value) for path, value in graph if isinstance(value, nnx.Variable)]


# -- random streams --------------------------------------------------------------


def keys_of_call(module: nnx.Module) -> AbstractContextManager:
    """Context manager: the module's random streams draw from the key of the pure call that is going
    on, and count nothing. Without one they count their own state on, as in NNX.
    """
    scope = key_scopes.current_scope()
    if scope is None or not scope.has_keys() or lending.in_abstract_call():
        return contextlib.nullcontext()
    streams = [value for _, value in nnx.iter_graph(module) if isinstance(value, nnx.RngStream)]
    return lending.opened(_StreamScope(streams)) if streams else contextlib.nullcontext()


class _StreamScope(Scope):
    """Lends to each stream a key at each read, and takes no counts.

    A key is drawn where it is read, so that it belongs to the trace that it is read in.
    """

    def __init__(self, streams: list[nnx.RngStream]) -> None:
        variables = [v for stream in streams for v in (stream.key, stream.count)]
        super().__init__(variables, [v.get_value() for v in variables])
        self.strict = lending.in_pure_call()
        self._tags = {id(stream.key): stream.tag for stream in streams}

    @property
    def trace(self) -> jax_private.Trace:
        """The present one: nothing comes in from the trace around, and nothing goes out."""
        return jax_private.current_trace()

    @trace.setter
    def trace(self, value: jax_private.Trace) -> None:
        """The base class's constructor has one to give."""

    def read(self, variable: nnx.Variable) -> Any:
        own = self.values[id(variable)]
        if id(variable) not in self._tags:
            return jnp.zeros(own.shape, own.dtype)
        data = seeds.draw_from(self._tags[id(variable)])
        return _key_like(own, keys.key_from_data(data))

    def write(self, variable: nnx.Variable, value: Any) -> None:
        """A count goes nowhere: each read draws anew."""


def _key_like(like: jax.Array, key: jax.Array) -> jax.Array:
    """Keys of the shape and implementation of others, drawn from a key."""
    data = jax.random.key_data(like)
    if data.shape == jax.random.key_data(key).shape:
        words = jax.random.key_data(key)
    else:
        words = jax.random.bits(key, data.shape, data.dtype)
    return jax.random.wrap_key_data(words, impl=jax.random.key_impl(like))
