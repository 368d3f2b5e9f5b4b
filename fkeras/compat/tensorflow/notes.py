"""Notes to the user of a script: what has no effect here, each said once in a process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

_said: set[str] = set()


def say_once(key: str, text: str) -> None:
    """Writes a note to the terminal's error output, unless it was written before.

    Args:
        key: what makes it the same note.
        text: the note.
    """
    if key not in _said:
        _said.add(key)
        sys.stderr.write(f"fkeras: note: {text}\n")


def without_effect(name: str, reason: str = "", result: Any = None) -> Callable[..., Any]:
    """A function that takes anything and does nothing.

    Args:
        name: what scripts call it, such as `'tf.config.set_visible_devices'`.
        reason: said at its first call; empty: it is silent.
        result: what it returns.
    """

    def function(*args: Any, **kwargs: Any) -> Any:
        if reason:
            say_once(name, f"{name} has no effect: {reason}")
        return result

    function.__name__ = name.rpartition(".")[2]
    return function


class Inert:
    """An object that takes any arguments and attributes, and does nothing with them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__.update(kwargs)

    def __getattr__(self, name: str) -> Inert:
        if name.startswith("__"):
            raise AttributeError(name)
        self.__dict__[name] = made = Inert()
        return made
