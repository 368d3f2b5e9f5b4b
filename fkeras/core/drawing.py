"""Drawing initial weights: one small compiled body, the same numbers in the facade and in a traced `init`.

Element i of a weight is a function of (key, the weight's structural path, i) alone. Numbers come in blocks of 65,536 from one Threefry
body per kind of distribution: the facade loops over blocks, a traced `init` maps the same body over all blocks of all weights. One
`jax.random` call for each shape would compile once for each shape (ResNet-50: 5 to 12 s instead of a fraction of one).
"""

import contextlib
import functools
import threading
import zlib

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import seeds
from fkeras.errors import UserInputError

BLOCK = 1 << 16
_HALF = BLOCK // 2


def _bits(key_data, path_hash, block):
    from jax.extend.random import threefry_2x32

    key = threefry_2x32(key_data, jnp.stack([jnp.zeros_like(path_hash), path_hash]))
    i = jnp.arange(_HALF, dtype=jnp.uint32)
    return threefry_2x32(key, jnp.concatenate([i, jnp.full_like(i, block)]))


def _unit(bits):
    """[0, 1) from 23 random bits."""
    return jax.lax.bitcast_convert_type((bits >> 9) | jnp.uint32(0x3F800000), jnp.float32) - 1.0


def _uniform(*row):
    """[0, 1)"""
    return _unit(_bits(*row))


def _normal(*row):
    """Mean 0, standard deviation 1."""
    u = jnp.maximum(jnp.nextafter(jnp.float32(-1), jnp.float32(0)), _unit(_bits(*row)) * 2.0 - 1.0)
    return jnp.float32(np.sqrt(2)) * jax.lax.erf_inv(u)


def _truncated(*row):
    """A normal of standard deviation 1 before it is cut at -2 and 2."""
    edge = jnp.float32(0.9544997361036416)  # erf(2 / sqrt(2))
    x = jnp.float32(np.sqrt(2)) * jax.lax.erf_inv((_unit(_bits(*row)) * 2.0 - 1.0) * edge)
    return jnp.clip(x, -2.0, 2.0)


BODIES = {"uniform": _uniform, "normal": _normal, "truncated_normal": _truncated}


@functools.cache
def _compiled(kind):
    return jax.jit(BODIES[kind])


def path_hash(path: str) -> np.uint32:
    return np.uint32(zlib.crc32(path.encode()))


def numbers(kind: str, key_data, path: str, count: int):
    """`count` float32 numbers of a kind for (key, path), on the facade's side: block by block with one small executable.

    Args:
        kind: `'uniform'` in [0, 1), `'normal'`, or `'truncated_normal'` (cut at two standard deviations).
        key_data: uint32[2].
        path: structural path of the weight.
        count: how many.
    """
    body, h = _compiled(kind), path_hash(path)
    blocks = [body(key_data, h, np.uint32(b)) for b in range(max(1, -(-count // BLOCK)))]
    return (np.asarray(blocks[0]) if len(blocks) == 1 else np.concatenate([np.asarray(b) for b in blocks]))[:count]


class BlockDrawn:
    """An initializer whose numbers the block generator draws.

    A subclass names the `kind` of numbers and turns them into a weight in `finish(numbers, shape, dtype)`: `numbers` is flat float32 with
    as many elements as the shape. `seed` None means that the weight's place in the model decides; a seed of its own wins.
    """

    kind: str = "uniform"
    seed = None

    def count(self, shape) -> int:
        """How many numbers a weight of this shape takes."""
        return int(np.prod(shape, dtype=np.int64))

    def finish(self, numbers, shape, dtype):
        raise TypeError(f"{type(self).__name__} must define `finish(numbers, shape, dtype)`.")

    def __call__(self, shape, dtype=None):
        shape = tuple(shape)
        drawn = numbers(self.kind, seeds.key_data_of(self.seed), "", self.count(shape))
        return self.finish(jnp.asarray(drawn), shape, dtype)

    def is_block_drawn(self) -> bool:
        return type(self).__call__ is BlockDrawn.__call__


def _own_key(initializer):
    """Key data of an initializer with a seed of its own, else None."""
    return None if getattr(initializer, "seed", None) is None else seeds.key_data_of(initializer.seed)


def draw(initializer, key_data, path, shape, dtype):
    """One weight's first value on the facade's side."""
    if isinstance(initializer, BlockDrawn) and initializer.is_block_drawn():
        own = _own_key(initializer)
        drawn = numbers(initializer.kind, key_data if own is None else own, path if own is None else "", initializer.count(shape))
        return _as(initializer.finish(jnp.asarray(drawn), shape, dtype), shape, dtype)
    with seeds.scope(jax.random.wrap_key_data(jnp.asarray(key_data)), path=path):
        return _as(_call(initializer, shape, dtype), shape, dtype)


def _call(initializer, shape, dtype):
    try:
        return initializer(shape, dtype=dtype)
    except TypeError as error:
        if "dtype" not in str(error):
            raise
        return initializer(shape)


def _as(value, shape, dtype):
    value = jnp.asarray(value, dtype=dtype)
    if value.shape != tuple(shape):
        raise UserInputError(f"An initializer returned shape {value.shape} for a weight of shape {tuple(shape)}.")
    return value


def draw_all(key, rows):
    """All weights' first values as a pure function of a key: traceable, and equal bit for bit to `draw` with the key's data.

    Args:
        key: a typed PRNG key or uint32[2]; may be a tracer.
        rows: list of (initializer, path, shape, dtype).

    Returns:
        A list of arrays.
    """
    data = key if jnp.issubdtype(key.dtype, jnp.unsignedinteger) else jax.random.key_data(key)
    out: list = [None] * len(rows)
    for kind in BODIES:
        chosen = [i for i, (init, *_) in enumerate(rows) if isinstance(init, BlockDrawn) and init.is_block_drawn() and init.kind == kind]
        if not chosen:
            continue
        keys, hashes, blocks, counts = [], [], [], []
        for i in chosen:
            initializer, path, shape, _ = rows[i]
            own = _own_key(initializer)
            many = max(1, -(-initializer.count(shape) // BLOCK))
            keys.append(jnp.broadcast_to(data if own is None else jnp.asarray(own), (many, 2)))
            hashes.append(np.full(many, path_hash(path if own is None else ""), np.uint32))
            blocks.append(np.arange(many, dtype=np.uint32))
            counts.append(many)
        flat = jax.lax.map(lambda row, body=BODIES[kind]: body(*row),
                           (jnp.concatenate(keys), jnp.asarray(np.concatenate(hashes)), jnp.asarray(np.concatenate(blocks))))
        at = 0
        for i, many in zip(chosen, counts):
            initializer, _, shape, dtype = rows[i]
            drawn = flat[at:at + many].reshape(-1)[:initializer.count(shape)]
            out[i], at = _as(initializer.finish(drawn, shape, dtype), shape, dtype), at + many
    for i, (initializer, path, shape, dtype) in enumerate(rows):
        if out[i] is None:
            with seeds.scope(jax.random.wrap_key_data(data), path=path):
                out[i] = _as(_call(initializer, shape, dtype), shape, dtype)
    return out


class _Placing(threading.local):
    stack: tuple = ()


_placing = _Placing()


@contextlib.contextmanager
def placing(place):
    """Inside, a weight without a place asks `place()` (which gives all weights of the root being called theirs) before it is drawn."""
    outer = _placing.stack
    _placing.stack = outer + (place,)
    try:
        yield
    finally:
        _placing.stack = outer


class Origin:
    """Where a Variable's first value comes from: a root's build key and the Variable's structural path under that root."""

    __slots__ = ("root_key", "path")

    def __init__(self):
        self.root_key, self.path = None, None

    def place(self, root_key, path):
        self.root_key, self.path = root_key, path

    def draw(self, variable):
        if self.root_key is None and _placing.stack:
            _placing.stack[0]()
        if self.root_key is None:
            self.place(seeds.next_root_key(), variable.name)
        info = variable._fk
        return draw(info.initializer, self.root_key.data, self.path, info.shape, info.dtype)
