"""First values of weights that are cut over accelerators: each device draws its own part.

On the devices of a host's CPU, which share its memory, values are drawn there as always and put
where they belong. Either way no device ever holds all of a weight that is cut, and the numbers are
those of one device.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import placement
from fkeras.core.randomness import blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax.sharding import Sharding

    from fkeras.core.randomness.blocks import KeyData


def is_possible(info: Any, sharding: Sharding) -> bool:
    """Whether the devices draw a weight themselves.

    Args:
        info: the `VariableInfo` of the weight.
        sharding: how it is cut.
    """
    initializer = info.initializer
    return (
        getattr(initializer, "by_element", False)
        and initializer.is_block_drawn()
        and not sharding.is_fully_replicated
        and placement.are_accelerators(sharding)
        and math.prod(info.shape[len(info.blocks) :]) < blocks.MOST_IN_PLACE
    )


def draw(info: Any, key_data: KeyData, paths: Sequence[str], sharding: Sharding) -> jax.Array:
    """The first value of a weight, or of a stack of blocks.

    Args:
        info: its `VariableInfo`.
        key_data: uint32[2] of the root's key.
        paths: the structural path of each block.
        sharding: how it is cut.
    """
    initializer = info.initializer
    keyed = [initializer.keyed(key_data, path) for path in paths]
    hashes = np.array([blocks.path_hash(path) for _, path in keyed])
    config = repr(sorted(initializer.get_config().items(), key=str))
    program = _compiled(_Same(initializer, config), info.shape, info.blocks, info.dtype, sharding)
    return program(np.asarray(keyed[0][0]), hashes)


class _Same:
    """An initializer, equal to all of its class and config: one program serves them."""

    def __init__(self, initializer: Any, config: str) -> None:
        self.initializer = initializer
        self._identity = type(initializer), config

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)


@functools.lru_cache(256)
def _compiled(
    same: _Same,
    shape: tuple[int, ...],
    block_axes: tuple[int, ...],
    dtype: str,
    sharding: Sharding,
) -> Callable[[np.ndarray, np.ndarray], jax.Array]:
    """A program (key data, hashes of paths) -> the weight, cut."""
    initializer, own_shape = same.initializer, shape[len(block_axes) :]

    def one(key_data: jax.Array, path_hash: jax.Array) -> jax.Array:
        numbers = blocks.numbers_in_place(initializer.kind, key_data, path_hash, own_shape)
        return initializer.finish(numbers, own_shape, dtype)

    def run(key_data: jax.Array, hashes: jax.Array) -> jax.Array:
        if not block_axes:
            return one(key_data, hashes[0])
        many = jax.vmap(one, in_axes=(None, 0))(key_data, jnp.asarray(hashes))
        return many.reshape(shape)

    return jax.jit(run, out_shardings=sharding)
