"""Layouts of the stacked weights of blocks that repeat, from those of one block."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from fkeras.core.values import stacking
from fkeras.core.values.variable_info import info_of
from fkeras.distribution.layout import TensorLayout

if TYPE_CHECKING:
    from collections.abc import Callable

    from fkeras.core.values.variable import Variable


def of_share(get_layout: Callable[[Any, Variable], Any]) -> Callable[[Any, Variable], Any]:
    """Decorator of `get_variable_layout`: it sees one block's share of a stack, whose own axes come
    behind those that count blocks.
    """

    @functools.wraps(get_layout)
    def wrapper(self: Any, variable: Variable) -> Any:
        depth = len(info_of(variable).blocks)
        if not depth:
            return get_layout(self, variable)
        layout = get_layout(self, stacking.block_value(variable, (0,) * depth))
        if not isinstance(layout, TensorLayout):
            return layout
        return TensorLayout([*[None] * depth, *layout.axes], layout.device_mesh)

    return wrapper
