"""Warnings that a long call gives once.

What gives them runs several times in it: `fit` traces the same code more than once.
"""

from __future__ import annotations

import sys
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


# What stands between the user's line and the place that warns: fkeras, and those that call it back.
_NOT_THE_USER = frozenset(("fkeras", "jax", "jaxlib", "flax", "contextlib", "functools"))


def warn_user(message: str) -> None:
    """`warnings.warn` at the line of the user's code that led here.

    That is the innermost frame outside of fkeras and of the libraries that call it back, so that
    no caller has to count frames.
    """
    level = _frames_to_user()
    frame = sys._getframe(level)
    key = (message, frame.f_code.co_filename, frame.f_lineno)
    # Python forgets what it said of a line whenever somebody changes filters, as scikit-learn and
    # pandas do all the time.
    if key in _lines_warned and not _filters_speak_of(message):
        return
    _lines_warned.add(key)
    warnings.warn(message, stacklevel=level + 1)


_lines_warned: set[tuple[str, str, int]] = set()


def _filters_speak_of(message: str) -> bool:
    """Whether somebody wants such warnings always, never, or as errors; else a line warns once."""
    return any(
        issubclass(UserWarning, category) and (pattern is None or pattern.match(message))
        for _, pattern, category, *_ in warnings.filters
    )


def warn_user_once(message: str, key: Hashable | None = None) -> None:
    """`warn_user`, unless the innermost `scope` has had it already.

    Args:
        message: the text.
        key: what makes it the same warning; None: the text.
    """
    warn(message, stacklevel=_frames_to_user() + 1, key=key)


def _frames_to_user() -> int:
    """The `stacklevel` for `warnings.warn`, if the caller of this function called it."""
    frame, level = sys._getframe(2), 1
    while frame.f_back is not None:
        name = frame.f_globals.get("__name__") or ""
        if name.partition(".")[0] not in _NOT_THE_USER:
            return level
        frame, level = frame.f_back, level + 1
    return level
