"""One draw: key data from a seed in any form, the call's key, or the process's generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.core.randomness import key_scopes, process_generator
from fkeras.core.values import lending
from fkeras.errors import PureCallError, UserInputError

if TYPE_CHECKING:
    from fkeras.core.randomness.blocks import KeyData
    from fkeras.core.randomness.key_scopes import KeyScope
    from fkeras.types import SeedLike


def key_data_of(seed: SeedLike | None) -> KeyData:
    """uint32[2] of a seed in any form.

    An int, a `SeedGenerator`, a key, or None (the next of the process's own).
    """
    if seed is None:
        seed = process_generator.make_default_seed()
    if isinstance(seed, (int, np.integer)):
        return np.array([int(seed) & 0xFFFFFFFF, 0], np.uint32)
    return np.asarray(draw_seed(seed))


def draw_seed(seed: SeedLike | None) -> KeyData:
    """uint32[2] key data for one draw.

    Args:
        seed: an int (the same numbers at each call), a `SeedGenerator` (the next ones), a JAX key,
            uint32[2], or None (the next of the call's or the process's own generator).

    Raises:
        PureCallError: None inside a transformation that knows no key: the numbers would be drawn
            once, for ever.
        UserInputError: something else.
    """
    if seed is None:
        return _draw_unseeded()
    if hasattr(seed, "next") and hasattr(seed, "state"):
        return seed.next()
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return jnp.array([int(seed) & 0xFFFFFFFF, 0], jnp.uint32)
    if isinstance(seed, jax.Array) and jnp.issubdtype(seed.dtype, jax.dtypes.prng_key):
        return jax.random.key_data(seed)
    if isinstance(seed, (jax.Array, np.ndarray)) and seed.shape == (2,):
        return jnp.asarray(seed, jnp.uint32)
    raise UserInputError(
        "Argument `seed` must be either an integer, an instance of `SeedGenerator`, a JAX key or "
        f"None. Received: seed={seed!r} (of type {type(seed)})"
    )


def _draw_unseeded() -> KeyData:
    if lending.in_abstract_call():
        return jnp.zeros((2,), jnp.uint32)
    scope = key_scopes.current_scope()
    if scope is not None:
        return _draw_in(scope, None, None, None)
    if jax_private.is_staging(jax_private.current_trace()):
        raise PureCallError(
            "A random function was called without a seed inside a JAX transformation, where it "
            "would draw one set of numbers for ever: there you should only use seeded random "
            "ops. Pass `seed=` (a key that comes in as an argument, or a `SeedGenerator`), or "
            "call the layer through `apply(..., rngs=key)`."
        )
    return jnp.asarray(process_generator.next_draw())


def draw_from(stream: str) -> KeyData:
    """uint32[2] from a stream of the pure call that is going on, for the layer being called."""
    return _draw_in(key_scopes.current_scope(), None, None, stream)


def _draw_in(scope: KeyScope, drawer: object, own_seed: int | None, stream: str | None) -> KeyData:
    key = scope.next(drawer, own_seed, stream)
    if key is None and scope.streams:
        raise PureCallError(
            f"{key_scopes.location() or 'A layer'} draws random numbers from the stream "
            f"{stream or key_scopes.DEFAULT_STREAM!r}, but `rngs` has {sorted(scope.streams)}. "
            f"Add its key, or one named {key_scopes.DEFAULT_STREAM!r} for all that have none."
        )
    if key is None:
        raise PureCallError(
            f"{key_scopes.location() or 'A layer'} draws random numbers, but the call was given no "
            "key. Pass one: `apply(variables, x, training=True, rngs=jax.random.key(0))`."
        )
    return jax.random.key_data(key)


def scoped_draw(
    generator: object, own_seed: int | None, stream: str | None = None
) -> KeyData | None:
    """Key data for a generator from the open scope.

    None where the generator's own state counts.
    """
    if lending.in_abstract_call():
        return jnp.zeros((2,), jnp.uint32)
    scope = key_scopes.current_scope()
    return None if scope is None else _draw_in(scope, generator, own_seed, stream)
