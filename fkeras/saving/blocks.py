"""Blocks of a `Repeat` one by one, as files hold them: what `n` separate layers would be.

The Variables of a block hold the values of all blocks. Files know nothing of that: a model with a
`Repeat` and one with as many separate layers in its place have the same arrays under the same
names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from flax import nnx

from fkeras.core.values import lending, stacking
from fkeras.layers import Layer, Repeat
from fkeras.layers.base import tracking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.layers.base.tracking import Path
    from fkeras.models import Model
    from fkeras.optimizers import Optimizer


@dataclasses.dataclass(frozen=True)
class BlockLayer:
    """A layer in a block of a `Repeat`, of one of the blocks.

    Attributes:
        layer: the layer, whose Variables hold the values of all blocks.
        block: the number of the block; several where blocks of blocks repeat.
    """

    layer: Layer
    block: tuple[int, ...]

    @property
    def name(self) -> str:
        """The layer's name; it is the same in each block."""
        return self.layer.name

    def own_variables(self) -> list[nnx.Variable]:
        """The block's share of each of the layer's own Variables."""
        return [stacking.block_value(v, self.block) for v in self.layer._own_variables()]

    def values_for_files(self) -> list[Any]:
        """What files hold for each of them."""
        return [
            stacking.block_value(value, self.block)
            if isinstance(value, nnx.Variable)
            else stacking.at_block(value, self.block)
            for value in self.layer._values_for_files()
        ]

    def set_beside(self, variable: nnx.Variable) -> list[tuple[nnx.Variable, Any]]:
        """What else is to be set where one of them takes its value from a file."""
        return [
            (stacking.block_value(other, self.block), stacking.at_block(value, self.block))
            for other, value in self.layer._set_beside(stacking.stack_of(variable))
        ]


def is_separable(layer: object) -> bool:
    """Whether a layer is a `Repeat`, and nothing more, so that its blocks can take its place."""
    return type(layer) is Repeat


def keeps_stacks(layer: Layer) -> bool:
    """Whether a layer writes its arrays or files itself, so that it has to be asked for all blocks
    at once.
    """
    cls = type(layer)
    own = ("save_own_variables", "load_own_variables")
    return any(getattr(cls, name) is not getattr(Layer, name) for name in own) or any(
        hasattr(layer, name) for name in ("save_assets", "load_assets")
    )


def weights_of_blocks(repeat: Repeat) -> Iterator[list[Any]]:
    """The weights of each block in turn: those that are trained, then the others."""
    entries = stacking.separated(tracking.structure_of(repeat).variables, stacking.block_value)
    weights = {id(weight) for weight in repeat.weights}
    for i in range(repeat.n):
        place = stacking.StackedName("blocks", repeat.n).of_block(i)
        own = [v for path, v in entries if path[0] == place and id(v) in weights]
        yield sorted(own, key=lambda variable: not variable.trainable)


def separate_states(model: Model, optimizer: Optimizer) -> list[nnx.Variable]:
    """The Variables of an optimizer, as if each block were a layer of its own."""
    if not optimizer.built:
        return optimizer.variables
    return optimizer.separate_variables(trained_blocks(model, optimizer.bound_variables).places)


def entries_of(model: Model) -> list[tuple[Path, nnx.Variable]]:
    """`model.variables` with their structural paths."""
    structure = tracking.structure_of(model)
    path_of: dict[int, Path] = {id(variable): path for path, variable in structure.variables}
    # Generators belong to what goes on where it stopped.
    for path, generator in structure.generators:
        path_of[id(generator.state)] = (*path, "state")
    return [(path_of[id(variable)], variable) for variable in model.variables]


class TrainedBlocks(NamedTuple):
    """What an optimizer was built for, blocks of a `Repeat` one by one.

    Attributes:
        paths: their structural paths; their own paths where the model has them not.
        places: for each, which of `bound_variables` it is in, and its block's numbers.
    """

    paths: tuple[str, ...]
    places: list[tuple[int, tuple[int, ...]]]


def trained_blocks(model: Model, variables: Sequence[nnx.Variable]) -> TrainedBlocks:
    """The Variables that an optimizer was built for, by structural path."""
    paths = {id(variable): path for path, variable in entries_of(model)}
    entries = [
        (paths.get(id(variable)) or (lending.path_of(variable),), i)
        for i, variable in enumerate(variables)
    ]
    separate = stacking.separated(entries, lambda i, block: (i, block))
    return TrainedBlocks(
        tuple("/".join(path) for path, _ in separate), [place for _, place in separate]
    )
