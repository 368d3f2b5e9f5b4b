"""Which `Repeat`s run on this thread: a layer of a block is called by its `Repeat` alone.

The weights of such a layer are the stacks of all blocks. Called by itself it would compute with
these, and mostly something would come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.core.scoped import Scoped
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fkeras.layers.base.layer import Layer

_running: Scoped[tuple[Layer, ...]] = Scoped(())


def running(repeat: Layer) -> AbstractContextManager:
    """Context manager: layers of its block may be called inside."""
    return _running.pushed(repeat)


def check(layer: Layer) -> None:
    """Raises for a layer of a block that is called by itself."""
    repeat = layer._info.repeated_in
    if repeat is not None and not any(running is repeat for running in _running.value):
        raise UserInputError(
            f"Layer '{layer.name}' ({type(layer).__name__}) is part of the block that "
            f"'{repeat.name}' repeats: its weights are those of all {repeat.n} blocks. Call "
            f"'{repeat.name}', or use a layer of its own here."
        )
