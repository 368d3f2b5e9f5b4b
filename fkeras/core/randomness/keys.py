"""Keys: one typed Threefry key of whatever a caller has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.core.randomness.blocks import KeyData


def key_from_data(data: KeyData) -> jax.Array:
    """A typed Threefry key from uint32[2], whatever JAX's default implementation is."""
    return jax.random.wrap_key_data(jnp.asarray(data, jnp.uint32), impl="threefry2x32")


def key_of_int(seed: int) -> jax.Array:
    """A typed Threefry key from an integer's lower 31 bits."""
    return jax.random.key(seed & 0x7FFFFFFF, impl="threefry2x32")


def typed_key(key: jax.Array) -> jax.Array:
    """A typed Threefry key from a key of any implementation, typed or plain (uint32[2], uint32[4]).

    Numbers follow from two words: those of another implementation are folded to two.

    Raises:
        UserInputError: something else, or more than one key.
    """
    dtype = getattr(key, "dtype", None)
    is_typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
    if not is_typed and dtype != np.uint32:
        raise UserInputError(
            f"Expected a JAX key, such as `jax.random.key(0)`. Received: {key!r} (of type "
            f"{type(key).__name__})"
        )
    if jnp.shape(key) != () if is_typed else jnp.ndim(key) != 1:
        raise UserInputError(
            f"Expected a single JAX key. Received an array of keys of shape {jnp.shape(key)}: use "
            "`jax.vmap` over them, or pick one."
        )
    if is_typed and jax.random.key_impl(key) == "threefry2x32":
        return key
    data = jax.random.key_data(key) if is_typed else jnp.asarray(key)
    return _from_words(data)


def _from_words(words: jax.Array) -> jax.Array:
    """A typed Threefry key from the words of another one."""
    key = key_from_data(words[:2])
    for i in range(2, words.shape[0]):
        key = jax.random.fold_in(key, words[i])
    return key
