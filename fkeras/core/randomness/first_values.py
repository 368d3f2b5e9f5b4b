"""Drawing initial weights: one small compiled body, the same numbers in the facade and in a traced
`init`.

Element i of a weight is a function of (key, the weight's structural path, i) alone. Numbers come in
blocks of 65,536 from one Threefry body per kind of distribution: the facade loops over blocks, a
traced `init` maps the same body over all blocks of all weights. One `jax.random` call for each
shape would compile once for each shape (ResNet-50: 5 to 12 s instead of a fraction of one).

What an initializer makes of the numbers is NumPy's arithmetic in the facade (nothing to compile)
and XLA's in a traced `init`. Both round each operation by itself, so that they agree bit for bit;
where XLA would not, in a product followed by a sum, `affine` makes it.
"""

import contextlib
import functools
import threading
import zlib

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.randomness import seeds
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
    """[-1, 1)"""
    return _unit(_bits(*row)) * 2.0 - 1.0


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
    """`count` float32 numbers of a kind for (key, path): a NumPy array, or a traced one where a
    program is being recorded.

    Args:
        kind: `'uniform'` in [-1, 1), `'normal'`, or `'truncated_normal'` (cut at two standard
            deviations).
        key_data: uint32[2].
        path: structural path of the weight.
        count: how many.
    """
    many, h = max(1, -(-count // BLOCK)), path_hash(path)
    if isinstance(key_data, jax.core.Tracer) or not on_host():
        rows = (
            jnp.broadcast_to(jnp.asarray(key_data), (many, 2)),
            np.full(many, h, np.uint32),
            np.arange(many, dtype=np.uint32),
        )
        return _mapped(kind, *rows).reshape(-1)[:count]
    blocks = [np.asarray(_compiled(kind)(key_data, h, np.uint32(b))) for b in range(many)]
    return (blocks[0] if many == 1 else np.concatenate(blocks))[:count]


def _mapped(kind, keys, hashes, blocks):
    """All blocks of a kind as rows of one traced array."""
    return jax.lax.map(
        lambda row: BODIES[kind](*row), (keys, jnp.asarray(hashes), jnp.asarray(blocks))
    )


def affine(x, scale, shift=0.0):
    """`x * scale + shift` for numbers of the block generator, the product rounded to float32 before
    the sum.

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


def filled(shape, value, dtype):
    """An array of one value; from NumPy where no program is being recorded, since XLA would compile
    one for each shape.
    """
    value = value if isinstance(value, jax.Array) else np.asarray(value).astype(jnp.dtype(dtype))
    if isinstance(value, jax.core.Tracer) or not on_host():
        return jnp.full(shape, value, dtype)
    return on_device(np.full(shape, value, jnp.dtype(dtype)))


def on_device(made: np.ndarray):
    """The JAX array of a NumPy array that nobody else holds: it may share its memory. `jnp.asarray`
    compiles a program for each shape.
    """
    return jax.device_put(made)


class BlockDrawn:
    """An initializer whose numbers the block generator draws.

    A subclass names the `kind` of numbers and turns them into a weight in
    `finish(numbers, shape, dtype)`: `numbers` is flat float32 with as many elements as the shape, a
    NumPy array or a traced one. `seed` None means that the weight's place in the model decides; an
    int gives the same numbers in every place, a `SeedGenerator` others in each.
    """

    kind: str = "uniform"
    seed = None

    def count(self, shape) -> int:
        """How many numbers a weight of this shape takes."""
        return int(np.prod(shape, dtype=np.int64))

    def finish(self, numbers, shape, dtype):
        raise TypeError(f"{type(self).__name__} must define `finish(numbers, shape, dtype)`.")

    def __call__(self, shape, dtype=None):
        shape, dtype = as_shape(shape), standardize_dtype(dtype)
        drawn = numbers(self.kind, self._key_of_a_call(), "", self.count(shape))
        return _finished(self, drawn, shape, dtype)

    def _key_of_a_call(self):
        """Key data where no weight's place decides: of the seed, of the open scope, or else one
        that this object keeps.
        """
        if _is_generator(self.seed):
            return self.seed.next()
        scope = seeds.current_scope()
        if self.seed is None and scope is not None and scope.key is not None:
            return seeds.draw_seed(None)
        if self.seed is None and not hasattr(self, "_seed_of_calls"):
            self._seed_of_calls = seeds.make_default_seed()
        return seeds.key_data_of(self._seed_of_calls if self.seed is None else self.seed)

    def is_block_drawn(self) -> bool:
        return type(self).__call__ is BlockDrawn.__call__

    def keyed(self, key_data, path):
        """(key data, path) that decide a weight's numbers: the given ones, unless the seed of this
        object wins.
        """
        if self.seed is None:
            return key_data, path
        if _is_generator(self.seed):
            return seeds.key_data_of(self.seed.root), path
        return seeds.key_data_of(self.seed), ""


def _is_generator(seed) -> bool:
    return hasattr(seed, "next") and hasattr(seed, "root")


def as_shape(shape) -> tuple[int, ...]:
    """A shape as a tuple of ints; an int is the size of one dimension."""
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(d) for d in shape)


def draw(initializer, key_data, path, shape, dtype):
    """One weight's first value on the facade's side."""
    if isinstance(initializer, BlockDrawn) and initializer.is_block_drawn():
        drawn = numbers(
            initializer.kind, *initializer.keyed(key_data, path), initializer.count(shape)
        )
        return _finished(initializer, drawn, shape, dtype)
    with seeds.scope(jax.random.wrap_key_data(jnp.asarray(key_data)), path=path):
        return _as(_call(initializer, shape, dtype), shape, dtype)


def _call(initializer, shape, dtype):
    try:
        return initializer(shape, dtype=dtype)
    except TypeError as error:
        if "dtype" not in str(error):
            raise
        return initializer(shape)


def _finished(initializer, drawn, shape, dtype):
    value = initializer.finish(drawn, shape, dtype)
    if isinstance(value, np.ndarray) and value.dtype == jax.dtypes.canonicalize_dtype(dtype):
        value = on_device(value)
    return _as(value, shape, dtype)


def _as(value, shape, dtype):
    value = jnp.asarray(value, dtype=dtype)
    if value.shape != tuple(shape):
        raise UserInputError(
            f"An initializer returned shape {value.shape} for a weight of shape {tuple(shape)}."
        )
    return value


def draw_all(key, rows):
    """All weights' first values as a pure function of a key: traceable, and equal bit for bit to
    `draw` with the key's data.

    Args:
        key: a typed PRNG key or uint32[2]; may be a tracer.
        rows: list of (initializer, path, shape, dtype).

    Returns:
        A list of arrays.
    """
    data = key if jnp.issubdtype(key.dtype, jnp.unsignedinteger) else jax.random.key_data(key)
    out: list = [None] * len(rows)
    for kind in BODIES:
        chosen = [
            i
            for i, (init, *_) in enumerate(rows)
            if isinstance(init, BlockDrawn) and init.is_block_drawn() and init.kind == kind
        ]
        if not chosen:
            continue
        keys, hashes, blocks, counts = [], [], [], []
        for i in chosen:
            initializer, path, shape, _ = rows[i]
            key_data, path = initializer.keyed(data, path)
            many = max(1, -(-initializer.count(shape) // BLOCK))
            keys.append(jnp.broadcast_to(jnp.asarray(key_data), (many, 2)))
            hashes.append(np.full(many, path_hash(path), np.uint32))
            blocks.append(np.arange(many, dtype=np.uint32))
            counts.append(many)
        flat = _mapped(kind, jnp.concatenate(keys), np.concatenate(hashes), np.concatenate(blocks))
        at = 0
        for i, many in zip(chosen, counts):
            initializer, _, shape, dtype = rows[i]
            drawn = flat[at : at + many].reshape(-1)[: initializer.count(shape)]
            out[i], at = _finished(initializer, drawn, shape, dtype), at + many
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
    """Inside, a weight without a place asks `place()` (which gives all weights of the root being
    called theirs) before it is drawn.
    """
    outer = _placing.stack
    _placing.stack = outer + (place,)
    try:
        yield
    finally:
        _placing.stack = outer


class Origin:
    """Where a Variable's first value comes from: a root's build key and the Variable's structural
    path under that root.
    """

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
        info = variable._meta
        return draw(info.initializer, self.root_key.data, self.path, info.shape, info.dtype)
