"""`Model.save` and `load_model` through Orbax: a directory with config, weights, optimizer state
and step.
"""

import json
import os
import shutil
import tempfile

import jax
import numpy as np

from fkeras.core.config import serialization
from fkeras.core.randomness import seeds
from fkeras.errors import NotBuiltError, UserInputError

_FORMAT = 1
_CONFIG = "fkeras.json"


def save_model(model, filepath, overwrite=True, include_optimizer=True, **kwargs):
    """Saves a model to a directory: architecture, weights, optimizer state, step. It is written
    beside its place and moved there, so that the path never holds half a checkpoint; one that stood
    there goes only after the new one stands.

    Args:
        model: the model, built.
        filepath: directory to make; a path without suffix.
        overwrite: whether an existing one is replaced; else that is an error.
        include_optimizer: whether the optimizer's state goes with it.

    Raises:
        UserInputError: the path has the suffix of another format, exists, or the model is not
            built.
    """
    if kwargs:
        raise UserInputError(f"`save` got unexpected arguments: {sorted(kwargs)}")
    path = _directory(filepath)
    if not model.built:
        raise NotBuiltError(
            f"Model '{model.name}' is not built: it has no weights to save. Call it on data, or "
            "`build` it, first."
        )
    config = {
        "format": _FORMAT,
        "config": serialization.serialize_keras_object(model),
        "progress": _progress(model),
    }
    _write(path, filepath, overwrite, config, _arrays(model, include_optimizer))


def _directory(filepath):
    """The absolute path, or an error for the suffix of another format."""
    path = os.path.abspath(os.fspath(filepath))
    suffix = os.path.splitext(path)[1]
    if suffix in (".keras", ".h5", ".hdf5"):
        raise UserInputError(
            f"'{suffix}' files are not in this release. A path without suffix, such as "
            f"'{os.path.basename(path).split('.')[0]}', is an Orbax checkpoint directory."
        )
    return path


def _write(path, filepath, overwrite, config, arrays):
    """Writes a checkpoint beside its place and moves it there."""
    if os.path.exists(path):
        if not overwrite:
            raise UserInputError(
                f"'{filepath}' exists already; pass `overwrite=True` to replace it."
            )
        if (
            not os.path.isdir(path)
            or os.listdir(path)
            and not os.path.exists(os.path.join(path, _CONFIG))
        ):
            raise UserInputError(
                f"'{filepath}' holds something else than a saved model: it is not replaced."
            )
    os.makedirs(os.path.dirname(path), exist_ok=True)
    parent = tempfile.mkdtemp(prefix=f".{os.path.basename(path)}-", dir=os.path.dirname(path))
    try:
        work = os.path.join(parent, "new")
        _checkpointer().save(os.path.join(work, "arrays"), arrays)
        with open(os.path.join(work, _CONFIG), "w", encoding="utf-8") as f:
            json.dump(config, f)
        _swap(work, path, os.path.join(parent, "old"))
    finally:
        if not os.path.exists(os.path.join(parent, "old")) or os.path.exists(path):
            shutil.rmtree(parent, ignore_errors=True)


def _swap(new, path, old):
    """Moves what stands at the path aside and the new one there; puts the old one back if that
    fails.
    """
    if os.path.exists(path):
        os.replace(path, old)
    try:
        os.replace(new, path)
    except BaseException:
        if os.path.exists(old) and not os.path.exists(path):
            os.replace(old, path)
        raise


def _check_format(held, filepath):
    if held.get("format", 0) > _FORMAT:
        raise UserInputError(
            f"'{filepath}' has format {held['format']}; this release reads up to {_FORMAT}. "
            "Install a newer fkeras."
        )


def _read_config(path):
    with open(os.path.join(path, _CONFIG), encoding="utf-8") as f:
        return json.load(f)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """A model from a directory that `save_model` made, compiled and with its optimizer's state as
    it was.

    Args:
        filepath: the directory.
        custom_objects: dict from names to classes or functions that the config names.
        compile: whether the model is compiled as it was.
        safe_mode: refuse configs that hold code. Only the caller can turn it off.

    Raises:
        UserInputError: no such directory, not a saved model, or a file of a newer format.
        UnknownNameError: a class that is not registered.
    """
    path = os.path.abspath(os.fspath(filepath))
    if not os.path.exists(path):
        raise UserInputError(f"File not found: '{filepath}' does not exist.")
    if not os.path.isfile(os.path.join(path, _CONFIG)):
        raise UserInputError(
            f"'{filepath}' is not a saved model: it holds no '{_CONFIG}'. (`.keras` and `.h5` "
            "files are not in this release.)"
        )
    held = _read_config(path)
    _check_format(held, filepath)
    if held.get("config") is None:
        raise UserInputError(
            f"'{filepath}' holds weights without an architecture. Make the model and call "
            f"`model.load_weights({filepath!r})`."
        )
    config = held["config"]
    if not compile:
        config = {**config, "compile_config": None}
    model = serialization.deserialize_keras_object(
        config, custom_objects=custom_objects, safe_mode=safe_mode
    )
    stored = _checkpointer().restore(os.path.join(path, "arrays"))
    _put(model.variables, stored["variables"], "weights")
    if compile and model.optimizer is not None and stored.get("optimizer"):
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        _put(model.optimizer.variables, stored["optimizer"], "optimizer state")
    _set_progress(model, held.get("progress"))
    return model


def save_weights(model, filepath, overwrite=True, **kwargs):
    """Saves the weights of a model, without its architecture, to a directory."""
    if kwargs:
        raise UserInputError(f"`save_weights` got unexpected arguments: {sorted(kwargs)}")
    path = _directory(filepath)
    if not model.built:
        raise NotBuiltError(
            f"Model '{model.name}' is not built: it has no weights to save. Call it on data, or "
            "`build` it, first."
        )
    config = {"format": _FORMAT, "config": None}
    _write(
        path, filepath, overwrite, config, {"variables": _entries(model.variables), "optimizer": {}}
    )


def load_weights(model, filepath, skip_mismatch=False, **kwargs):
    """Takes the weights of a model from a directory. All are checked before any is set; with
    `skip_mismatch`, those that fit are set.
    """
    if kwargs:
        raise UserInputError(f"`load_weights` got unexpected arguments: {sorted(kwargs)}")
    path = _directory(filepath)
    if not os.path.isfile(os.path.join(path, _CONFIG)):
        raise UserInputError(f"'{filepath}' holds no saved weights: there is no '{_CONFIG}' in it.")
    _check_format(_read_config(path), filepath)
    if not model.built:
        raise NotBuiltError(
            "You are loading weights into a model that has not yet been built. Try building the "
            "model first by calling it on some data or by using `build()`."
        )
    stored = _checkpointer().restore(os.path.join(path, "arrays"))["variables"]
    _put(model.variables, stored, "weights", skip_mismatch)


def _arrays(model, include_optimizer):
    optimizer = model.optimizer if include_optimizer else None
    return {
        "variables": _entries(model.variables),
        "optimizer": _entries(optimizer.variables)
        if optimizer is not None and optimizer.built
        else {},
    }


def _entries(variables):
    return {f"{i:05d}": np.asarray(v) for i, v in enumerate(variables)}


def _put(variables, stored, what, skip_mismatch=False):
    values = [stored[k] for k in sorted(stored)]
    if skip_mismatch:
        pairs = [(v, x) for v, x in zip(variables, values) if tuple(np.shape(x)) == tuple(v.shape)]
        variables, values = [v for v, _ in pairs], [x for _, x in pairs]
    if len(values) != len(variables):
        raise UserInputError(
            f"The file holds {len(values)} arrays of {what}, the model has {len(variables)}."
        )
    wrong = [
        f"  {v.path}: file {tuple(np.shape(x))}, model {tuple(v.shape)}"
        for v, x in zip(variables, values)
        if tuple(np.shape(x)) != tuple(v.shape)
    ]
    if wrong:
        raise UserInputError(
            f"The {what} in the file do not fit the model:\n" + "\n".join(wrong[:12])
        )
    for variable, value in zip(variables, values):
        variable.assign(value)


def _progress(model):
    """What makes training go on exactly where it stopped: the key of the model and its lifetime
    counts.
    """
    return {
        **model.training_progress,
        "key": [int(k) for k in jax.random.key_data(model.build_key)],
    }


def _set_progress(model, progress):
    if progress:
        model.training_progress = progress
        model._info.root_key = seeds.RootKey.from_data(progress["key"])


def _checkpointer():
    try:
        import orbax.checkpoint as ocp
    except ImportError as error:
        raise ImportError(
            "Saving and loading checkpoint directories needs orbax-checkpoint: `pip install "
            "orbax-checkpoint`."
        ) from error
    return ocp.PyTreeCheckpointer()
