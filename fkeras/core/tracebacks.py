"""Tracebacks without the frames of the libraries: where the user's own lines are, and the message.

An error in the `call` of a layer passes some thirty frames of fkeras, JAX and Flax on its way out
of `fit`. None of them tells the user anything. `fkeras.config.disable_traceback_filtering()` shows
them all.

A public entry is marked with `@filtered`. What the user sees is the own line that called it, the
own lines that it called in turn (a layer's `call`, a loss, a callback), and the message.
"""

from __future__ import annotations

import functools
import os
import sysconfig
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from fkeras.core import settings
from fkeras.errors import UserInputError, is_closing_note_of_jax

if TYPE_CHECKING:
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_INSTALLED = tuple(
    os.path.join(folder, package) + os.sep
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    for package in ("jax", "jaxlib", "flax", "optax")
)
_STANDARD = tuple(
    os.path.join(sysconfig.get_path("stdlib"), module)
    for module in ("contextlib.py", "functools.py")
)


def is_library_file(filename: str) -> bool:
    """Whether a file is fkeras's, JAX's, Flax's or Optax's own, or one that these call through."""
    return filename.startswith((_OWN, *_INSTALLED)) or filename in _STANDARD


def trim(error: BaseException) -> None:
    """Takes the libraries' frames out of the error's traceback.

    And out of those of the errors that led to it. Where no frame is the user's, the one that raised
    it stays.
    """
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        current.__traceback__ = _without_library_frames(current)
        _drop_closing_note(current)
        pending += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]


def trim_if_enabled(error: BaseException) -> None:
    """`trim`, unless the user switched it off."""
    if settings.get("traceback_filtering"):
        trim(error)


def filtered(entry: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a public entry: errors leave it without the libraries' frames.

    Costs one call and, in the good case, nothing else. The entry's signature and name stay.
    """

    @functools.wraps(entry)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return entry(*args, **kwargs)
        except Exception as error:
            trim_if_enabled(error)
            raise

    return wrapper


def _drop_closing_note(error: BaseException) -> None:
    """Takes away JAX's note about the frames that are missing: it would be the last that is read,
    and the switch that it names is not the one that shows these frames.
    """
    notes = getattr(error, "__notes__", None)
    if notes:
        notes[:] = [note for note in notes if not is_closing_note_of_jax(note)]


def _without_library_frames(error: BaseException) -> TracebackType | None:
    """The chain of the user's frames. Where there are none: nothing for an error that says itself
    what is wrong, so that the user's line that called is the last; else where it arose.
    """
    traceback = last = error.__traceback__
    entries: list[Any] = []
    while traceback is not None:
        if not is_library_file(traceback.tb_frame.f_code.co_filename):
            entries.append(traceback)
        last = traceback
        traceback = traceback.tb_next
    if not entries:
        return None if isinstance(error, UserInputError) else last
    for entry, following in zip(entries, [*entries[1:], None]):
        entry.tb_next = following
    return entries[0]
