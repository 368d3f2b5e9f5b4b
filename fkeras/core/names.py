"""Automatic names: `dense`, `dense_1`, ... per process, and the stack of names that makes up
variable paths.
"""

import collections
import contextlib
import functools
import re
import threading

_counts: collections.defaultdict = collections.defaultdict(int)


@functools.lru_cache(maxsize=4096)
def to_snake_case(name: str) -> str:
    """`'LayerNormalization'` -> `'layer_normalization'`, `'Conv2D'` -> `'conv2d'`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def object_name(obj) -> str:
    """A readable name of a function or object: its `name`, else its own or its class's name in
    snake case (a lambda: `'lambda'`).
    """
    if isinstance(getattr(obj, "name", None), str):
        return obj.name
    return to_snake_case(getattr(obj, "__name__", None) or type(obj).__name__)


def auto_name(prefix: str) -> str:
    """The next free automatic name of a kind: `dense`, then `dense_1`, ..."""
    prefix = to_snake_case(prefix)
    count = _counts[prefix]
    _counts[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def reset() -> None:
    """Starts all automatic names again (`clear_session`)."""
    _counts.clear()


def get_uid(prefix: str = "") -> int:
    """A number that counts up per prefix, from 1."""
    _counts[prefix] += 1
    return _counts[prefix]


class _Stack(threading.local):
    names: tuple[str, ...] = ()


_stack = _Stack()


@contextlib.contextmanager
def scope(name: str, parent: str | None = None):
    """Variables made inside get `name/` in front of their path. `parent`: an absolute path that
    takes the place of the outer scopes.
    """
    outer = _stack.names
    _stack.names = (
        outer if parent is None else tuple(part for part in parent.split("/") if part)
    ) + (name,)
    try:
        yield
    finally:
        _stack.names = outer


def current_path() -> str:
    return "/".join(_stack.names)
