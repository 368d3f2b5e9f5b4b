"""`add_weight("kernel", (2, 3))`: methods of older Keras that take the name first."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from fkeras.core.warn_once import warn_user


def name_may_come_first(order: Sequence[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: a method is taken with a text as its first argument, too, with one warning.

    Args:
        order: the names of its arguments as they came by position, the name first.
    """

    def decorate(add: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(add)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not (args and isinstance(args[0], str)):
                return add(self, *args, **kwargs)
            warn_user(
                f"`{add.__name__}({args[0]!r}, ...)`: the name comes first in older Keras. Today: "
                f"`{add.__name__}(name={args[0]!r}, shape=...)`."
            )
            return add(self, **{"initializer": None, **dict(zip(order, args)), **kwargs})

        return wrapper

    return decorate
