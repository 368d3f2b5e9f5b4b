"""`ModelRecord`: all that a file keeps of a model, and how a model gives one.

A record knows nothing of files: a format (`fkeras.saving.formats`) turns it into bytes and back.
Weights go by structural path (`dense/kernel`): attribute names, positions and given names, never a
counter that depends on what else the process has built. So a file says itself which array belongs
where. Keras's files have stores (`fkeras.saving.stores`) or, before Keras 3, arrays by layer
(`fkeras.saving.legacy_weights`): a record has one of the three.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal, TypeAlias

import jax
import numpy as np

from fkeras.core.config import scopes, serialization
from fkeras.core.values import stacking
from fkeras.layers.base import tracking
from fkeras.saving import legacy_weights
from fkeras.saving import stores as keras_stores
from fkeras.saving.blocks import entries_of, trained_blocks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from flax import nnx

    from fkeras.layers import Layer
    from fkeras.models import Model
    from fkeras.saving.legacy_weights import LegacyWeights
    from fkeras.saving.stores import Store
    from fkeras.types import Config

# By structural path, by Keras 3's stores, or by layer as before Keras 3.
Layout: TypeAlias = Literal["paths", "stores", "layers"]


@dataclasses.dataclass(frozen=True)
class LayerRecord:
    """One layer of a model, for formats that keep a store for each.

    Attributes:
        path: structural path of the layer; the empty string for the model itself.
        class_name: name of its class.
        weights: structural paths of the Variables that are its own, in Keras's order.
    """

    path: str
    class_name: str
    weights: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class OptimizerRecord:
    """The state of an optimizer.

    Attributes:
        values: of its Variables, in Keras's order: iteration, learning rate, then the rest.
        trained: structural paths of the Variables that it trains, in the order in which it was
            built for them; None where a file does not tell.
    """

    values: tuple[np.ndarray, ...]
    trained: tuple[str, ...] | None


@dataclasses.dataclass(frozen=True)
class Lifetime:
    """What makes training go on exactly where it stopped.

    Attributes:
        steps: training steps in the life of the model.
        epochs: epochs begun.
        key: the two words of the model's key, from which those of all steps follow.
    """

    steps: int
    epochs: int
    key: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class ModelRecord:
    """All that a file keeps of a model.

    Attributes:
        weights: arrays by structural path, in Keras's order: weights, and the states of seed
            generators. Empty where there are stores.
        by_position: whether the keys of `weights` are positions, as files of format 1 have them.
        layers: the layers that have Variables of their own.
        config: the architecture, with what `compile` was given; None for weights alone.
        optimizer: its state; None where there is none yet, or where it was left out.
        lifetime: how far training has come; None for weights alone.
        assets: other files of layers, such as vocabularies, by relative path.
        stores: the arrays of each layer and of the optimizer by Keras's path, in place of weights.
        legacy: arrays by layer and position, in place of weights.
        of_keras2: whether the file was written by Keras 2.
        generators: where there are no weights, the states of seed generators by structural path.
        metadata: what a file says of itself, such as version and date; None where it says nothing.
    """

    weights: dict[str, np.ndarray]
    by_position: bool = False
    layers: tuple[LayerRecord, ...] = ()
    config: Config | None = None
    optimizer: OptimizerRecord | None = None
    lifetime: Lifetime | None = None
    assets: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    stores: Mapping[str, Store] | None = None
    legacy: LegacyWeights | None = None
    of_keras2: bool = False
    generators: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    metadata: Config | None = None


def record_model(
    model: Model, include_optimizer: bool = True, layout: Layout = "paths"
) -> ModelRecord:
    """All of a built model.

    Args:
        model: a built model.
        include_optimizer: whether the optimizer's state goes with it.
        layout: how its arrays are laid out.

    Examples:
        >>> import fkeras
        >>> from fkeras.saving.record import record_model
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> {path: array.shape for path, array in record_model(model).weights.items()}
        {'dense/kernel': (3, 2), 'dense/bias': (2,)}
    """
    with scopes.ObjectSharingScope():
        config = serialization.serialize_keras_object(model)
    return dataclasses.replace(
        record_weights(model, include_optimizer, layout),
        config=config,
        lifetime=_record_lifetime(model),
        assets=keras_stores.record_assets(model),
    )


def record_weights(
    model: Model,
    include_optimizer: bool = False,
    layout: Layout = "paths",
    skipped: Collection[Layer] = (),
) -> ModelRecord:
    """The weights of a built model alone; with the optimizer's state where that is wanted.

    Args:
        model, include_optimizer, layout: see `record_model`.
        skipped: layers that have no stores, nor has what is below them; for that layout.
    """
    if layout == "stores":
        stores = keras_stores.record_stores(model, include_optimizer, skipped)
        return ModelRecord({}, stores=stores, generators=_record_generators(model))
    if layout == "layers":
        saved = legacy_weights.record_legacy(model, include_optimizer)
        return ModelRecord({}, legacy=saved, generators=_record_generators(model))
    weights = {
        path: keras_stores.to_numpy(variable) for path, variable in variables_by_path(model).items()
    }
    optimizer = _record_optimizer(model) if include_optimizer else None
    return ModelRecord(weights, layers=_record_layers(model), optimizer=optimizer)


def _record_generators(model: Model) -> dict[str, np.ndarray]:
    return {
        "/".join((*path, "state")): keras_stores.to_numpy(generator.state)
        for path, generator in tracking.structure_of(model).generators
    }


def variables_by_path(model: Model) -> dict[str, nnx.Variable]:
    """The Variables of `model.variables` by structural path, in that order; those of a `Repeat`
    block by block.
    """
    separate = stacking.separated(entries_of(model), stacking.block_value)
    return {"/".join(path): variable for path, variable in separate}


def _record_lifetime(model: Model) -> Lifetime:
    counts = model.training_progress
    first, second = jax.random.key_data(model.build_key)  # two words of Threefry
    return Lifetime(counts["steps"], counts["epochs"], (int(first), int(second)))


def _record_optimizer(model: Model) -> OptimizerRecord | None:
    optimizer = model.optimizer
    if optimizer is None or not optimizer.built:
        return None
    trained = trained_blocks(model, optimizer.bound_variables)
    own = optimizer.separate_variables(trained.places)
    return OptimizerRecord(tuple(np.asarray(variable) for variable in own), trained.paths)


def _record_layers(model: Model) -> tuple[LayerRecord, ...]:
    """Each layer with Variables of its own: those whose path no deeper layer begins."""
    layers = {"": model}
    separate = stacking.separated(tracking.structure_of(model).layers, lambda layer, block: layer)
    layers.update({"/".join(path): layer for path, layer in separate})
    owned: dict[str, list[str]] = {path: [] for path in layers}
    for path in variables_by_path(model):
        owner = path
        while owner not in layers:  # the model itself, "", is the last
            owner = owner.rpartition("/")[0]
        owned[owner].append(path)
    return tuple(
        LayerRecord(path, type(layers[path]).__name__, tuple(weights))
        for path, weights in owned.items()
        if weights
    )
