"""Which `Repeat`s run on this thread: a layer of a block is called by its `Repeat` alone.

The weights of such a layer are the stacks of all blocks. Called by itself it would compute with
these, and mostly something would come out.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fkeras.core.scoped import Scoped
from fkeras.core.values import lending, stacking
from fkeras.core.values.lent_scopes import Scope
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from fkeras.layers.base.layer import Layer


class RepeatedBlock:
    """What the layers of a block know of the `Repeat` around them; compared by identity.

    Args:
        name: of the `Repeat`, for errors.
        count: number of blocks.
    """

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count


_running: Scoped[tuple[RepeatedBlock, ...]] = Scoped(())


def running(block: RepeatedBlock) -> AbstractContextManager:
    """Context manager: layers of the block may be called inside."""
    return _running.pushed(block)


@contextlib.contextmanager
def as_one_block(layer: Layer) -> Iterator[None]:
    """Inside, a layer of a block that is no longer run may be called for shapes, as one block: for
    copies, whose symbolic calls are made again. Other layers are as they are.
    """
    block = layer._info.repeated_in
    if block is None:
        yield
        return
    stacked = [v for v in layer._structure().ordered if stacking.count_block_axes(v)]
    values = [stacking.at_block(v.value, (0,) * stacking.count_block_axes(v)) for v in stacked]
    with running(block), lending.opened(Scope(stacked, values)):
        yield


def check(layer: Layer) -> None:
    """Raises for a layer of a block that is called by itself."""
    block = layer._info.repeated_in
    if block is not None and not any(running is block for running in _running.value):
        raise UserInputError(
            f"Layer '{layer.name}' ({type(layer).__name__}) is part of the block that "
            f"'{block.name}' repeats: its weights are those of all {block.count} blocks. Call "
            f"'{block.name}', or use a layer of its own here."
        )
