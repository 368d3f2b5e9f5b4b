"""`Model.save` and `load_model` through Orbax: a directory with config, weights, optimizer state and step."""

import json
import os
import shutil
import tempfile

import jax
import numpy as np

from fkeras.core import registry
from fkeras.errors import UserInputError

_FORMAT = 1
_CONFIG = "fkeras.json"


def save_model(model, filepath, overwrite=True, include_optimizer=True, **kwargs):
    """Saves a model to a directory: architecture, weights, optimizer state, step. At each instant the path holds a complete checkpoint or
    none: it is written beside its place and moved there.

    Args:
        model: the model, built.
        filepath: directory to make; a path without suffix.
        overwrite: whether an existing one is replaced; else that is an error.
        include_optimizer: whether the optimizer's state goes with it.

    Raises:
        UserInputError: the path has the suffix of another format, exists, or the model is not built.
    """
    if kwargs:
        raise UserInputError(f"`save` got unexpected arguments: {sorted(kwargs)}")
    path = os.path.abspath(os.fspath(filepath))
    suffix = os.path.splitext(path)[1]
    if suffix in (".keras", ".h5", ".hdf5"):
        raise UserInputError(f"Saving to '{suffix}' files is not in this release. A path without suffix, such as "
                             f"'{os.path.splitext(os.path.basename(path))[0]}', saves an Orbax checkpoint directory.")
    if not model.built:
        raise UserInputError(f"Model '{model.name}' is not built: it has no weights to save. Call it on data, or `build` it, first.")
    if os.path.exists(path):
        if not overwrite:
            raise UserInputError(f"'{filepath}' exists already; pass `overwrite=True` to replace it.")
        if os.path.isdir(path) and os.listdir(path) and not os.path.exists(os.path.join(path, _CONFIG)):
            raise UserInputError(f"'{filepath}' is a directory that holds something else than a saved model: it is not replaced.")
    config = {"format": _FORMAT, "config": registry.serialize_keras_object(model), "progress": _progress(model)}
    os.makedirs(os.path.dirname(path), exist_ok=True)
    parent = tempfile.mkdtemp(prefix=f".{os.path.basename(path)}-", dir=os.path.dirname(path))
    try:
        work = os.path.join(parent, "new")
        _checkpointer().save(os.path.join(work, "arrays"), _arrays(model, include_optimizer))
        with open(os.path.join(work, _CONFIG), "w", encoding="utf-8") as f:
            json.dump(config, f)
        if os.path.exists(path):
            os.replace(path, os.path.join(parent, "old"))
        os.replace(work, path)
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """A model from a directory that `save_model` made, compiled and with its optimizer's state as it was.

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
    config_path = os.path.join(path, _CONFIG)
    if not os.path.isfile(config_path):
        raise UserInputError(f"'{filepath}' is not a saved model: it holds no '{_CONFIG}'. (`.keras` and `.h5` files are not in this release.)")
    with open(config_path, encoding="utf-8") as f:
        held = json.load(f)
    if held.get("format", 0) > _FORMAT:
        raise UserInputError(f"'{filepath}' has format {held['format']}; this release reads up to {_FORMAT}. Install a newer fkeras.")
    config = held["config"]
    if not compile:
        config = {**config, "compile_config": None}
    model = registry.deserialize_keras_object(config, custom_objects=custom_objects, safe_mode=safe_mode)
    stored = _checkpointer().restore(os.path.join(path, "arrays"))
    _put(model.variables, stored["variables"], "weights")
    if compile and model.optimizer is not None and stored.get("optimizer"):
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        _put(model.optimizer.variables, stored["optimizer"], "optimizer state")
    _set_progress(model, held.get("progress"))
    return model


def _arrays(model, include_optimizer):
    entry = lambda variables: {f"{i:05d}": np.asarray(v) for i, v in enumerate(variables)}  # noqa: E731
    optimizer = model.optimizer if include_optimizer else None
    return {"variables": entry(model.variables),
            "optimizer": entry(optimizer.variables) if optimizer is not None and optimizer.built else {}}


def _put(variables, stored, what):
    values = [stored[k] for k in sorted(stored)]
    if len(values) != len(variables):
        raise UserInputError(f"The file holds {len(values)} arrays of {what}, the model has {len(variables)}.")
    wrong = [f"  {v.path}: file {tuple(np.shape(x))}, model {tuple(v.shape)}" for v, x in zip(variables, values)
             if tuple(np.shape(x)) != tuple(v.shape)]
    if wrong:
        raise UserInputError(f"The {what} in the file do not fit the model:\n" + "\n".join(wrong[:12]))
    for variable, value in zip(variables, values):
        variable.assign(value)


def _progress(model):
    """What makes training go on exactly where it stopped: the key of the model and its lifetime counts."""
    progress = {k: v for k, v in model._training.progress.items() if k in ("steps", "epochs")}
    return {**progress, "key": [int(k) for k in jax.random.key_data(model.build_key)]}


def _set_progress(model, progress):
    if progress:
        model._training.progress.update(steps=int(progress["steps"]), epochs=int(progress["epochs"]))
        model._fk.root_key = _StoredKey(progress["key"])


class _StoredKey:
    """A root key that came from a file."""

    def __init__(self, data):
        self.data = np.asarray(data, np.uint32)

    @property
    def key(self):
        return jax.random.wrap_key_data(jax.numpy.asarray(self.data))


def _checkpointer():
    try:
        import orbax.checkpoint as ocp
    except ImportError as error:
        raise ImportError("Saving and loading checkpoint directories needs orbax-checkpoint: `pip install orbax-checkpoint`.") from error
    return ocp.PyTreeCheckpointer()
