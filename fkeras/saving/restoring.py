"""Models from records: all of it is checked before any value is set."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from fkeras.core.config import serialization
from fkeras.core.randomness import process_generator
from fkeras.core.values import stacking
from fkeras.errors import UserInputError
from fkeras.layers.base import tracking
from fkeras.saving import record as records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from flax import nnx

    from fkeras.models import Model
    from fkeras.saving.record import Lifetime, ModelRecord, OptimizerRecord

    Pairs = list[tuple[nnx.Variable, np.ndarray]]

_MOST_LISTED = 12  # problems that an error names one by one
_MOST_SKIPPED = 50


@dataclasses.dataclass
class Match:
    """Which array goes into which Variable, and what stands against the others.

    Attributes:
        pairs: (Variable, array) of the same path and shape.
        problems: by path, why an array or a Variable has no partner.
    """

    pairs: Pairs
    problems: dict[str, str]


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
    config = record.config
    if config is not None and not compile:
        # Not compiled at all: what it was compiled with may not be registered here.
        config = {**config, "compile_config": None}
    model = serialization.deserialize_keras_object(
        config, custom_objects=custom_objects, safe_mode=safe_mode
    )
    # Checked together, set together: an error leaves no half of a state behind.
    pairs = _checked_weights(model, record)
    if compile and model.optimizer is not None and record.optimizer is not None:
        pairs += _optimizer_pairs(model, record.optimizer)
    stacking.assign_all(pairs)
    if record.lifetime is not None:
        _set_lifetime(model, record.lifetime)
    return model


def restore_weights(model: Model, record: ModelRecord, skip_mismatch: bool = False) -> list[str]:
    """Sets the weights of a built model: all of them, or none after an error.

    Args:
        model: a built model.
        record: whose weights it takes.
        skip_mismatch: set only those of the same path and shape.

    Returns:
        With `skip_mismatch`: what was left out, a line for each.

    Raises:
        UserInputError: the paths or shapes are not those of the model; with `skip_mismatch`, none
            is.
    """
    if not skip_mismatch:
        stacking.assign_all(_checked_weights(model, record))
        return []
    match = match_weights(model, record)
    if record.weights and not match.pairs:
        raise UserInputError(
            "None of the weights in the file fits the model:\n"
            + _listed(match.problems.items(), _MOST_LISTED)
        )
    stacking.assign_all(match.pairs)
    return [f"{path}: {problem}" for path, problem in match.problems.items()]


def match_weights(model: Model, record: ModelRecord) -> Match:
    """Pairs arrays and Variables of the same structural path.

    Raises:
        UserInputError: a record by position with another number of weights.
    """
    variables = records.variables_by_path(model)
    arrays = record.weights
    if record.by_position:
        if len(arrays) != len(variables):
            raise UserInputError(
                f"The file holds {len(arrays)} arrays of weights, the model has "
                f"{len(variables)}. The file is of format 1, which knows weights by position only."
            )
        # From here on by path, too, so that messages name weights.
        arrays = dict(zip(variables, arrays.values(), strict=True))
    match = Match([], {})
    for path, variable in variables.items():
        if path not in arrays:
            match.problems[path] = f"not in the file, model {tuple(variable.shape)}"
        elif arrays[path].shape != tuple(variable.shape):
            match.problems[path] = f"file {arrays[path].shape}, model {tuple(variable.shape)}"
        else:
            match.pairs.append((variable, arrays[path]))
    for path, array in arrays.items():
        if path not in variables:
            match.problems[path] = f"file {array.shape}, not in the model"
    return match


def list_skipped(skipped: Sequence[str], total: int) -> str:
    """The warning of what `skip_mismatch` left out."""
    more = len(skipped) - _MOST_SKIPPED
    lines = [f"  {line}" for line in skipped[:_MOST_SKIPPED]]
    return "\n".join(
        [
            f"`skip_mismatch=True`: {len(skipped)} weights were left as they are or have no place "
            f"in the model ({total} are in the file):",
            *lines,
            *([f"  and {more} more"] if more > 0 else []),
        ]
    )


def _checked_weights(model: Model, record: ModelRecord) -> Pairs:
    match = match_weights(model, record)
    if match.problems:
        raise UserInputError(
            "The weights in the file do not fit the model:\n"
            + _listed(match.problems.items(), _MOST_LISTED)
        )
    return match.pairs


def _optimizer_pairs(model: Model, record: OptimizerRecord) -> Pairs:
    """Pairs the optimizer's state by position, which says something only if it trains the same
    Variables in the same order.
    """
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.take_paths(tracking.paths_by_id(tracking.structure_of(model)))
        optimizer.build(model.trainable_variables)  # makes the Variables that are to be set
    trained = records.trained_blocks(model, optimizer.bound_variables)
    if record.trained is not None and record.trained != trained.paths:
        raise UserInputError(
            "The optimizer state in the file belongs to other weights than the model trains. File: "
            f"{_shown(record.trained)}. Model: {_shown(trained.paths)}. Pass `compile=False` to "
            "load the weights alone."
        )
    variables = optimizer.separate_variables(trained.places)
    if len(record.values) != len(variables):
        raise UserInputError(
            f"The file holds {len(record.values)} arrays of optimizer state, the model has "
            f"{len(variables)}."
        )
    problems = [
        (variable.path, f"file {value.shape}, model {tuple(variable.shape)}")
        for variable, value in zip(variables, record.values)
        if value.shape != tuple(variable.shape)
    ]
    if problems:
        raise UserInputError(
            "The optimizer state in the file do not fit the model:\n"
            + _listed(problems, _MOST_LISTED)
        )
    return list(zip(variables, record.values))


def _set_lifetime(model: Model, lifetime: Lifetime) -> None:
    model.training_progress = {"steps": lifetime.steps, "epochs": lifetime.epochs}
    model._info.root_key = process_generator.RootKey.from_data(lifetime.key)


def _listed(problems: Iterable[tuple[str, str]], most: int) -> str:
    lines = [f"  {path}: {problem}" for path, problem in problems]
    more = [f"  and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join([*lines[:most], *more])


def _shown(paths: Sequence[str]) -> str:
    return ", ".join(paths[:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")
