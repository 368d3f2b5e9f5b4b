"""Models from records: all of it is checked before any value is set."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from fkeras.core.config import scopes, serialization
from fkeras.core.randomness import process_generator
from fkeras.core.values import lending, stacking
from fkeras.core.values.variable import Variable
from fkeras.core.warn_once import warn_user
from fkeras.errors import (
    CorruptFileError,
    IncompatibleFileError,
    TransformationMissingError,
    UserInputError,
)
from fkeras.layers.base import tracking
from fkeras.saving import (
    automatic_names,
    keras_names,
    legacy_weights,
    store_matching,
    trained_weights,
)
from fkeras.saving import record as records
from fkeras.saving import stores as keras_stores
from fkeras.saving.further_optimizers import further_optimizers
from fkeras.saving.match import Match, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from flax import nnx

    from fkeras.layers import Layer
    from fkeras.models import Model
    from fkeras.optimizers import Optimizer
    from fkeras.saving.record import Lifetime, ModelRecord, OptimizerRecord
    from fkeras.types import Config

_WEIGHTS = "The weights in the file"
_STATE = "The arrays of the optimizer's state in the file"


def revive_model(
    record: ModelRecord,
    custom_objects: Mapping[str, object] | None = None,
    compile: bool = True,
    safe_mode: bool | None = True,
) -> Model:
    """A new model as the one that gave the record.

    Args:
        record: with a config.
        custom_objects: names of classes and functions that the config may use.
        compile: whether it is compiled as it was, and gets the optimizer's state.
        safe_mode: whether code in the config is refused; None leaves it to the scope and settings.

    Raises:
        UserInputError: code in the config, or values that do not fit it.
        UnknownNameError: a class that is not registered.
    """
    # Compiled later, if at all: what it was compiled with may not be registered here, and an
    # optimizer is as large as the config says, which has to be compared with the arrays first.
    config = {**(record.config or {}), "compile_config": None}
    chosen = (record.config or {}).get("compile_config") if compile else None
    try:
        with scopes.ObjectSharingScope(reads=True):
            model = serialization.deserialize_keras_object(
                config, custom_objects=custom_objects, safe_mode=safe_mode
            )
    except RecursionError:
        raise CorruptFileError("The model's config holds models in models without end.") from None
    _restore_names(model, record)
    record = _in_names_of(model, record)
    match = _match(model, record)
    match.refuse_problems(_WEIGHTS)
    match.apply(_variables_of(model))
    _tell_left_out(model, match.left_out)
    if chosen:
        _compile(model, record, chosen, custom_objects, safe_mode)
    _restore_generators(model, record)
    keras_stores.restore_assets(model, record.assets)
    if record.lifetime is not None:
        _set_lifetime(model, record.lifetime)
    return model


def _compile(
    model: Model,
    record: ModelRecord,
    chosen: Config,
    custom_objects: Mapping[str, object] | None,
    safe_mode: bool | None,
) -> None:
    """Compiles a model that has its weights, as it was; its optimizer goes on where it stopped."""
    try:
        with (
            scopes.custom_object_scope(custom_objects),
            scopes.SafeModeScope(scopes.in_safe_mode(safe_mode)),
            trained_weights.flags_for(model, record.trained),
        ):
            model.compile_from_config(chosen)
    except TransformationMissingError:
        warn_user(
            f"Model '{model.name}' was compiled with an Optax transformation, which is code and "
            "not in the file: the model is not compiled. Call `compile` with the same "
            "transformation, loss and metrics, and its state goes on; or load with `custom_objects="
            "{'transformation': optax.adam(...)}`."
        )
        if _holds_optimizer(record):
            waiting = _state_alone(record)
            model.await_optimizer(lambda: _take_waiting(model, waiting))
        return
    if model.optimizer is not None and model.built and _holds_optimizer(record):
        _restore_optimizer(model, record)
    Match(_pairs_of_further(model, record, builds=True)).apply(())
    _restore_metrics(model, record)


def _state_alone(record: ModelRecord) -> ModelRecord:
    """The record without weights, which need not be kept in memory."""
    stores, legacy = record.stores, record.legacy
    if stores is not None:
        stores = {
            path: store for path, store in stores.items() if store_matching.is_of_optimizer(path)
        }
    if legacy is not None:
        legacy = dataclasses.replace(legacy, layers=(), top=())
    return dataclasses.replace(record, weights={}, stores=stores, legacy=legacy, assets={})


def _take_waiting(model: Model, record: ModelRecord) -> None:
    """Gives a state to the optimizer that the model has now, or says that it is of another one."""
    try:
        _restore_optimizer(model, record)
    except IncompatibleFileError as error:
        warn_user(
            f"The state of the optimizer that '{model.name}' was loaded with is not one of "
            f"'{model.optimizer and model.optimizer.name}', which starts anew: {error}"
        )


def restore_weights(
    model: Model,
    record: ModelRecord,
    skip_mismatch: bool = False,
    by_name: bool = False,
    skipped: Collection[Layer] = (),
) -> list[str]:
    """Sets the weights of a built model: all of them, or none after an error.

    Args:
        model: a built model.
        record: whose weights it takes.
        skip_mismatch: set only those of the same path and shape.
        by_name: of a record of before Keras 3, pair layers by name.
        skipped: of a record with stores, layers that stay as they are, with what is below them.

    Returns:
        With `skip_mismatch`: what was left out, a line for each.

    Raises:
        IncompatibleFileError: the paths or shapes are not those of the model; with
            `skip_mismatch`, none is.
    """
    if by_name and record.legacy is None:
        raise UserInputError(
            "`by_name=True` only supports loading legacy '.h5' or '.hdf5' files. This file has "
            "another layout, in which weights know their places."
        )
    record = _in_names_of(model, record)
    match = _match(model, record, by_name, skipped)
    if not skip_mismatch:
        match.refuse_problems(
            _WEIGHTS,
            "Places and shapes must match. Pass `skip_mismatch=True` to take the weights that fit "
            "and be told of the others.",
        )
    elif count_arrays(record) and not match.pairs and not match.hooks:
        raise IncompatibleFileError(
            "None of the weights in the file fits the model:\n" + listed(match.problems.items())
        )
    match.pairs += _pairs_of_state(model, record) + _pairs_of_further(model, record)
    match.apply(_variables_of(model))
    _tell_left_out(model, match.left_out)
    return [f"{path}: {problem}" for path, problem in match.problems.items()]


def _restore_optimizer(model: Model, record: ModelRecord) -> None:
    """Sets the state of the optimizer of a model that has its weights."""
    if model.optimizer is None:
        raise IncompatibleFileError("The model has no optimizer.")
    if not model.optimizer.built:
        model.optimizer.take_paths(tracking.paths_by_id(tracking.structure_of(model)))
        model.optimizer.build(model.trainable_variables)
    match = Match()
    _match_state(match, model, record, with_others=False)
    own = {id(variable) for variable in model.optimizer.variables}
    match.pairs = [pair for pair in match.pairs if id(stacking.stack_of(pair[0])) in own]
    match.refuse_problems(_STATE)
    match.apply(())


def _match_state(match: Match, model: Model, record: ModelRecord, with_others: bool = True) -> None:
    """Adds the state of the optimizer, by the layout that the record has; of stores, that of other
    optimizers, too.
    """
    if record.stores is not None:
        store_matching.match_optimizers(match, model, record, with_others)
    elif record.legacy is not None:
        legacy_weights.match_optimizer(match, model, record.legacy)
    elif record.optimizer is not None:
        _match_optimizer(match, model, record)


def _match(
    model: Model, record: ModelRecord, by_name: bool = False, skipped: Collection[Layer] = ()
) -> Match:
    """Pairs the weights of a record with a model, by the layout that the record has.

    Args:
        model: a built model.
        record: of any layout.
        by_name, skipped: see `restore_weights`.
    """
    if record.stores is not None:
        return store_matching.match_stores(model, record, skipped)
    if record.legacy is not None:
        return legacy_weights.match_legacy(model, record.legacy, by_name)
    return match_weights(model, record)


def _holds_optimizer(record: ModelRecord) -> bool:
    if record.stores is not None:
        return store_matching.holds_optimizer(record)
    if record.legacy is not None:
        return bool(record.legacy.optimizer)
    return record.optimizer is not None


def match_weights(model: Model, record: ModelRecord) -> Match:
    """Pairs arrays and Variables of the same structural path.

    Raises:
        IncompatibleFileError: a record by position with another number of weights.
    """
    variables = _weights_of(model, record)
    arrays = record.weights
    if record.by_position:
        if len(arrays) != len(variables):
            raise IncompatibleFileError(
                f"The file holds {len(arrays)} arrays of weights, the model has "
                f"{len(variables)}. The file is of format 1, which knows weights by position only."
            )
        # From here on by path, too, so that messages name weights.
        arrays = dict(zip(variables, arrays.values(), strict=True))
    match = Match()
    for path, variable in variables.items():
        match.add(path, variable, arrays.get(path))
    for path, array in arrays.items():
        if path not in variables:
            match.add_unused(path, array)
    return match


def _restore_names(model: Model, record: ModelRecord) -> None:
    automatic_names.restore_automatic(model, record.automatic)
    if (
        record.automatic is None
        and record.weights
        and not (record.by_position or record.by_variable)
    ):
        automatic_names.guess_automatic(
            model, lambda: set(records.variables_by_path(model)) == set(record.weights)
        )


def _in_names_of(model: Model, record: ModelRecord) -> ModelRecord:
    """The record with the paths of this model, where they differ in counters only."""
    if record.by_position or not record.weights:
        return record
    translate = keras_names.translate if record.by_variable else automatic_names.translate
    translation = translate(model, _weights_of(model, record), record.weights)
    return records.renamed(record, translation)


def _weights_of(model: Model, record: ModelRecord) -> dict[str, nnx.Variable]:
    if record.by_variable:
        return keras_names.weights_by_name(model)
    return records.variables_by_path(model)


def count_arrays(record: ModelRecord) -> int:
    """How many arrays of weights a record holds, those of an optimizer apart."""
    if record.legacy is not None:
        return record.legacy.count()
    if record.stores is None:
        return len(record.weights)
    return sum(
        len(store.values)
        for path, store in record.stores.items()
        if not store_matching.is_of_optimizer(path)
    )


def _pairs_of_state(model: Model, record: ModelRecord) -> list[tuple[nnx.Variable, np.ndarray]]:
    """What `load_weights` sets of the optimizer's state, as in Keras: all of it where the model is
    trained already and the state is one of its optimizer. The user is told where it is not.
    """
    optimizers = [o for o in (model.optimizer, *further_optimizers(model).values()) if o]
    # Keras takes none from files of before.
    if not optimizers or record.legacy is not None or not _holds_optimizer(record):
        return []
    if record.optimizer is not None and not (model.optimizer and model.optimizer.built):
        return []  # a new one begins anew; Keras says so of its files only
    match = Match()
    with contextlib.suppress(IncompatibleFileError):
        _match_state(match, model, record)
        if match.pairs and not match.problems:
            return match.pairs
    shown = ", ".join(f"'{o.name}'{'' if o.built else ', not built yet'}" for o in optimizers)
    warn_user(
        f"The file holds the state of an optimizer that is not the one that '{model.name}' has now "
        f"({shown}): it is left out, and only weights are loaded."
    )
    return []


def _pairs_of_further(
    model: Model, record: ModelRecord, builds: bool = False
) -> list[tuple[nnx.Variable, np.ndarray]]:
    """What is set of the states of other optimizers, where a record by path has them.

    Args:
        model: has its weights.
        record: of any layout.
        builds: whether a new optimizer is built for what the file says that it trained.
    """
    optimizers, pairs, left = further_optimizers(model), [], []
    for name, saved in record.further.items():
        optimizer, match = optimizers.get(name), Match()
        if optimizer is not None and not optimizer.built:
            if not builds:
                continue
            _build_for(optimizer, model, saved)
        with contextlib.suppress(IncompatibleFileError):
            if optimizer is not None and optimizer.built:
                _check_trained(model, optimizer, saved)
                _match_slots(match, records.optimizer_states(model, optimizer), saved)
        if match.pairs and not match.problems:
            pairs += match.pairs
        else:
            left.append(name)
    remedy = (
        " Set these attributes, `build` them for the weights that they train, and call "
        "`load_weights` with the same directory."
    )
    _tell_left_out(model, left, remedy)
    return pairs


def _build_for(optimizer: Optimizer, model: Model, saved: OptimizerRecord) -> None:
    variables = records.variables_by_path(model)
    trained = [variables.get(path) for path in saved.trained or ()]
    if all(isinstance(variable, Variable) for variable in trained):  # no blocks of a `Repeat`
        optimizer.build(trained)


def _tell_left_out(model: Model, names: Sequence[str], remedy: str = "") -> None:
    if names:
        warn_user(
            f"The file holds the states of optimizers that '{model.name}' does not have now: "
            f"{', '.join(names)}. They are left out.{remedy}"
        )


def _match_optimizer(match: Match, model: Model, record: ModelRecord) -> None:
    """Pairs the optimizer's state by name; by position where a file has no names, which says
    something only if it trains the same Variables in the same order.
    """
    saved = record.optimizer
    if model.optimizer is None or not model.optimizer.built:
        raise IncompatibleFileError("The model has no optimizer that is built.")
    if record.by_variable:
        own = _slots_by_name(model, record)
    else:
        own = records.optimizer_states(model)
        _check_trained(model, model.optimizer, saved)
    _match_slots(match, own, saved)


def _match_slots(match: Match, own: dict[str, Variable], saved: OptimizerRecord) -> None:
    if len(saved.values) != len(own):
        raise IncompatibleFileError(
            f"The file holds {len(saved.values)} arrays of optimizer state, the model has "
            f"{len(own)}."
        )
    values = dict(zip(saved.names or own, saved.values, strict=True))
    for name, variable in own.items():
        match.add(name, variable, values.get(name))
    for name, value in values.items():
        if name not in own:
            match.add_unused(name, value)


def _slots_by_name(model: Model, record: ModelRecord) -> dict[str, nnx.Variable]:
    """What the optimizer keeps, by the names that Keras's checkpoints have."""
    weights = _weights_of(model, record)
    names = {lending.path_of(variable): name for name, variable in weights.items()}
    own = model.optimizer.variables
    return dict(zip(keras_names.slots_by_weight((v.path for v in own), names), own, strict=True))


def _check_trained(model: Model, optimizer: Optimizer, saved: OptimizerRecord) -> None:
    if saved.trained is None:
        return
    trained = records.trained_blocks(model, optimizer.bound_variables).paths
    # Without names, the order says which array is whose.
    if set(saved.trained) != set(trained) or (saved.names is None and saved.trained != trained):
        raise IncompatibleFileError(
            "The optimizer state in the file belongs to other weights than the model trains. File: "
            f"{_shown(saved.trained)}. Model: {_shown(trained)}. Pass `compile=False` to "
            "load the weights alone."
        )


def _restore_metrics(model: Model, record: ModelRecord) -> None:
    """What the metrics have counted, as far as the model has them already: some are made for the
    first targets.
    """
    match = Match()
    for name, variable in records.metric_states(model).items():
        if name in record.metrics:
            match.add(name, variable, record.metrics[name])
    match.apply(())


def _variables_of(model: Model) -> list[nnx.Variable]:
    optimizer = model.optimizer
    return [*model.variables, *(optimizer.variables if optimizer is not None else ())]


def _restore_generators(model: Model, record: ModelRecord) -> None:
    """The states of seed generators, where a file beside stores has them."""
    match = Match()
    for path, generator in tracking.structure_of(model).generators:
        value = record.generators.get("/".join((*path, "state")))
        if value is not None:
            match.add("/".join(path), generator.state, value)
    match.apply(())


def _set_lifetime(model: Model, lifetime: Lifetime) -> None:
    model.training_progress = {"steps": lifetime.steps, "epochs": lifetime.epochs}
    model._info.root_key = process_generator.RootKey.from_data(lifetime.key)


def _shown(paths: Sequence[str]) -> str:
    return ", ".join(paths[:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")
