"""Callbacks of users that change while training runs, and that a backup cannot take along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fkeras.callbacks import Callback
from fkeras.core.warn_once import warn_user

if TYPE_CHECKING:
    from collections.abc import Sized

_OF_ALL = frozenset(("params", "_model"))


class Forgetful:
    """Notices attributes that change although their callback has no `get_state` of its own.

    Args:
        callbacks: all of a training.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._watched = [callback for callback in callbacks if _remembers_nothing(callback)]
        self.look()

    def look(self) -> None:
        """Notes what the attributes are, behind the hooks of the beginning."""
        self._before = [_looks(callback) for callback in self._watched]

    def warn(self) -> None:
        """Tells once of each callback that has changed since."""
        unchanged = []
        for callback, before in zip(self._watched, self._before):
            now = _looks(callback)
            changed = sorted(name for name in now if before.get(name) != now[name])
            if not changed:
                unchanged.append((callback, before))
                continue
            name = type(callback).__name__
            warn_user(
                f"BackupAndRestore: the callback {name} changes its attribute '{changed[0]}' and "
                "has no `get_state`: a training that goes on from the backup begins with a new "
                f"one. Define `get_state(self)`, which returns a dict, and `set_state(self, "
                "state)`; if nothing has to be remembered, let `get_state` return `{}`."
            )
        self._watched = [callback for callback, _ in unchanged]
        self._before = [before for _, before in unchanged]


def _remembers_nothing(callback: Callback) -> bool:
    cls = type(callback)
    if cls.__module__.partition(".")[0] == "fkeras":
        return False
    return getattr(cls, "get_state", Callback.get_state) is Callback.get_state


def _looks(callback: Callback) -> dict[str, Any]:
    return {name: _look(value) for name, value in vars(callback).items() if name not in _OF_ALL}


def _look(value: bool | float | str | Sized | None) -> Any:
    """What can be compared later at no cost: a plain value, the length of a container."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return len(value) if isinstance(value, (list, dict, set)) else type(value)
