"""From what users pass as `seed` to the typed key of one draw."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from fkeras.core.randomness.seeds import draw_seed
from fkeras.types import SeedLike


def key_of(seed: SeedLike | None) -> jax.Array:
    """The key of one draw.

    Words are threefry's, whatever JAX's default generator is: seeds keep their numbers.
    """
    if isinstance(seed, jax.Array) and jnp.issubdtype(seed.dtype, jax.dtypes.prng_key):
        return seed
    return jax.random.wrap_key_data(draw_seed(seed), impl="threefry2x32")
