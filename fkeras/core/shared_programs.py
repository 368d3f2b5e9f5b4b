"""Equal programs are compiled once: models that compute the same share executables.

The key of an executable is what it was compiled from: the lowered program with its constants by
value, which inputs it may consume, the compiler's options, backend and devices. No config of a
model is part of it, since a config does not cover what a `call` reads. Programs that call back to
Python are never shared: two of them may be equal but for the function that is called.

The table holds executables and nothing else: no model, no weights, no data.
"""

from __future__ import annotations

import collections
import re
import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from fkeras.core.scoped import Scoped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Table:
    """Entries by key. The one that was asked for longest ago goes first where they become many.

    Args:
        most: how many are kept.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._entries: collections.OrderedDict[Hashable, Any] = collections.OrderedDict()
        self._lock = threading.Lock()
        _tables.append(self)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> Any:
        """The entry of a key, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def put(self, key: Hashable, entry: Any) -> None:
        """Keeps an entry under a key."""
        with self._lock:
            self._entries[key] = entry
            while len(self._entries) > self.most:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forgets all entries."""
        with self._lock:
            self._entries.clear()


_tables: list[Table] = []
_executables = Table(64)
_is_open: Scoped[bool] = Scoped(False, is_apart=True)
_is_checked: Scoped[bool] = Scoped(False, is_apart=True)


class WrongSharingError(RuntimeError):
    """Two programs with one key were compiled to different code."""


def sharing() -> AbstractContextManager[bool]:
    """Context manager: what JAX compiles inside is looked up first, and kept for others, once
    `jax_private.wrap_compilation(shared)` was called.
    """
    return _is_open.inside(True)


def checked() -> AbstractContextManager[bool]:
    """Context manager for tests: what would be shared is compiled all the same, and compared.

    Raises:
        WrongSharingError: on leaving the compiler with other code than what would be shared.
    """
    return _is_checked.inside(True)


def count() -> int:
    """How many executables are kept."""
    return len(_executables)


def clear() -> None:
    """Forgets all executables. Models that use one go on with it."""
    for table in _tables:
        table.clear()


def is_checked() -> bool:
    """Whether what is shared is checked: see `checked`."""
    return _is_checked.value


def shared(key_of: Callable[[], Hashable], compile: Callable[[], Any]) -> Any:
    """The executable of a key, compiled where there is none.

    Args:
        key_of: makes the key, which takes a while.
        compile: makes the executable.
    """
    if not _is_open.value:
        return compile()
    key = key_of()
    executable = _executables.get(key)
    if executable is None:
        executable = compile()
        _executables.put(key, executable)
    elif _is_checked.value and _code(executable) != _code(compile()):
        raise WrongSharingError("Two programs of one key differ in their compiled code.")
    return executable


def _code(executable: Any) -> list[str]:
    """The instructions of an executable, without where in the sources they come from."""
    text = "\n".join(module.to_string() for module in executable.hlo_modules())
    lines = re.sub(r",? *metadata=\{[^}]*\}", "", text).splitlines()
    return [line for line in lines if " = " in line]
