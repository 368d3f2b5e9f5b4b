"""Where fkeras's own classes live: the public modules that configs name, and how each is loaded.

Core knows none of the rooms above it. The top package installs a table from Keras's name of a
module (`'keras.layers'`) to a function that loads the room; a room that is loaded fills its table
(`registry.add_builtins`). A config can only ever cause what is in this table to be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

_loaders: dict[str, Callable[[], object]] = {}


def install(loaders: Mapping[str, Callable[[], object]]) -> None:
    """Adds modules to the table.

    Args:
        loaders: dict from a name such as `'keras.layers'` to a function () that loads the room.
            Names that a config gives without a module are looked for in the dict's order.
    """
    _loaders.update(loaders)


def load(module: str) -> None:
    """Loads the room of a public module; does nothing for any other name."""
    loader = _loaders.get(module)
    if loader is not None:
        loader()


def modules() -> tuple[str, ...]:
    """The names of all public modules, in the order in which they are searched."""
    return tuple(_loaders)
