"""`save_model`, `load_model` and their kin for weights: paths and arguments are checked here, the
rest is done by records and formats.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fkeras.core.warn_once import warn_user
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.saving import record as records
from fkeras.saving import restoring
from fkeras.saving.formats import format_at, format_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fkeras.models import Model
    from fkeras.saving.formats import Format
    from fkeras.types import PathLike


def save_model(
    model: Model,
    filepath: PathLike,
    overwrite: bool = True,
    include_optimizer: bool = True,
    **kwargs: Any,
) -> None:
    """Saves a model to a directory: architecture, weights, optimizer state, step.

    It is written beside its place and moved there, so that the path never holds half a checkpoint;
    one that stood there goes only after the new one stands.

    Args:
        model: the model, built.
        filepath: directory to make; a path without suffix.
        overwrite: whether an existing one is replaced; else that is an error.
        include_optimizer: whether the optimizer's state goes with it.

    Raises:
        UserInputError: the path has the suffix of another format, exists, or the model is not
            built.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> fkeras.saving.save_model(model, "model")
        >>> fkeras.saving.load_model("model").count_params()
        8
    """
    _refuse_arguments("save", kwargs)
    path, file_format = _place(filepath)
    _check_built(model)
    _check_overwrite(path, filepath, overwrite)
    file_format.write(records.record_model(model, include_optimizer), path)


def load_model(
    filepath: PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool | None = True,
) -> Model:
    """A model from what `save_model` made, compiled and with its optimizer's state as it was.

    Args:
        filepath: the directory.
        custom_objects: dict from names to classes or functions that the config names.
        compile: whether the model is compiled as it was.
        safe_mode: refuse configs that hold code. Only the caller can turn it off: by False here, or
            by `fkeras.config.enable_unsafe_deserialization()` for all calls.

    Raises:
        UserInputError: no such directory, not a saved model, or a file of a newer format.
        UnknownNameError: a class that is not registered.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> model.save("model")
        >>> fkeras.saving.load_model("model").layers[0].name
        'dense'
    """
    path = _absolute(filepath)
    if not path.exists():
        raise UserInputError(f"File not found: '{filepath}' does not exist.")
    file_format = format_at(path)
    if file_format is None:
        raise UserInputError(
            f"'{filepath}' is not a saved model: it holds no 'fkeras.json'. (`.keras` and `.h5` "
            "files are not in this release.)"
        )
    record = file_format.read(path)
    if record.config is None:
        raise UserInputError(
            f"'{filepath}' holds weights without an architecture. Make the model and call "
            f"`model.load_weights({os.fspath(filepath)!r})`."
        )
    return restoring.revive_model(record, custom_objects, compile, safe_mode)


def save_weights(model: Model, filepath: PathLike, overwrite: bool = True, **kwargs: Any) -> None:
    """Saves the weights of a model, without its architecture, to a directory.

    Args:
        model: the model, built.
        filepath: directory to make; a path without suffix.
        overwrite: whether an existing one is replaced; else that is an error.

    Raises:
        UserInputError: the path has the suffix of another format, exists, or the model is not
            built.
    """
    _refuse_arguments("save_weights", kwargs)
    path, file_format = _place(filepath)
    _check_built(model)
    _check_overwrite(path, filepath, overwrite)
    file_format.write(records.record_weights(model), path)


def load_weights(
    model: Model, filepath: PathLike, skip_mismatch: bool = False, **kwargs: Any
) -> None:
    """Takes the weights of a model from a directory. All are checked before any is set.

    Args:
        model: the model, built. Its weights and those in the file are paired by structural path.
        filepath: what `save_weights` or `save_model` made.
        skip_mismatch: set the weights that have the same path and shape in both, leave the others
            as they are, and warn of them.

    Raises:
        UserInputError: no saved weights there, or paths or shapes that are not those of the model.
    """
    _refuse_arguments("load_weights", kwargs)
    path, file_format = _place(filepath)
    if not file_format.is_saved_at(path):
        raise UserInputError(
            f"'{filepath}' holds no saved weights: there is no 'fkeras.json' in it."
        )
    record = file_format.read(path)
    if not model.built:
        raise NotBuiltError(
            "You are loading weights into a model that has not yet been built. Try building the "
            "model first by calling it on some data or by using `build()`."
        )
    skipped = restoring.restore_weights(model, record, skip_mismatch)
    if skipped:
        # Called by `Model.load_weights`, which the user called.
        warn_user(restoring.list_skipped(skipped, len(record.weights)))


def _refuse_arguments(method: str, arguments: dict[str, Any]) -> None:
    if arguments:
        raise UserInputError(f"`{method}` got unexpected arguments: {sorted(arguments)}")


def _absolute(filepath: PathLike) -> Path:
    return Path(os.path.abspath(os.fspath(filepath)))


def _place(filepath: PathLike) -> tuple[Path, Format]:
    path = _absolute(filepath)
    return path, format_for(path)


def _check_built(model: Model) -> None:
    if not model.built:
        raise NotBuiltError(
            f"Model '{model.name}' is not built: it has no weights to save. Call it on data, or "
            "`build` it, first."
        )


def _check_overwrite(path: Path, filepath: PathLike, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise UserInputError(f"'{filepath}' exists already; pass `overwrite=True` to replace it.")
