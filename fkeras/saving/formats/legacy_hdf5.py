"""The bytes of `.h5` files before Keras 3: names in attributes, arrays under these names.

    attributes         model_config, training_config (JSON), keras_version, backend
    model_weights/     attribute layer_names; a group for each layer, its attribute weight_names
    optimizer_weights/ attribute weight_names
    fkeras_assets/     files of layers (vocabularies) as arrays of bytes, attribute weight_names

A file of weights alone is what else stands below `model_weights`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.errors import CorruptFileError
from fkeras.saving.formats.json_text import read_json
from fkeras.saving.formats.metadata import KERAS_VERSION
from fkeras.saving.legacy_weights import LegacyWeights, Named

if TYPE_CHECKING:
    import h5py

    from fkeras.saving.formats.guarded_hdf5 import GuardedFile
    from fkeras.saving.formats.hdf5_stores import CreateDataset
    from fkeras.types import Config

OWN_METADATA = "fkeras"
_TOP = "top_level_model_weights"
_MODEL, _OPTIMIZER = "model_weights", "optimizer_weights"
_ASSETS = "fkeras_assets"  # Keras has no place for them in such a file
_LAYER_NAMES, _WEIGHT_NAMES = "layer_names", "weight_names"
_MOST_BYTES = 64_000  # of an attribute


def write_weights(group: h5py.Group, saved: LegacyWeights, create: CreateDataset) -> None:
    """Writes the arrays of layers into a group: the root for weights alone.

    Args:
        group: an empty group.
        saved: the arrays.
        create: what makes a dataset of an array.
    """
    _write_names(group, _LAYER_NAMES, [name for name, _ in saved.layers])
    group.attrs["backend"] = "jax"
    group.attrs["keras_version"] = KERAS_VERSION
    # In this order no name is made a group by another before it is written.
    for name, arrays in sorted(saved.layers, key=lambda entry: entry[0]):
        _write_arrays(group.create_group(name), arrays, create)
    _write_arrays(group.create_group(_TOP), saved.top, create)


def write_model(
    file: h5py.File,
    saved: LegacyWeights,
    config: Config,
    own: Config,
    assets: Mapping[str, bytes],
    create: CreateDataset,
) -> None:
    """Writes a whole model.

    Args:
        file: an empty file.
        saved: its arrays.
        config: `model_config` and, if it is compiled, `training_config`.
        own: what Keras has no place for.
        assets: files of layers by relative path.
        create: what makes a dataset of an array.
    """
    file.attrs["keras_version"] = KERAS_VERSION
    file.attrs["backend"] = "jax"
    for name, value in {**config, OWN_METADATA: own}.items():
        text = json.dumps(value)
        _write_long_text(file, name, text)
    write_weights(file.create_group(_MODEL), saved, create)
    if saved.optimizer:
        _write_arrays(file.create_group(_OPTIMIZER), saved.optimizer, create)
    if assets:
        contents = [(name, np.frombuffer(content, np.uint8)) for name, content in assets.items()]
        _write_arrays(file.create_group(_ASSETS), contents, create)


def read_weights(file: GuardedFile) -> LegacyWeights:
    """All arrays of a file.

    Raises:
        CorruptFileError: names without arrays.
        UnsafeFileError: see `GuardedFile`.
    """
    root = file.root
    group = root if _LAYER_NAMES in root.attrs else file.child(root, _MODEL)
    if group is None:
        raise CorruptFileError(
            f"{file.shown} is not a file of weights: it has no attribute '{_LAYER_NAMES}' and no "
            f"group '{_MODEL}'."
        )
    layers = []
    for name in _read_names(file, group, _LAYER_NAMES):
        layers.append((name, _read_arrays(file, _child(file, group, name))))
    top = file.child(group, _TOP)
    optimizer = file.child(root, _OPTIMIZER)
    return LegacyWeights(
        tuple(layers),
        () if top is None else _read_arrays(file, top),
        () if optimizer is None else _read_arrays(file, optimizer),
    )


def read_assets(file: GuardedFile) -> dict[str, bytes]:
    """The files of layers by relative path."""
    group = file.child(file.root, _ASSETS)
    arrays = () if group is None else _read_arrays(file, group, at_once=True)
    return {name: array.tobytes() for name, array in arrays}


def read_attribute(file: GuardedFile, name: str) -> Any:
    """A JSON attribute of the root as a dict; None where there is none."""
    text = file.root.attrs.get(name)
    if text is None:
        return None
    if isinstance(text, str):
        text = text.encode()
    if not isinstance(text, bytes):
        raise CorruptFileError(f"{file.shown}, attribute '{name}': expected text.")
    return read_json(text, f"{file.shown}, attribute '{name}'")


def read_version(file: GuardedFile) -> str:
    """The version of Keras that wrote a file; empty where it does not tell."""
    version = file.root.attrs.get("keras_version", "")
    return version.decode("utf-8", "replace") if isinstance(version, bytes) else str(version)


def _write_arrays(group: h5py.Group, arrays: Named, create: CreateDataset) -> None:
    names = _distinct([name for name, _ in arrays])
    _write_names(group, _WEIGHT_NAMES, names)
    for name, (_, array) in zip(names, arrays):
        dataset = create(group, name, np.asarray(array))
        if array.dtype.name == "bfloat16":
            dataset.attrs["dtype"] = "bfloat16"


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of which none is another, or a folder above another."""
    taken: set[str] = set()
    result = []
    for name in names:
        own, count = name, 0
        while own in taken or any(other.startswith(f"{own}/") for other in taken):
            count += 1
            own = f"{name}_{count}"
        parts = own.split("/")
        if any("/".join(parts[:i]) in result for i in range(1, len(parts))):
            own = own.replace("/", "_")
        taken.add(own)
        result.append(own)
    return result


def _write_names(group: h5py.Group, attribute: str, names: Sequence[str]) -> None:
    """A list of names as one attribute, or several where it is long."""
    encoded = [name.encode("utf-8") for name in names]
    count = 1
    while encoded and any(
        np.asarray(part).nbytes > _MOST_BYTES for part in np.array_split(np.asarray(encoded), count)
    ):
        count += 1
    if count == 1:
        group.attrs[attribute] = encoded
        return
    for i, part in enumerate(np.array_split(np.asarray(encoded), count)):
        group.attrs[f"{attribute}{i}"] = part


def _write_long_text(file: h5py.File, name: str, text: str) -> None:
    """An attribute of any length: dense storage has no limit, compact has 64 kB."""
    file.attrs.create(name, text)


def _read_names(file: GuardedFile, group: h5py.Group, attribute: str) -> list[str]:
    attributes = group.attrs
    parts = [attributes[attribute]] if attribute in attributes else []
    while f"{attribute}{len(parts)}" in attributes:
        parts.append(attributes[f"{attribute}{len(parts)}"])
    names = [name.decode("utf-8") if isinstance(name, bytes) else name for p in parts for name in p]
    if not all(isinstance(name, str) for name in names):
        raise CorruptFileError(f"{file.shown}, {group.name}: '{attribute}' is not a list of names.")
    return names


def _read_arrays(file: GuardedFile, group: Any, at_once: bool = False) -> Named:
    names = _read_names(file, group, _WEIGHT_NAMES)
    datasets = ((name, _child(file, group, name, is_array=True)) for name in names)
    return tuple((name, file.read(dataset, at_once)) for name, dataset in datasets)


def _child(file: GuardedFile, group: h5py.Group, path: str, is_array: bool = False) -> Any:
    found = file.child(group, path)
    if found is None or hasattr(found, "dtype") != is_array:
        kind = "array" if is_array else "group"
        raise CorruptFileError(f"{file.shown}, {group.name}: the {kind} {path[:200]!r} is missing.")
    return found
