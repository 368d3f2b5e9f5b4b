"""Warnings that a long call gives once.

What gives them runs several times in it: `fit` traces the same code more than once.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from typing import TYPE_CHECKING

from fkeras.core.scoped import Scoped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

# What the innermost scope has warned of; None where none is open.
_keys_warned: Scoped[set[Hashable] | None] = Scoped(None)


def scope() -> AbstractContextManager:
    """Context manager: `warn` gives each warning once inside."""
    return _keys_warned.inside(set())


def warn(message: str, stacklevel: int, key: Hashable = None) -> None:
    """`warnings.warn`, unless the innermost `scope` has had it already.

    Outside of a scope it always warns.

    Args:
        message: the text.
        stacklevel: as for `warnings.warn`, from the caller.
        key: what makes it the same warning; None: the text.
    """
    keys = _keys_warned.value
    if keys is not None:
        key = message if key is None else key
        if key in keys:
            return
        keys.add(key)
    warnings.warn(message, stacklevel=stacklevel + 1)
