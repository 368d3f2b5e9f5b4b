"""The block generator: random numbers for weights of any shape from one small compiled body.

Element i of a weight is a function of (key, the weight's structural path, i) alone. Numbers come in
blocks of 65,536 from one Threefry body per kind of distribution: a traced `init` maps it over all
blocks of all weights; the facade loops over blocks, makes their bits and uniform numbers with NumPy
(whole numbers and exact arithmetic: the same bits), and others by one small program of a block's
bits. One `jax.random` call for each shape would compile once for each shape (ResNet-50: 5 to 12 s
instead of a fraction of one).

A block is decided by a row: (key data uint32[2], hash of the path uint32, block number uint32).
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.core.randomness import threefry

# NumPy's in the facade, where XLA would compile a program for each shape; else JAX's.
HostOrTraced: TypeAlias = np.ndarray | jax.Array
KeyData: TypeAlias = np.ndarray | jax.Array  # uint32[2]

BLOCK = 1 << 16
_HALF = BLOCK // 2  # Threefry turns two words into two


def _key_of_path(key_data: KeyData, path_hash: jax.Array) -> jax.Array:
    from jax.extend.random import threefry_2x32

    return threefry_2x32(key_data, jnp.stack([jnp.zeros_like(path_hash), path_hash]))


def _bits(key_data: KeyData, path_hash: jax.Array, block: jax.Array) -> jax.Array:
    from jax.extend.random import threefry_2x32

    i = jnp.arange(_HALF, dtype=jnp.uint32)
    words = jnp.concatenate([i, jnp.full_like(i, block)])
    return threefry_2x32(_key_of_path(key_data, path_hash), words)


def _unit(bits: jax.Array) -> jax.Array:
    """[0, 1) from 23 random bits."""
    return jax.lax.bitcast_convert_type((bits >> 9) | jnp.uint32(0x3F800000), jnp.float32) - 1.0


def _uniform(bits: jax.Array) -> jax.Array:
    """[-1, 1)"""
    return _unit(bits) * 2.0 - 1.0


def _normal(bits: jax.Array) -> jax.Array:
    """Mean 0, standard deviation 1."""
    # -1 itself would become minus infinity.
    above_minus_one = jnp.nextafter(jnp.float32(-1), jnp.float32(0))
    u = jnp.maximum(above_minus_one, _unit(bits) * 2.0 - 1.0)
    return jnp.float32(np.sqrt(2)) * jax.lax.erf_inv(u)


def _truncated(bits: jax.Array) -> jax.Array:
    """A normal of standard deviation 1 before it is cut at -2 and 2."""
    edge = jnp.float32(0.9544997361036416)  # erf(2 / sqrt(2))
    x = jnp.float32(np.sqrt(2)) * jax.lax.erf_inv((_unit(bits) * 2.0 - 1.0) * edge)
    return jnp.clip(x, -2.0, 2.0)  # rounding may lead a hair beyond


# The numbers of each kind from random bits, element by element.
_OF_BITS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "uniform": _uniform,
    "normal": _normal,
    "truncated_normal": _truncated,
}
KINDS = tuple(_OF_BITS)


def _body(kind: str, *row: jax.Array) -> jax.Array:
    """The numbers of one block."""
    return _OF_BITS[kind](_bits(*row))


@functools.cache
def _compiled(kind: str) -> Callable[[np.ndarray], jax.Array]:
    return jax.jit(_OF_BITS[kind])


def _bits_on_host(key_data: np.ndarray, block: int, count: int) -> np.ndarray:
    """The first `count` random words of a block: those of `_bits`."""
    i = np.arange(min(count, _HALF), dtype=np.uint32)
    first, second = threefry.words(key_data, i, np.full_like(i, block))
    return first if count <= _HALF else np.concatenate([first, second[: count - _HALF]])


def _numbers_on_host(kind: str, bits: np.ndarray) -> np.ndarray:
    """The numbers of at most a block's bits."""
    if kind == "uniform":  # exact, every step of it
        one_to_two = ((bits >> np.uint32(9)) | np.uint32(0x3F800000)).view(np.float32)
        return one_to_two * np.float32(2) - np.float32(3)
    count = bits.size
    if count < BLOCK:  # one program for all sizes
        bits = np.concatenate([bits, np.zeros(BLOCK - count, np.uint32)])
    return np.asarray(_compiled(kind)(bits))[:count]


def path_hash(path: str) -> np.uint32:
    """A structural path as a word of the generator."""
    return np.uint32(zlib.crc32(path.encode()))


def block_count(count: int) -> int:
    """How many blocks hold `count` numbers; at least one."""
    return max(1, -(-count // BLOCK))


def numbers(kind: str, key_data: KeyData, path: str, count: int) -> HostOrTraced:
    """`count` float32 numbers of a kind for (key, path).

    A NumPy array, or a traced one where a program is being recorded.

    Args:
        kind: `'uniform'` in [-1, 1), `'normal'`, or `'truncated_normal'` (cut at two standard
            deviations).
        key_data: uint32[2].
        path: structural path of the weight.
        count: how many.
    """
    blocks = block_count(count)
    if isinstance(key_data, jax.core.Tracer) or not on_host():
        return mapped(kind, [rows_of(key_data, path, blocks)]).reshape(-1)[:count]
    key = threefry.fold_in(np.asarray(key_data), int(path_hash(path)))
    drawn = []
    for block in range(blocks):
        bits = _bits_on_host(key, block, min(BLOCK, count - block * BLOCK))
        drawn.append(_numbers_on_host(kind, bits))
    return drawn[0] if blocks == 1 else np.concatenate(drawn)


def rows_of(
    key_data: HostOrTraced, path: str, blocks: int
) -> tuple[jax.Array, np.ndarray, np.ndarray]:
    """The rows of one weight: keys (blocks, 2), hashes (blocks,), block numbers (blocks,)."""
    keys = jnp.broadcast_to(jnp.asarray(key_data), (blocks, 2))
    return keys, np.full(blocks, path_hash(path), np.uint32), np.arange(blocks, dtype=np.uint32)


def mapped(kind: str, rows: Sequence[tuple[jax.Array, np.ndarray, np.ndarray]]) -> jax.Array:
    """All blocks of a kind for the rows of many weights: one traced array (blocks, BLOCK)."""
    keys = jnp.concatenate([keys for keys, _, _ in rows])
    hashes = jnp.asarray(np.concatenate([hashes for _, hashes, _ in rows]))
    blocks = jnp.asarray(np.concatenate([blocks for _, _, blocks in rows]))
    return jax.lax.map(lambda row: _body(kind, *row), (keys, hashes, blocks))


MOST_IN_PLACE = 1 << 32  # elements that 32 bits can count


def numbers_in_place(
    kind: str, key_data: jax.Array, path_hash: jax.Array, shape: tuple[int, ...]
) -> jax.Array:
    """The numbers of a weight in its shape, each element by itself from its place: traced. Where
    the compiler cuts the weight, each device computes its own part. Twice the arithmetic of
    `mapped`.

    Args:
        kind: as for `numbers`.
        key_data: uint32[2]. path_hash: `path_hash` of the weight's path.
        shape: of fewer than `MOST_IN_PLACE` elements.
    """
    from jax.extend.random import threefry2x32_p

    place = jnp.zeros(shape, jnp.uint32)
    stride = 1
    for axis in reversed(range(len(shape))):
        place += jax.lax.broadcasted_iota(jnp.uint32, shape, axis) * jnp.uint32(stride)
        stride *= shape[axis]
    in_block = place % BLOCK
    key = _key_of_path(key_data, path_hash)
    spread = functools.partial(jnp.broadcast_to, shape=shape)
    first, second = threefry2x32_p.bind(
        spread(key[0]), spread(key[1]), in_block % _HALF, place // BLOCK
    )
    numbers = _OF_BITS[kind](jnp.where(in_block < _HALF, first, second))
    # None is beyond. Without it XLA makes one factor of the last one here and that of the weight.
    return jnp.clip(numbers, -64.0, 64.0)


def affine(x: HostOrTraced, scale: float, shift: float = 0.0) -> HostOrTraced:
    """`x * scale + shift`, the product rounded to float32 before the sum.

    For numbers of the block generator.

    XLA would fuse the two into one operation that rounds once, and so differ from NumPy in the last
    bit. A clip far outside of the numbers' range (no normal number of 23 random bits is beyond 6)
    keeps them apart.
    """
    product = x * np.float32(scale)
    if shift == 0:
        return product
    edge = np.float32(64.0) * np.abs(np.float32(scale))
    clip = np.clip if isinstance(product, np.ndarray) else jnp.clip
    return clip(product, -edge, edge) + np.float32(shift)


def on_host() -> bool:
    """Whether no program is being recorded, so that NumPy may make a value."""
    return not jax_private.is_staging(jax_private.current_trace())
