"""The layout of `.h5` files before Keras 3: arrays by layer, and in each by position.

A layer's arrays are those that are trained, then the others, with all that is below it. The layers
are those of the outermost model; what the model itself holds comes apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fkeras.core.warn_once import warn_user
from fkeras.errors import IncompatibleFileError
from fkeras.layers.base import tracking
from fkeras.saving import blocks, keras2_optimizer
from fkeras.saving.match import Match, are_of_unbuilt_optimizer
from fkeras.saving.stores import to_numpy

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.layers import Layer
    from fkeras.models import Model

Named = tuple[tuple[str, np.ndarray], ...]


@dataclasses.dataclass(frozen=True)
class LegacyWeights:
    """All arrays of a file of this layout.

    Attributes:
        layers: (name of the layer, its arrays with their names), in the order of the model.
        top: arrays that the model holds itself.
        optimizer: the state of the optimizer.
    """

    layers: tuple[tuple[str, Named], ...]
    top: Named = ()
    optimizer: Named = ()

    def count(self) -> int:
        """How many arrays of weights there are."""
        return len(self.top) + sum(len(arrays) for _, arrays in self.layers)


def record_legacy(model: Model, include_optimizer: bool = True) -> LegacyWeights:
    """The arrays of a built model."""
    optimizer = model.optimizer if include_optimizer else None
    is_trained = optimizer is not None and optimizer.built
    state = blocks.separate_states(model, optimizer) if is_trained else ()
    return LegacyWeights(
        layers=tuple((name, _named(weights)) for name, weights in _layers_of(model)),
        top=_named(_top_weights(model)),
        optimizer=_named(state),
    )


def match_legacy(model: Model, saved: LegacyWeights, by_name: bool = False) -> Match:
    """Pairs the arrays of a file with the Variables of a built model.

    Args:
        model: a built model.
        saved: the arrays.
        by_name: layers of one name belong together, and those without a namesake are left out; else
            layers that have weights belong together in their order.

    Raises:
        IncompatibleFileError: another number of layers with weights, or of arrays in one.
    """
    match = Match()
    pairs = _pairs_by_name(model, saved) if by_name else _pairs_in_order(model, saved)
    for shown, variables, arrays in pairs:
        if len(variables) != len(arrays):
            match.problems[shown] = f"file {len(arrays)} arrays, model {len(variables)}"
            continue
        for variable, (_, array) in zip(variables, arrays):
            match.add(f"{shown}/{variable.name}", variable, array)
    return match


def match_optimizer(match: Match, model: Model, saved: LegacyWeights) -> None:
    """Adds the state of the model's optimizer, which is built."""
    optimizer, variables = model.optimizer, blocks.separate_states(model, model.optimizer)
    if any(name.endswith(":0") for name, _ in saved.optimizer):  # of Keras 2
        values = keras2_optimizer.reorder(optimizer, saved.optimizer)
        if values is None:
            warn_user(
                f"The state of the optimizer in the file is not one of {type(optimizer).__name__} "
                "as it is today: the optimizer starts anew."
            )
            return
        for variable, value in zip(variables, values):
            if value is not None:
                match.add(variable.path, variable, value)
        return
    if are_of_unbuilt_optimizer([array for _, array in saved.optimizer]):
        variables = variables[: len(saved.optimizer)]
    if len(variables) != len(saved.optimizer):
        match.problems[model.optimizer.name] = (
            f"file {len(saved.optimizer)} arrays of state, model {len(variables)}"
        )
        return
    for variable, (_, array) in zip(variables, saved.optimizer):
        match.add(variable.path, variable, array)


def _pairs_in_order(
    model: Model, saved: LegacyWeights
) -> list[tuple[str, Sequence[Variable], Named]]:
    layers = [(name, weights) for name, weights in _layers_of(model) if weights]
    in_file = [(name, arrays) for name, arrays in saved.layers if arrays]
    if len(layers) != len(in_file):
        raise IncompatibleFileError(
            f"Layer count mismatch when loading weights from file. Model expected {len(layers)} "
            f"layers, found {len(in_file)} saved layers. File: {_shown(n for n, _ in in_file)}. "
            f"Model: {_shown(n for n, _ in layers)}. Pass `by_name=True` to pair layers "
            "by name."
        )
    names = [name for name, _ in layers]
    by_name = dict(in_file)
    if len(by_name) == len(in_file) and set(by_name) == set(names):
        in_file = [(name, by_name[name]) for name in names]  # another order, the same names
    pairs = [
        (_both(own_name, name), weights, arrays)
        for (own_name, weights), (name, arrays) in zip(layers, in_file)
    ]
    return [*pairs, (model.name, _top_weights(model), saved.top)]


def _pairs_by_name(
    model: Model, saved: LegacyWeights
) -> list[tuple[str, Sequence[Variable], Named]]:
    in_file = dict(saved.layers)
    pairs = [
        (name, weights, in_file[name]) for name, weights in _layers_of(model) if name in in_file
    ]
    top = _top_weights(model)
    return [*pairs, (model.name, top, saved.top)] if len(top) == len(saved.top) else pairs


def _layers_of(model: Model) -> Iterator[tuple[str, Sequence[Variable]]]:
    """(name, weights) of the layers, with the blocks of a `Repeat` in its place."""
    for layer in model.layers:
        if blocks.is_separable(layer):
            for i, weights in enumerate(blocks.weights_of_blocks(layer)):
                yield f"{layer.name}_{i}", weights
        else:
            yield layer.name, _weights_of(layer)


def _weights_of(layer: Layer) -> list[Variable]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _top_weights(model: Model) -> list[Variable]:
    """What the model holds itself, beside its layers."""
    own = {id(child) for _, child in tracking.direct_children(model)}
    return [weight for weight in _weights_of(model) if id(weight) in own]


def _named(variables: Sequence[Variable]) -> Named:
    return tuple((variable.path, to_numpy(variable)) for variable in variables)


def _both(name: str, name_in_file: str) -> str:
    return name if name == name_in_file else f"{name} ('{name_in_file}' in the file)"


def _shown(names) -> str:
    names = list(names)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
