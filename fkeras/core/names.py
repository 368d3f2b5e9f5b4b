"""Automatic names, and the stack of names that makes up variable paths.

`dense`, `dense_1`, ... count per process.
"""

from __future__ import annotations

import collections
import functools
import re
from typing import TYPE_CHECKING

from fkeras.core.scoped import Scoped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_counts: collections.defaultdict[str, int] = collections.defaultdict(int)
_stack: Scoped[tuple[str, ...]] = Scoped(())


@functools.lru_cache(maxsize=4096)
def to_snake_case(name: str) -> str:
    """`'LayerNormalization'` -> `'layer_normalization'`, `'Conv2D'` -> `'conv2d'`."""
    # As Keras has it, so that automatic names and paths in files agree.
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def object_name(obj: object) -> str:
    """A readable name of a function or object.

    Its `name`, else its own or its class's name in snake case (a lambda: `'lambda'`).
    """
    name = getattr(obj, "name", None)
    if isinstance(name, str):
        return name
    return to_snake_case(getattr(obj, "__name__", None) or type(obj).__name__)


def auto_name(prefix: str) -> str:
    """The next free automatic name of a kind: `dense`, then `dense_1`, ..."""
    prefix = to_snake_case(prefix)
    count = _counts[prefix]
    _counts[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def is_automatic(name: str, class_name: str) -> bool:
    """Whether a name is one that `auto_name` may have chosen, whoever chose it.

    A config does not tell who did, and an object and what is made of its config must agree.

    >>> is_automatic("dense_12", "Dense"), is_automatic("head", "Dense")
    (True, False)
    """
    kind = to_snake_case(class_name)
    base, _, number = name.rpartition("_")
    return name == kind or (base == kind and number.isdecimal())


def reset() -> None:
    """Starts all automatic names again (`clear_session`)."""
    _counts.clear()


def get_uid(prefix: str = "") -> int:
    """A number that counts up per prefix, from 1."""
    _counts[prefix] += 1
    return _counts[prefix]


def scope(name: str, parent: str | None = None) -> AbstractContextManager:
    """Context manager: variables made inside get `name/` in front of their path.

    Args:
        name: one part of a path.
        parent: an absolute path that takes the place of the outer scopes; None: they count.
    """
    if parent is None:
        return _stack.pushed(name)
    return _stack.inside((*filter(None, parent.split("/")), name))


def current_path() -> str:
    """The open scopes' names, joined by `/`; empty where none is open."""
    return "/".join(_stack.value)
