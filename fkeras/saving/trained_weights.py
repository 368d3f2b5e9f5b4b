"""Which weights a model trains: those that were trainable at `compile`, whatever their flags say
since.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from flax import nnx

from fkeras.core.values import stacking, trainable_scope
from fkeras.core.values.variable_info import info_of
from fkeras.layers.base import tracking

if TYPE_CHECKING:
    from fkeras.models import Model

_blocks = stacking.paths_of_blocks


def flags_for(model: Model, trained: Collection[str] | None) -> AbstractContextManager[Any]:
    """A context in which the weights at some structural paths are trainable, and no others: a
    `compile` there chooses them. None, and paths that the model has not, leave all as it is.
    """
    structure = tracking.structure_of(model)
    known = {"/".join(block) for path, _ in structure.variables for block in _blocks(path)}
    if trained is None or not known.issuperset(trained):
        return contextlib.nullcontext()
    layers = {(): model, **dict(structure.layers)}
    flags: dict[int, bool] = {}
    chosen: dict[tuple, bool] = {}
    for path, variable in structure.variables:
        if not isinstance(variable, nnx.Param):
            continue
        flag = any("/".join(block) in trained for block in _blocks(path))
        holder = info_of(variable)
        if holder is not None:
            flags[id(holder)] = flag
        for end in range(len(path)):
            chosen[path[:end]] = flag or chosen.get(path[:end], False)
    for path, layer in layers.items():
        if path in chosen:
            flags[id(layer._info)] = chosen[path]
    return trainable_scope.overridden(flags)
