"""`save_model`, `load_model` and their kin for weights: paths and arguments are checked here, the
rest is done by records and formats.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from fkeras.core.warn_once import warn_user
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.saving import match as matches
from fkeras.saving import record as records
from fkeras.saving import restoring
from fkeras.saving.formats import UNZIPPED, ShardedWeights, format_for, read_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

    from fkeras.layers import Layer
    from fkeras.models import Model
    from fkeras.saving.formats import Format
    from fkeras.types import PathLike

_ONLY_STORES = (
    "`objects_to_skip` only supports loading '.weights.h5' files. It goes with `save_weights` and "
    "`load_weights` of such files, and of '.weights.json'."
)


def save_model(
    model: Model,
    filepath: PathLike,
    overwrite: bool = True,
    zipped: bool | None = None,
    include_optimizer: bool = True,
    **kwargs: Any,
) -> None:
    """Saves a model: architecture, weights, optimizer state, step.

    It is written beside its place and moved there, so that the path never holds half a model; what
    stood there goes only after the new one stands.

    Args:
        model: the model. In a `.keras` it need not be built; it then has no weights yet.
        filepath: `name.keras` for Keras 3's archive; `name.h5` or `.hdf5` for the file of before,
            which tf.keras reads too; a path without suffix for an Orbax checkpoint directory.
        overwrite: whether an existing one is replaced; else that is an error.
        zipped: False for a directory of what a `.keras` archive holds; None goes by the suffix.
        include_optimizer: whether the optimizer's state goes with it.
        **kwargs: `save_format`, which older scripts give, counts where the name has no suffix.

    Raises:
        UserInputError: the suffix is that of weights alone or of no format, something stands
            there, or the model is not built.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> fkeras.saving.save_model(model, "model.keras")
        >>> fkeras.saving.load_model("model.keras").count_params()
        8
    """
    save_format = _checked_save_format(filepath, kwargs.pop("save_format", None))
    _refuse_arguments("save", kwargs)
    path = _absolute(filepath)
    file_format = _format_of_model(path, filepath, zipped, save_format)
    if not file_format.holds_models:
        raise UserInputError(
            f"'{filepath}' is a name for weights alone: use `save_weights`, or a name that ends in "
            "'.keras'."
        )
    if file_format.layout != "stores":  # where an architecture without weights has its place
        _check_built(model)
    _check_overwrite(path, filepath, overwrite)
    file_format.write(records.record_model(model, include_optimizer, file_format.layout), path)


def load_model(
    filepath: PathLike,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool | None = True,
) -> Model:
    """A model from what `save_model` made, compiled and with its optimizer's state as it was.

    Files of Keras 3 are read as well. What the format is, the content decides, not the name.

    Args:
        filepath: the file or directory.
        custom_objects: dict from names to classes or functions that the config names.
        compile: whether the model is compiled as it was.
        safe_mode: refuse configs that hold code. Only the caller can turn it off: by False here, or
            by `fkeras.config.enable_unsafe_deserialization()` for all calls.

    Raises:
        UnsafeFileError: a file that would run code, or reach out of itself.
        CorruptFileError: a damaged file, or none of a model.
        IncompatibleFileError: a file of a newer release.
        UnknownNameError: a class that is not registered.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> model.save("model.keras")
        >>> fkeras.saving.load_model("model.keras").layers[0].name
        'dense'
    """
    record = read_at(filepath, "a saved model")
    if record.config is None:
        raise UserInputError(
            f"'{filepath}' holds weights without an architecture. Make the model and call "
            f"`model.load_weights({os.fspath(filepath)!r})`."
        )
    with _named_in_errors(filepath):
        return restoring.revive_model(record, custom_objects, compile, safe_mode)


def save_weights(
    model: Model,
    filepath: PathLike,
    overwrite: bool = True,
    max_shard_size: float | None = None,
    **kwargs: Any,
) -> None:
    """Saves the weights of a model, without its architecture.

    Args:
        model: the model, built.
        filepath: `name.weights.h5` for Keras 3's file, which takes the optimizer's state along; any
            other `.h5` or `.hdf5` for the layout of before, as Keras reads them;
            `name.weights.json` for Keras 3's file in several parts; `name.safetensors` for other
            libraries; a path without suffix for an Orbax checkpoint directory, which takes the
            optimizer's state along, too.
        overwrite: whether an existing one is replaced; else that is an error.
        max_shard_size: the most that a part of a `.weights.json` takes, in gigabytes of 1024^3
            bytes; None for one part of up to 5.
        **kwargs: `objects_to_skip`, a list of layers whose weights, and those of what is below
            them, are left out of a `.weights.h5` or `.weights.json`.

    Raises:
        UserInputError: the suffix is that of whole models, something stands there, the model is not
            built, or an array is larger than a part may be.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> fkeras.saving.save_weights(model, "model.weights.h5")
        >>> fkeras.saving.load_weights(model, "model.weights.h5")
    """
    save_format = _checked_save_format(filepath, kwargs.pop("save_format", None))
    skipped = _pop_skipped(kwargs)
    _refuse_arguments("save_weights", kwargs)
    path = _absolute(filepath)
    file_format = format_for(path, save_format)
    if max_shard_size is not None:
        path, file_format = _name_of_shards(path, filepath), ShardedWeights(max_shard_size)
    if not file_format.holds_weights:
        raise UserInputError(
            f"'{filepath}' is a name for whole models: use `save`. The name of a file of weights "
            "ends in '.weights.h5'."
        )
    _check_built(model)
    _check_overwrite(path, filepath, overwrite)
    layout = file_format.layout
    if skipped is not None and layout != "stores":
        raise UserInputError(_ONLY_STORES)
    # Keras 3 keeps the optimizer's state beside weights; it did not before.
    record = records.record_weights(model, layout != "layers", layout, skipped or ())
    file_format.write(record, path)


def load_weights(
    model: Model,
    filepath: PathLike,
    skip_mismatch: bool = False,
    by_name: bool = False,
    **kwargs: Any,
) -> None:
    """Takes the weights of a model from a file or directory. All are checked before any is set.

    Where the model has an optimizer that was trained, and the file or directory holds the state of
    such an optimizer, that is taken too, as in Keras; not from a `.h5` of before Keras 3.

    Args:
        model: the model, built. Its weights and those in the file are paired by structural path, in
            Keras's files by class and position.
        filepath: what `save_weights` or `save_model` made, here or in Keras 3.
        skip_mismatch: set the weights that have the same place and shape in both, leave the others
            as they are, and warn of them.
        by_name: in files of before Keras 3 only: pair layers by name instead of by order; those
            without a namesake are left as they are.
        **kwargs: `objects_to_skip`, a list of layers of the model that stay as they are, with what
            is below them; what a `.weights.h5` or `.weights.json` holds of them is passed by.

    Raises:
        IncompatibleFileError: weights are missing, too many, or of other shapes; all are named.
        UnsafeFileError, CorruptFileError: see `load_model`.
    """
    skipped_objects = _pop_skipped(kwargs)
    _refuse_arguments("load_weights", kwargs)
    if not model.built:
        raise NotBuiltError(
            "You are loading weights into a model that has not yet been built. Try building the "
            "model first by calling it on some data or by using `build()`."
        )
    record = read_at(filepath, "saved weights")
    if skipped_objects is not None and (record.stores is None or record.config is not None):
        raise UserInputError(f"{_ONLY_STORES} Received: '{filepath}'")
    with _named_in_errors(filepath):
        skipped = restoring.restore_weights(
            model, record, skip_mismatch, by_name, skipped_objects or ()
        )
    if skipped:
        # Called by `Model.load_weights`, which the user called.
        warn_user(matches.list_skipped(skipped, restoring.count_arrays(record)))


@contextlib.contextmanager
def _named_in_errors(filepath: PathLike) -> Iterator[None]:
    """Puts the file into the errors of what is made of it, which knows of no files."""
    try:
        yield
    except UserInputError as error:
        if str(os.fspath(filepath)) in str(error):
            raise
        raise type(error)(f"'{filepath}' cannot be loaded. {error}") from error


def _pop_skipped(arguments: dict[str, Any]) -> Collection[Layer] | None:
    """`objects_to_skip`; None where nobody gave it."""
    return arguments.pop("objects_to_skip", None)


def _name_of_shards(path: Path, filepath: PathLike) -> Path:
    """The path of the index of a file in parts."""
    if path.name.endswith("weights.json"):
        return path
    if not path.name.endswith("weights.h5"):
        raise UserInputError(
            "The filename must end in `.weights.json` when `max_shard_size` is given. "
            f"Received: '{filepath}'"
        )
    renamed = path.with_suffix(".json")
    warn_user(
        "Weights in several parts have an index whose name ends in `.json`: "
        f"'{renamed.name}' is written instead of '{path.name}'."
    )
    return renamed


def _format_of_model(
    path: Path, filepath: PathLike, zipped: bool | None, save_format: str | None
) -> Format:
    is_archive = path.name.endswith(".keras")
    if zipped is False:
        if is_archive:
            raise UserInputError(
                "With `zipped=False` a directory is written: the `filepath` argument should not "
                f"end in `.keras`. Received: '{filepath}'"
            )
        return UNZIPPED
    if zipped and not is_archive:
        raise UserInputError(
            f"With `zipped=True` the name ends in '.keras'. Received: '{filepath}'"
        )
    return format_for(path, save_format)


def _checked_save_format(filepath: PathLike, save_format: str | None) -> str | None:
    """`save_format` of older scripts, which counts where the suffix says nothing; one warning.

    Raises:
        UserInputError: an unknown one, or a suffix that says something else.
    """
    if save_format is None:
        return None
    suffixes = {"keras": (".keras",), "h5": (".h5", ".hdf5"), "hdf5": (".h5", ".hdf5"), "tf": ()}
    name = str(os.fspath(filepath))
    known = next((s for s in (".keras", ".h5", ".hdf5") if name.endswith(s)), None)
    if save_format not in suffixes or (known and known not in suffixes[save_format]):
        raise UserInputError(
            "The `save_format` argument is deprecated: the name says the format, and "
            f"`save_format={save_format!r}` and '{filepath}' do not agree. Leave `save_format` "
            "out, and end the name in '.keras' or '.h5'."
        )
    if save_format == "tf":
        warn_user(
            "`save_format='tf'`: an Orbax checkpoint directory is written, which `load_model` and "
            "`load_weights` read; TensorFlow's SavedModel is not."
        )
    elif known is None:
        warn_user(
            f"`save_format={save_format!r}` is an argument of older Keras: the name says the "
            "format today."
        )
    return save_format


def _refuse_arguments(method: str, arguments: dict[str, Any]) -> None:
    if arguments:
        raise UserInputError(
            f"`{method}`: Invalid keyword arguments. The following argument(s) are not supported: "
            f"{sorted(arguments)}"
        )


def _absolute(filepath: PathLike) -> Path:
    return Path(os.path.abspath(os.fspath(filepath)))


def _check_built(model: Model) -> None:
    if not model.built:
        raise NotBuiltError(
            f"Model '{model.name}' is not built: it has no weights to save. Call it on data, or "
            "`build` it, first."
        )


def _check_overwrite(path: Path, filepath: PathLike, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise UserInputError(f"'{filepath}' exists already; pass `overwrite=True` to replace it.")
