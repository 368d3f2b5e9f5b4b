"""`Config`: named values of an experiment."""

import json

from fkeras.errors import UserInputError, nearest


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

    _config: dict
    _frozen: bool

    def __init__(self, **kwargs):
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

    def _entries(self):
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

    def keys(self):
        return self._config.keys()

    def values(self):
        return self._config.values()

    def items(self):
        return self._config.items()

    def get(self, keyname, value=None):
        """An entry, or `value` if there is none."""
        return self._config.get(keyname, value)

    def pop(self, *args):
        """Takes an entry out, as dict does."""
        return self._entries().pop(*args)

    def update(self, *args, **kwargs) -> None:
        """Takes over entries, as dict does."""
        self._entries().update(*args, **kwargs)

    def __getattr__(self, name):
        entries = self.__dict__.get("_config", {})
        if name in entries:
            return entries[name]
        close = nearest(name, entries)
        raise AttributeError(
            f"Unknown attribute: {name!r}." + (f" Did you mean {close[0]!r}?" if close else "")
        )

    def __setattr__(self, name, value):
        if hasattr(type(self), name):
            raise UserInputError(f"Config: {name!r} is a method. Give the entry another name.")
        self._entries()[name] = value

    def __delattr__(self, name):
        if name not in self._entries():
            raise AttributeError(f"Unknown attribute: {name!r}.")
        del self._config[name]

    def __getitem__(self, key):
        return self._config[key]

    def __setitem__(self, key, item):
        self._entries()[key] = item

    def __delitem__(self, key):
        del self._entries()[key]

    def __contains__(self, item):
        return item in self._config

    def __iter__(self):
        return iter(self._config)

    def __len__(self):
        return len(self._config)

    def __repr__(self):
        return f"<Config {self._config}>"
