"""`.weights.h5`: weights as Keras 3 keeps them, in an HDF5 file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras import io
from fkeras.saving.formats import guarded_hdf5, hdf5_stores
from fkeras.saving.record import ModelRecord

if TYPE_CHECKING:
    from pathlib import Path

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class WeightsFile:
    """Keras 3's `.weights.h5`. What an HDF5 file is, its content decides."""

    suffixes = (".weights.h5",)
    by_store = True
    holds_models = False
    holds_weights = True

    def is_saved_at(self, path: Path) -> bool:
        return starts_with(path, _SIGNATURE)

    def write(self, record: ModelRecord, path: Path) -> None:
        h5py = guarded_hdf5.import_h5py()
        with io.replacing_file(path) as temporary, h5py.File(temporary, "w") as file:
            hdf5_stores.write_stores(file, record.stores)

    def read(self, path: Path) -> ModelRecord:
        size = path.stat().st_size
        with guarded_hdf5.open_guarded(path, size, f"'{path}'") as file:
            return ModelRecord({}, stores=hdf5_stores.read_stores(file))


def starts_with(path: Path, signature: bytes) -> bool:
    """Whether a path is a file that begins with some bytes; a pipe or device is none."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(signature)) == signature
