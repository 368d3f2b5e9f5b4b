"""Random keys: the process's seed, the keys of models, and the keys of a pure call.

No layer holds random state that a pure call would need. A pure call opens a `scope` with its key; a
draw inside it is keyed by (the call's key, the structural path of who draws, how often it drew
before in this call). Outside of any scope, a `SeedGenerator` counts its own state forward, as in
Keras.
"""

from __future__ import annotations

import os
import random as python_random
import threading
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.core.scoped import Scoped
from fkeras.core.values import lending
from fkeras.errors import PureCallError, UserInputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fkeras.core.randomness.blocks import KeyData
    from fkeras.types import SeedLike

# -- the process's own ---------------------------------------------------------

_lock = threading.Lock()
_process: dict[str, Any] = {"seed": None, "roots": 0, "generators": 0, "draws": 0}


def set_random_seed(seed: int) -> None:
    """Seeds Python's `random`, NumPy and fkeras.

    Models built and trained afterwards are the same bit for bit in each process.

    Args:
        seed: int in [0, 2**32).

    Raises:
        UserInputError: anything else.
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise UserInputError(
            f"Expected `seed` argument to be an integer in [0, 2**32). Received: seed={seed} (of "
            f"type {type(seed)})"
        )
    python_random.seed(int(seed))
    np.random.seed(int(seed))
    reset(int(seed))


def reset(seed: int | None = None) -> None:
    """Starts the process's generator again from a seed; None for one from the operating system."""
    _process.update(seed=seed, roots=0, generators=0, draws=0)


def process_seed() -> int:
    """The process's seed; from the operating system where none was set."""
    if _process["seed"] is None:
        _process["seed"] = int.from_bytes(os.urandom(4), "little")
    return _process["seed"]


def _next(counter: str) -> int:
    with _lock:
        _process[counter] += 1
        return _process[counter]


class RootKey:
    """The key that a root's weights are drawn from.

    Counted when the root is built, computed when first needed.

    Args:
        seed: the process's.
        count: how many roots were built up to this one.
    """

    def __init__(self, seed: int | None, count: int | None) -> None:
        self.seed = seed
        self.count = count

    @classmethod
    def from_data(cls, data: KeyData) -> RootKey:
        """A key that a file held."""
        root_key = cls(None, None)
        root_key._data = np.asarray(data, np.uint32)
        return root_key

    @property
    def data(self) -> KeyData:
        """uint32[2]"""
        if not hasattr(self, "_data"):
            # A trace may be open; what is kept here must not belong to it.
            with jax.ensure_compile_time_eval():
                self._data = np.asarray(
                    jax.random.key_data(jax.random.fold_in(jax.random.key(self.seed), self.count))
                )
        return self._data

    @property
    def key(self) -> jax.Array:
        """The same as a typed key."""
        if not hasattr(self, "_key"):
            with jax.ensure_compile_time_eval():
                self._key = jax.random.wrap_key_data(jnp.asarray(self.data))
        return self._key

    def __getstate__(self) -> dict[str, Any]:
        return {"_data": self.data, "seed": self.seed, "count": self.count}


def next_root_key() -> RootKey:
    """The key of the next root that is built in this process."""
    return RootKey(process_seed(), _next("roots"))


def make_default_seed() -> int:
    """A seed where none was passed: from the process's generator."""
    # Mixed, since seed and count side by side would give neighbours the same numbers.
    mixed = np.random.SeedSequence([process_seed(), _next("generators")])
    return int(mixed.generate_state(1)[0] & 0x7FFFFFFF)


def key_data_of(seed: SeedLike | None) -> KeyData:
    """uint32[2] of a seed in any form.

    An int, a `SeedGenerator`, a key, or None (the next of the process's own).
    """
    if seed is None:
        seed = make_default_seed()
    if isinstance(seed, (int, np.integer)):
        return np.array([int(seed) & 0xFFFFFFFF, 0], np.uint32)
    return np.asarray(draw_seed(seed))


# -- the keys of a pure call ---------------------------------------------------


class KeyScope:
    """The keys of one call.

    Args:
        key: the call's typed key; None: drawing is an error.
        paths: id of a drawer (a layer, a `SeedGenerator`) -> its structural path.
        step: lifetime step of training, where there is one.
        path: put before all paths.
    """

    def __init__(
        self,
        key: jax.Array | None,
        paths: Mapping[int, str] | None = None,
        step: jax.Array | int | None = None,
        path: str = "",
    ) -> None:
        self.key = key
        self.paths = paths or {}
        self.step = step
        self.base = path
        self.counts: dict[str, int] = {}  # how often each path drew in this call

    def next(self, drawer: object = None, own_seed: int | None = None) -> jax.Array | None:
        """The typed key of one draw; None where the call was given no key.

        Args:
            drawer: who draws; None, or one without a path: whatever layer is being called.
            own_seed: the seed that the drawer was made with. Where there is a step, this and the
                step decide, whatever the model's key is.
        """
        path = self.base + self.paths.get(id(drawer), _location.value)
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


_scope: Scoped[KeyScope | None] = Scoped(None)
_location: Scoped[str] = Scoped("")  # path of the layer being called, inside a scope


def scope(
    key: jax.Array | None,
    paths: Mapping[int, str] | None = None,
    step: jax.Array | int | None = None,
    path: str = "",
) -> AbstractContextManager[KeyScope]:
    """Context manager: draws inside take their keys from `key`.

    Args:
        key: a typed key or uint32[2]; None: drawing is an error.
        paths, step, path: see `KeyScope`.
    """
    return _scope.inside(KeyScope(None if key is None else typed_key(key), paths, step, path))


def typed_key(key: jax.Array) -> jax.Array:
    """A typed key from one, or from uint32[2]."""
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key
    return jax.random.wrap_key_data(jnp.asarray(key, jnp.uint32))


def located(path: str) -> AbstractContextManager[str]:
    """Context manager: draws inside are keyed by this path (of the layer being called).

    Generators with a place of their own keep theirs.
    """
    return _location.inside(path)


def current_scope() -> KeyScope | None:
    """The innermost open scope, or None."""
    return _scope.value


# -- one draw ------------------------------------------------------------------


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
    scope = _scope.value
    if scope is not None:
        return _draw_in(scope, None, None)
    if jax_private.is_staging(jax_private.current_trace()):
        raise PureCallError(
            "A random function was called without a seed inside a JAX transformation, where it "
            "would draw one set of numbers for ever: there you should only use seeded random "
            "ops. Pass `seed=` (a key that comes in as an argument, or a `SeedGenerator`), or "
            "call the layer through `apply(..., rngs=key)`."
        )
    return jnp.array([process_seed() & 0xFFFFFFFF, _next("draws")], jnp.uint32)


def _draw_in(scope: KeyScope, drawer: object, own_seed: int | None) -> KeyData:
    key = scope.next(drawer, own_seed)
    if key is None:
        raise PureCallError(
            f"{_location.value or 'A layer'} draws random numbers, but the call was given no key. "
            "Pass one: `apply(variables, x, training=True, rngs=jax.random.key(0))`."
        )
    return jax.random.key_data(key)


def scoped_draw(generator: object, own_seed: int | None) -> KeyData | None:
    """Key data for a generator from the open scope.

    None where the generator's own state counts.
    """
    if lending.in_abstract_call():
        return jnp.zeros((2,), jnp.uint32)
    scope = _scope.value
    return None if scope is None else _draw_in(scope, generator, own_seed)
