"""From what users pass as `seed` to the typed key of one draw."""

import jax

from fkeras.core.seeds import draw_seed


def key_of(seed):
    """The key of one draw. Key data of two words is threefry's, whatever JAX's default generator is: seeds keep their numbers."""
    data = draw_seed(seed)
    return jax.random.wrap_key_data(data, impl="threefry2x32" if data.shape == (2,) else None)
