"""Random keys: the process's seed, the keys of models, and the keys of a pure call.

No layer holds random state that a pure call would need. A pure call opens a `scope` with its key; a
draw inside it is keyed by (the call's key, the structural path of who draws, how often it drew
before in this call). Outside of any scope, a `SeedGenerator` counts its own state forward, as in
Keras.
"""

import contextlib
import os
import random as python_random
import threading
import zlib

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.core.values import lending
from fkeras.errors import PureCallError, UserInputError

_lock = threading.Lock()
_process = {"seed": None, "roots": 0, "generators": 0, "draws": 0}


def set_random_seed(seed: int) -> None:
    """Seeds Python's `random`, NumPy and fkeras: models built and trained afterwards are the same
    bit for bit in each process.

    Args:
        seed: int in [0, 2**32).
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise UserInputError(
            f"Expected `seed` argument to be an integer in [0, 2**32). Received: seed={seed} (of "
            f"type {type(seed)})"
        )
    python_random.seed(int(seed))
    np.random.seed(int(seed))
    reset(int(seed))


def reset(seed=None) -> None:
    """Starts the process's generator again from a seed; None for one from the operating system."""
    _process.update(seed=seed, roots=0, generators=0, draws=0)


def process_seed() -> int:
    if _process["seed"] is None:
        _process["seed"] = int.from_bytes(os.urandom(4), "little")
    return _process["seed"]


def _next(counter: str) -> int:
    with _lock:
        _process[counter] += 1
        return _process[counter]


class RootKey:
    """The key that a root's weights are drawn from. Counted when the root is built, computed when
    first needed.
    """

    def __init__(self, seed, count):
        self.seed, self.count = seed, count

    @classmethod
    def from_data(cls, data):
        """A key that a file held."""
        made = cls(None, None)
        made._data = np.asarray(data, np.uint32)
        return made

    @property
    def data(self) -> np.ndarray:
        """uint32[2]"""
        if not hasattr(self, "_data"):
            with jax.ensure_compile_time_eval():
                self._data = np.asarray(
                    jax.random.key_data(jax.random.fold_in(jax.random.key(self.seed), self.count))
                )
        return self._data

    @property
    def key(self):
        """The same as a typed key."""
        if not hasattr(self, "_key"):
            with jax.ensure_compile_time_eval():
                self._key = jax.random.wrap_key_data(jnp.asarray(self.data))
        return self._key

    def __getstate__(self):
        return {"_data": self.data, "seed": self.seed, "count": self.count}


def next_root_key() -> RootKey:
    return RootKey(process_seed(), _next("roots"))


def make_default_seed() -> int:
    """A seed for somebody who was given none: from the process's generator."""
    mixed = np.random.SeedSequence([process_seed(), _next("generators")])
    return int(mixed.generate_state(1)[0] & 0x7FFFFFFF)


def key_data_of(seed) -> np.ndarray:
    """uint32[2] of an int seed, a `SeedGenerator`, a key, or None (the next of the process's
    own).
    """
    if seed is None:
        seed = make_default_seed()
    if isinstance(seed, (int, np.integer)):
        return np.array([int(seed) & 0xFFFFFFFF, 0], np.uint32)
    return np.asarray(draw_seed(seed))


# -- the keys of a pure call ---------------------------------------------------


class KeyScope:
    """The keys of one call. `paths`: id of a drawer -> its structural path. `step`: lifetime step,
    where there is one.
    """

    def __init__(self, key, paths=None, step=None, path=""):
        self.key, self.paths, self.step, self.base = key, paths or {}, step, path
        self.counts: dict[str, int] = {}

    def next(self, drawer=None, own_seed=None):
        path = self.base + self.paths.get(id(drawer), _open.where)
        count = self.counts.get(path, 0)
        self.counts[path] = count + 1
        if own_seed is not None and self.step is not None:
            key = jax.random.fold_in(jax.random.key(own_seed & 0x7FFFFFFF), self.step)
        elif self.key is None:
            return None
        else:
            key = jax.random.fold_in(self.key, zlib.crc32(path.encode()))
            if own_seed is not None:
                key = jax.random.fold_in(key, own_seed & 0x7FFFFFFF)
        return jax.random.fold_in(key, count) if count else key


class _Open(threading.local):
    scope: KeyScope | None = None
    where: str = ""


_open = _Open()


@contextlib.contextmanager
def scope(key, paths=None, step=None, path=""):
    """Inside, draws take their keys from `key` (a typed key; None: drawing is an error)."""
    outer = _open.scope
    _open.scope = KeyScope(_typed(key), paths, step, path)
    try:
        yield _open.scope
    finally:
        _open.scope = outer


def _typed(key):
    if key is not None and not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(jnp.asarray(key, jnp.uint32))
    return key


@contextlib.contextmanager
def located(path: str):
    """Inside, draws without a generator of their own are keyed by this path (the layer being
    called).
    """
    outer, _open.where = _open.where, path
    try:
        yield
    finally:
        _open.where = outer


def current_scope() -> KeyScope | None:
    return _open.scope


def draw_seed(seed):
    """uint32[2] key data for one draw.

    Args:
        seed: an int (the same numbers at each call), a `SeedGenerator` (the next ones), a JAX key,
            uint32[2], or None (the next of the call's or the process's own generator).
    """
    if seed is None:
        scope = _open.scope
        if lending.in_abstract_call():
            return jnp.zeros((2,), jnp.uint32)
        if scope is not None:
            return _scoped(scope, None, None)
        if jax_private.is_staging(jax_private.current_trace()):
            raise PureCallError(
                "A random function was called without a seed inside a JAX transformation, where it "
                "would draw one set of numbers for ever: there you should only use seeded random "
                "ops. Pass `seed=` (a key that comes in as an argument, or a `SeedGenerator`), or "
                "call the layer through `apply(..., rngs=key)`."
            )
        return jnp.array([process_seed() & 0xFFFFFFFF, _next("draws")], jnp.uint32)
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


def _scoped(scope, drawer, own_seed):
    key = scope.next(drawer, own_seed)
    if key is None:
        raise PureCallError(
            f"{_open.where or 'A layer'} draws random numbers, but the call was given no key. Pass "
            "one: `apply(variables, x, training=True, rngs=jax.random.key(0))`."
        )
    return jax.random.key_data(key)


def scoped_draw(generator, own_seed):
    """Key data for a generator from the open scope, or None where the generator's own state
    counts.
    """
    if lending.in_abstract_call():
        return jnp.zeros((2,), jnp.uint32)
    if _open.scope is None:
        return None
    return _scoped(_open.scope, generator, own_seed)
