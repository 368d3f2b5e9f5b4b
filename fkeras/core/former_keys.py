"""Keys of logs in older Keras: `acc`, `val_acc`, `lr` and the full names of `mae` and its kin are
answered by the values of today's.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from fkeras.core.warn_once import warn_user_once

V = TypeVar("V")

# End of a former key -> that of today's.
_ENDS = {
    "acc": "accuracy",
    "lr": "learning_rate",
    # Before Keras 2.3 a metric was logged under its full name, however it was asked for.
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "mean_squared_error": "mse",
    "mean_squared_logarithmic_error": "msle",
}


def today(key: object, names: Collection[str]) -> str | None:
    """The name among `names` that a former key stands for; None where there is none.

    Examples:
        >>> today("val_acc", ["loss", "val_accuracy"])
        'val_accuracy'
        >>> today("acc", ["acc"]) is None
        True
    """
    if not isinstance(key, str) or key in names:
        return None
    for end, now in _ENDS.items():
        if key == end or key.endswith(f"_{end}"):
            name = key.removesuffix(end) + now
            return name if name in names else None
    return None


def tell(key: str, name: str) -> None:
    """One warning that a key is a former one."""
    warn_user_once(f"The key {key!r} of older Keras is called {name!r} today.", key=("key", name))


class FormerKeys(dict[str, V]):
    """A dict that answers former keys by `[]`, `get` and `in`, with one warning for each; it lists
    today's alone.
    """

    def _today(self, key: object) -> str | None:
        name = today(key, self.keys())
        if name is None:
            return None
        told = self.__dict__.setdefault("_told", set())
        plain = name.removeprefix("val_")
        if plain not in told:
            told.add(plain)
            tell(str(key), name)
        return name

    def __missing__(self, key: str) -> V:
        name = self._today(key)
        if name is None:
            raise KeyError(key)
        return self[name]

    def get(self, key: str, default: Any = None) -> Any:
        if dict.__contains__(self, key):
            return dict.__getitem__(self, key)
        name = self._today(key)
        return default if name is None else self[name]

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or self._today(key) is not None

    def __reduce__(self) -> tuple:
        return dict, (dict(self),)
