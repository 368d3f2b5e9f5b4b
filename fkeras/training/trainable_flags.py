"""`TrainableFlags`: the `trainable` flags of a model as they were at `compile`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from flax import nnx

from fkeras.core.values import trainable_scope
from fkeras.core.values.variable_info import info_of
from fkeras.layers.base import tracking

if TYPE_CHECKING:
    from fkeras.core.values.trainable_scope import FlagHolder
    from fkeras.layers import Layer
    from fkeras.layers.base.tracking import Structure
    from fkeras.training.trainable import Trainable


class _Entry(NamedTuple):
    holder: FlagHolder  # kept alive, so that its id means nothing else
    flag: bool


class TrainableFlags:
    """The flags of all layers and of all weights made to be trained.

    They count in traces, on the thread that traces: nothing is written to layers or Variables,
    which other models and threads may use at the same time.

    Args:
        model: whose flags are remembered; None for no flags at all, so that those of the objects
            count.
    """

    def __init__(self, model: Trainable | None = None) -> None:
        self._entries: dict[int, _Entry] = {}
        if model is not None:
            for holder, _ in _flag_holders(model):
                flag = trainable_scope.flag_of(holder)
                self._entries[id(holder)] = _Entry(holder, flag)

    def applied(self, model: Trainable) -> contextlib.AbstractContextManager[None]:
        """A context in which the model's flags read as they were."""
        if not self._entries:
            return contextlib.nullcontext()
        return trainable_scope.overridden(self._flags_by_id(model))

    def _flags_by_id(self, model: Trainable) -> dict[int, bool]:
        flags: dict[int, bool] = {}
        for holder, layer_info in _flag_holders(model):
            entry = self._entries.get(id(holder))
            if entry is None:
                # A weight made since. It took its flag from its layer, and where that has been
                # toggled since, it goes back with it.
                entry = self._entries.get(id(layer_info))
                if entry is None or entry.flag == layer_info.trainable:
                    continue
            flags[id(holder)] = entry.flag
        return flags

    def in_order(self) -> list[bool]:
        """The flags of the layers and weights, in the order of the model's structure."""
        return [entry.flag for entry in self._entries.values()]

    def toggled_layers(self, model: Trainable, structure: Structure | None = None) -> list[str]:
        """Names of layers whose flag is another now.

        Args:
            model: the model. structure: its own as it is now; None to look it up.
        """
        names = []
        for layer in _layers_of(model, structure):
            entry = self._entries.get(id(layer._info))
            if entry is not None and entry.flag != layer.trainable:
                names.append(layer.name)
        return names


def _layers_of(model: Trainable, structure: Structure | None = None) -> list[Layer]:
    structure = structure or tracking.structure_of(model)
    return [model, *[layer for _, layer in structure.layers]]


def _flag_holders(model: Trainable) -> Iterator[tuple[FlagHolder, FlagHolder]]:
    """(holder of a flag, its layer's holder) for all layers, each followed by its own weights."""
    for layer in _layers_of(model):
        yield layer._info, layer._info
        for _, child in tracking.direct_children(layer):
            if isinstance(child, nnx.Param):
                yield info_of(child) or layer._info, layer._info
