"""Warnings that a long call gives once, though what gives them runs several times in it: `fit`
traces the same code more than once.
"""

import contextlib
import contextvars
import warnings

_told: contextvars.ContextVar[set | None] = contextvars.ContextVar("told", default=None)


@contextlib.contextmanager
def scope():
    """Inside, `warn` gives each warning once."""
    token = _told.set(set())
    try:
        yield
    finally:
        _told.reset(token)


def warn(message: str, stacklevel: int, key=None) -> None:
    """`warnings.warn`, unless the innermost `scope` has had it already. Outside of a scope it
    always warns.

    Args:
        message: the text.
        stacklevel: as for `warnings.warn`, from the caller.
        key: what makes it the same warning; None: the text.
    """
    told, key = _told.get(), message if key is None else key
    if told is not None:
        if key in told:
            return
        told.add(key)
    warnings.warn(message, stacklevel=stacklevel + 1)
