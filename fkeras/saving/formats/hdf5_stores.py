"""Keras 3's layout of weights in an HDF5 file: `layers/dense/vars/0`, a group for each store.

The name of a layer is an attribute of its `vars`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fkeras.errors import CorruptFileError
from fkeras.saving.stores import Store

if TYPE_CHECKING:
    import h5py

    from fkeras.saving.formats.guarded_hdf5 import GuardedFile

# (group, name, array) -> the dataset.
CreateDataset: TypeAlias = "Callable[[h5py.Group, str, np.ndarray], h5py.Dataset]"

_VARS = "vars"
# tf.keras 2.12 and 2.13 named the list of a model's layers so.
_EARLIER_NAME_OF_LAYERS = "_layer_checkpoint_dependencies"


def create_dataset(group: h5py.Group, name: str, value: np.ndarray) -> h5py.Dataset:
    """As the HDF5 library does it."""
    return group.create_dataset(name, data=value)


def write_stores(
    file: h5py.File, stores: Mapping[str, Store], create: CreateDataset = create_dataset
) -> None:
    """Writes stores into an empty file.

    Args:
        file: the file.
        stores: by path.
        create: what makes a dataset of an array.
    """
    for path, store in stores.items():
        group = file.create_group(f"{path}/{_VARS}" if path else _VARS)
        if store.name is not None:
            group.attrs["name"] = store.name
        for key, value in store.values.items():
            dataset = create(group, key, value)
            if value.dtype.name == "bfloat16":
                dataset.attrs["dtype"] = "bfloat16"


def read_stores(file: GuardedFile) -> dict[str, Store]:
    """All stores of a file.

    Raises:
        UnsafeFileError, CorruptFileError: see `GuardedFile`.
    """
    stores: dict[str, Store] = {}
    _read_group(file, file.root, "", stores, 0)
    return {_current_path(path): store for path, store in stores.items()}


def holds_stores(file: GuardedFile) -> bool:
    """Whether a file has this layout, rather than the one before."""
    attributes = file.root.attrs
    return not ("layer_names" in attributes or "model_weights" in file.root)


def _read_group(
    file: GuardedFile, group: h5py.Group, path: str, stores: dict[str, Store], depth: int
) -> None:
    for name, child in file.children(group, depth):
        if name == _VARS and _is_group(child):
            own_name = child.attrs.get("name")
            arrays = {key: _read_array(file, member) for key, member in file.children(child, depth)}
            stores[path] = Store(None if own_name is None else str(own_name), arrays)
        elif _is_group(child):
            _read_group(file, child, f"{path}/{name}" if path else name, stores, depth + 1)
        else:
            raise CorruptFileError(
                f"{file.shown}, {child.name}: an array outside of a group '{_VARS}'. This is not a "
                "file of Keras's weights."
            )


def _read_array(file: GuardedFile, member: Any) -> np.ndarray:
    if _is_group(member):
        raise CorruptFileError(f"{file.shown}, {member.name}: expected an array, found a group.")
    return file.read(member)


def _is_group(member: Any) -> bool:
    return not hasattr(member, "dtype")


def _current_path(path: str) -> str:
    parts: Iterable[str] = path.split("/")
    return "/".join("layers" if part == _EARLIER_NAME_OF_LAYERS else part for part in parts)
