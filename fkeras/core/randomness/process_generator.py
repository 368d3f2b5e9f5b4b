"""The process's generator: the global seed, and the keys of models as they are built one by one."""

from __future__ import annotations

import os
import random as python_random
import threading
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core.randomness import keys, threefry
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.core.randomness.blocks import KeyData

_lock = threading.Lock()
_process: dict[str, Any] = {"seed": None, "roots": 0, "generators": 0, "draws": 0, "resets": 0}


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
    _process.update(seed=seed, roots=0, generators=0, draws=0, resets=_process["resets"] + 1)


def reset_count() -> int:
    """How often the generator was started again: another number means that what follows from the
    seed begins anew.
    """
    return _process["resets"]


def process_seed() -> int:
    """The process's seed; from the operating system where none was set."""
    if _process["seed"] is None:
        _process["seed"] = int.from_bytes(os.urandom(4), "little")
    return _process["seed"]


def _next_count(counter: str) -> int:
    with _lock:
        _process[counter] += 1
        return _process[counter]


def next_draw() -> KeyData:
    """Key data for one draw of the process's own."""
    return np.array([process_seed() & 0xFFFFFFFF, _next_count("draws")], np.uint32)


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
            self._data = threefry.fold_in(threefry.key_data_of_int(self.seed), self.count)
        return self._data

    @property
    def key(self) -> jax.Array:
        """The same as a typed key."""
        if not hasattr(self, "_key"):
            # A trace may be open; what is kept here must not belong to it.
            with jax.ensure_compile_time_eval():
                self._key = keys.key_from_data(self.data)
        return self._key

    def __getstate__(self) -> dict[str, Any]:
        return {"_data": self.data, "seed": self.seed, "count": self.count}


def next_root_key() -> RootKey:
    """The key of the next root that is built in this process."""
    return RootKey(process_seed(), _next_count("roots"))


def make_default_seed() -> int:
    """A seed where none was passed: from the process's generator."""
    # Mixed, since seed and count side by side would give neighbours the same numbers.
    mixed = np.random.SeedSequence([process_seed(), _next_count("generators")])
    return int(mixed.generate_state(1)[0] & 0x7FFFFFFF)
