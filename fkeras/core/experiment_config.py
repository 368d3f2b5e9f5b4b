"""`Config`: named values of an experiment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fkeras.errors import UserInputError, nearest

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator, KeysView, ValuesView


class Config:
    """A dict whose entries are also attributes, and that can be frozen.

    Args:
        **kwargs: the first entries.

    Examples:
        >>> config = Config(learning_rate=0.1)
        >>> config.seed = 1
        >>> config["learning_rate"], config.seed, len(config)
        (0.1, 1, 2)
        >>> config.freeze()
        >>> config.seed = 2
        Traceback (most recent call last):
            ...
        fkeras.errors.UserInputError: Cannot mutate attribute(s) because the config is frozen. Call
        `unfreeze()` first.
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        # Past `__setattr__`, which would make them entries.
        object.__setattr__(self, "_config", kwargs)
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether changes are errors."""
        return self._frozen

    def freeze(self) -> None:
        """Makes changes errors from now on."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Allows changes again."""
        object.__setattr__(self, "_frozen", False)

    def _entries(self) -> dict[str, Any]:
        """The entries, to be changed."""
        if self._frozen:
            raise UserInputError(
                "Cannot mutate attribute(s) because the config is frozen. Call `unfreeze()` first."
            )
        return self._config

    def as_dict(self) -> dict:
        """The entries as a dict of their own."""
        return dict(self._config)

    def to_json(self) -> str:
        """The entries as JSON text."""
        return json.dumps(self._config)

    def keys(self) -> KeysView[str]:
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        return self._config.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        """An entry, or `value` if there is none."""
        return self._config.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Takes an entry out, as dict does."""
        return self._entries().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Takes over entries, as dict does."""
        self._entries().update(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        entries = self.__dict__.get("_config", {})  # absent while a copy is being made
        if name in entries:
            return entries[name]
        close = nearest(name, entries)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise AttributeError(f"Unknown attribute: {name!r}.{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise UserInputError(f"Config: {name!r} is a method. Give the entry another name.")
        self._entries()[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self._entries():
            raise AttributeError(f"Unknown attribute: {name!r}.")
        del self._config[name]

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __setitem__(self, key: str, item: Any) -> None:
        self._entries()[key] = item

    def __delitem__(self, key: str) -> None:
        del self._entries()[key]

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
