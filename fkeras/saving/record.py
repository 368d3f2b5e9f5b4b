"""`ModelRecord`: all that a file keeps of a model, and how a model gives one.

A record knows nothing of files: a format (`fkeras.saving.formats`) turns it into bytes and back.
Weights go by structural path (`dense/kernel`): attribute names, positions and given names, never a
counter that depends on what else the process has built. So a file says itself which array belongs
where. Keras's files have stores (`fkeras.saving.stores`) or, before Keras 3, arrays by layer
(`fkeras.saving.legacy_weights`): a record has one of the three.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import jax
import numpy as np
from flax import nnx

from fkeras.core.config import scopes, serialization
from fkeras.core.values import lending, stacking
from fkeras.core.values.variable import Variable
from fkeras.layers.base import tracking
from fkeras.metrics.state_names import names_of_states
from fkeras.saving import automatic_names, legacy_weights
from fkeras.saving import stores as keras_stores
from fkeras.saving.blocks import entries_of, trained_blocks
from fkeras.saving.further_optimizers import further_optimizers
from fkeras.saving.slot_names import names_of_slots

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from fkeras.layers import Layer
    from fkeras.models import Model
    from fkeras.optimizers import Optimizer
    from fkeras.saving.legacy_weights import LegacyWeights
    from fkeras.saving.stores import Store
    from fkeras.types import ArrayLike, Config

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
        names: of the values, such as `momentum/dense/kernel`; None where a file has none.
    """

    values: tuple[ArrayLike, ...]
    trained: tuple[str, ...] | None
    names: tuple[str, ...] | None = None


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
            generators. Empty where there are stores. They lie where the model has them, on one
            device or many.
        roles: for each weight, where a `TrainState` has it: "params" or "state"; "generators".
        by_position: whether the keys of `weights` are positions, as files of format 1 have them.
        by_variable: whether the keys of `weights` are the paths that Variables have in Keras.
        layers: the layers that have Variables of their own.
        config: the architecture, with what `compile` was given; None for weights alone.
        optimizer: its state; None where there is none yet, or where it was left out.
        further: the states of other optimizers, by the model's attribute; in stores they have
            their own.
        lifetime: how far training has come; None for weights alone.
        assets: other files of layers, such as vocabularies, by relative path.
        stores: the arrays of each layer and of the optimizer by Keras's path, in place of weights.
        legacy: arrays by layer and position, in place of weights.
        of_keras2: whether the file was written by Keras 2.
        generators: where there are no weights, the states of seed generators by structural path.
        metrics: what the metrics have counted since their last reset: `{"loss/total": ...}`.
        automatic: see `automatic_names.record_automatic`; None where a file does not tell.
        trained: structural paths of the weights that training changes, as they were at `compile`;
            None where a file does not tell.
        training: what else a run wants to remember: plain values, as JSON has them.
        training_arrays: arrays that belong to `training`, by name.
        metadata: what a file says of itself, such as version and date; None where it says nothing.
    """

    weights: dict[str, ArrayLike]
    roles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    by_position: bool = False
    by_variable: bool = False
    layers: tuple[LayerRecord, ...] = ()
    config: Config | None = None
    optimizer: OptimizerRecord | None = None
    further: Mapping[str, OptimizerRecord] = dataclasses.field(default_factory=dict)
    lifetime: Lifetime | None = None
    assets: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    stores: Mapping[str, Store] | None = None
    legacy: LegacyWeights | None = None
    of_keras2: bool = False
    generators: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    metrics: Mapping[str, ArrayLike] = dataclasses.field(default_factory=dict)
    automatic: tuple[bool, ...] | None = None
    trained: tuple[str, ...] | None = None
    training: Mapping[str, Any] | None = None
    training_arrays: Mapping[str, ArrayLike] = dataclasses.field(default_factory=dict)
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
        metrics=_record_metrics(model) if layout == "paths" and include_optimizer else {},
        automatic=automatic_names.record_automatic(model),
        trained=_record_trained(model),
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
    variables = variables_by_path(model)
    return ModelRecord(
        {path: _value_of(variable) for path, variable in variables.items()},
        roles=_record_roles(model, variables),
        layers=_record_layers(model),
        optimizer=_record_optimizer(model) if include_optimizer else None,
        further=_record_further(model) if include_optimizer else {},
    )


def _value_of(variable: nnx.Variable) -> jax.Array:
    """The value where it lies: it is never changed, so that it may be written later."""
    return variable.value if isinstance(variable, Variable) else variable.get_value()


def _record_roles(model: Model, variables: Mapping[str, nnx.Variable]) -> dict[str, str]:
    roles = {
        path: "params" if isinstance(variable, nnx.Param) else "state"
        for path, variable in variables.items()
    }
    return roles | dict.fromkeys(_record_generators(model), "generators")


def _record_metrics(model: Model) -> dict[str, jax.Array]:
    return {name: variable.value for name, variable in metric_states(model).items()}


def metric_states(model: Model) -> dict[str, Variable]:
    """The Variables of a compiled model's metrics by name: `loss/total`."""
    if not model.compiled:
        return {}
    variables = [variable for metric in model.metrics for variable in metric.variables]
    names = ("/".join(pair) for pair in names_of_states(model.metrics))
    return dict(zip(names, variables, strict=True))


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


def with_training(
    record: ModelRecord,
    training: Mapping[str, Any] | None,
    arrays: Mapping[str, ArrayLike] | None = None,
) -> ModelRecord:
    """A record with what else a run wants to remember.

    Args:
        record: of a model.
        training: plain values, as JSON has them.
        arrays: by name.
    """
    return dataclasses.replace(record, training=training, training_arrays=arrays or {})


def renamed(record: ModelRecord, names: Mapping[str, str]) -> ModelRecord:
    """A record with other paths.

    Args:
        record: with weights by path.
        names: {path: new path} of all of them.
    """
    if all(path == new for path, new in names.items()):
        return record
    return dataclasses.replace(
        record,
        weights={names[path]: array for path, array in record.weights.items()},
        optimizer=record.optimizer and _renamed_state(record.optimizer, names),
        further={key: _renamed_state(state, names) for key, state in record.further.items()},
        trained=None
        if record.trained is None
        else tuple(names.get(path, path) for path in record.trained),
    )


def _renamed_state(state: OptimizerRecord, names: Mapping[str, str]) -> OptimizerRecord:
    if state.names is not None:
        slots = (automatic_names.translate_slot(name, names) for name in state.names)
        state = dataclasses.replace(state, names=tuple(slots))
    if state.trained is not None:
        trained = tuple(names.get(path, path) for path in state.trained)
        state = dataclasses.replace(state, trained=trained)
    return state


def _record_lifetime(model: Model) -> Lifetime:
    counts = model.training_progress
    first, second = jax.random.key_data(model.build_key)  # two words of Threefry
    return Lifetime(counts["steps"], counts["epochs"], (int(first), int(second)))


def _record_optimizer(model: Model) -> OptimizerRecord | None:
    return _record_state(model, model.optimizer) if _trains(model) else None


def _record_further(model: Model) -> dict[str, OptimizerRecord]:
    return {
        name: _record_state(model, optimizer)
        for name, optimizer in further_optimizers(model).items()
        if optimizer.built
    }


def _record_state(model: Model, optimizer: Optimizer) -> OptimizerRecord:
    states = optimizer_states(model, optimizer)
    values = tuple(variable.value for variable in states.values())
    trained = trained_blocks(model, optimizer.bound_variables).paths
    return OptimizerRecord(values, trained, tuple(states))


def _trains(model: Model) -> bool:
    return model.optimizer is not None and model.optimizer.built


def _record_trained(model: Model) -> tuple[str, ...] | None:
    if not _trains(model):
        return None
    return trained_blocks(model, model.optimizer.bound_variables).paths


def optimizer_states(model: Model, optimizer: Optimizer | None = None) -> dict[str, Variable]:
    """The Variables of a built optimizer, in Keras's order, by readable names.

    Args:
        model: whose Variables it was built for.
        optimizer: another one than the model's own.
    """
    optimizer = optimizer or model.optimizer
    trained = trained_blocks(model, optimizer.bound_variables)
    own = optimizer.separate_variables(trained.places)
    paths = {id(variable): path for path, variable in entries_of(model)}
    bound = [paths.get(id(v)) or (lending.path_of(v),) for v in optimizer.bound_variables]
    return dict(zip(names_of_slots(optimizer, bound, own), own, strict=True))


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
