"""Contexts in which configs are read: names of the caller, safe mode, shared objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fkeras.core import settings
from fkeras.core.scoped import Scoped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

_custom_objects: Scoped[tuple[dict[str, Any], ...]] = Scoped(())  # innermost last
_safe_mode: Scoped[bool | None] = Scoped(None)  # None: no scope says anything
_written: Scoped[dict[Any, Any] | None] = Scoped(None)
_read: Scoped[dict[Any, Any] | None] = Scoped(None)
_in_memory: Scoped[dict[str, type] | None] = Scoped(None)


class _Scope:
    """A `with` that may be entered again inside itself."""

    def __init__(self) -> None:
        self._entered: list[AbstractContextManager] = []

    def _context(self) -> AbstractContextManager:
        raise NotImplementedError

    def _enter(self) -> Any:
        context = self._context()
        self._entered.append(context)
        return context.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._entered.pop().__exit__(kind, error, traceback)


def in_memory() -> AbstractContextManager:
    """Context manager: configs made inside are read inside, by the same program.

    Functions, and whatever else has no config, stand in them as they are, and classes need no
    registration: nothing of it comes from a file.
    """
    return _in_memory.inside({})


def classes_in_memory() -> dict[str, type] | None:
    """By the names that configs give them, the classes that `in_memory` has met; None outside."""
    return _in_memory.value


class CustomObjectScope(_Scope):
    """Names that count while the scope is open: `with custom_object_scope({"MyLayer": MyLayer}):`

    Args:
        custom_objects: dict from names to classes or functions; None for none.

    Examples:
        >>> import fkeras
        >>> def double(x):
        ...     return 2 * x
        >>> with fkeras.saving.custom_object_scope({"double": double}):
        ...     fkeras.activations.get("double") is double
        True
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        super().__init__()
        self.custom_objects = dict(custom_objects or {})

    def _context(self) -> AbstractContextManager:
        return _custom_objects.pushed(self.custom_objects)

    def __enter__(self) -> CustomObjectScope:
        self._enter()
        return self


custom_object_scope = CustomObjectScope


def custom_object_tables() -> tuple[dict[str, Any], ...]:
    """The tables of all open scopes, innermost first."""
    return _custom_objects.value[::-1]


class SafeModeScope(_Scope):
    """Whether code found in a config may be revived inside.

    Only ever set by the caller, never by a file.

    Args:
        safe_mode: False allows it inside; None leaves it to the scope outside and to the setting.
    """

    def __init__(self, safe_mode: bool | None = True) -> None:
        super().__init__()
        self.safe_mode = safe_mode

    def _context(self) -> AbstractContextManager:
        return _safe_mode.inside(self.safe_mode)

    def __enter__(self) -> None:
        self._enter()


def in_safe_mode(safe_mode: bool | None = True) -> bool:
    """Whether code in a config is refused here.

    Args:
        safe_mode: what the function that asks was called with. It counts where no scope is open:
            the outermost caller decides, and nothing that is read on the way can overrule it.
    """
    if _safe_mode.value is not None:
        return _safe_mode.value
    return safe_mode is not False and not settings.get("unsafe_deserialization")


class ObjectSharingScope(_Scope):
    """Inside it, one object serialised twice becomes one object again.

    Scopes inside count as the outermost one. What is written inside of a scope for reading (a layer
    that copies another one while it is loaded) is shared with nothing: numbers of two files would
    mix.

    Args:
        reads: whether configs are read inside; else they are made.
    """

    def __init__(self, reads: bool = False) -> None:
        super().__init__()
        self.reads = reads

    def _context(self) -> AbstractContextManager:
        table = _read if self.reads else _written
        return table.inside({} if table.value is None else table.value)

    def __enter__(self) -> dict[Any, Any]:
        return self._enter()


def written_objects() -> dict[int, tuple[int, Any]] | None:
    """The table of the open scope for writing, id of an object -> (number, object); or None."""
    return _written.value


def read_objects() -> dict[int, Any] | None:
    """The table of the open scope for reading, number -> object; or None."""
    return _read.value
