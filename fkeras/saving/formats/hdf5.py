"""HDF5 files: `.weights.h5` as Keras 3 writes it, and the `.h5` of before. Which of the two a file
is, its content decides.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from fkeras import io
from fkeras.saving import legacy_config
from fkeras.saving.formats import guarded_hdf5, hdf5_stores, legacy_hdf5, metadata
from fkeras.saving.formats.seal import open_seal
from fkeras.saving.formats.sealed_hdf5 import SealedReader, writing_sealed
from fkeras.saving.record import ModelRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fkeras.saving.stores import Store

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class _Hdf5File:
    """What both layouts share: files are told by their first bytes, and read by their content."""

    def is_saved_at(self, path: Path) -> bool:
        return starts_with(path, _SIGNATURE)

    def read(self, path: Path) -> ModelRecord:
        with _opened(path) as file:
            if hdf5_stores.holds_stores(file):
                return ModelRecord({}, stores=hdf5_stores.read_stores(file))
            return _read_legacy(file)


class WeightsFile(_Hdf5File):
    """Keras 3's `.weights.h5`.

    Examples:
        >>> import fkeras, h5py
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> model.save_weights("model.weights.h5")
        >>> h5py.File("model.weights.h5")["layers/dense/vars/0"].shape
        (3, 2)
    """

    suffixes = (".weights.h5",)
    layout: Literal["stores"] = "stores"
    holds_models = False
    holds_weights = True

    def write(self, record: ModelRecord, path: Path) -> None:
        with io.replacing_file(path) as temporary, writing_sealed(temporary) as writer:
            hdf5_stores.write_stores(writer.file, record.stores, writer.create_dataset)


class LegacyFile(_Hdf5File):
    """The `.h5` of tf.keras 2, which Keras 3 reads and writes as well."""

    suffixes = (".h5", ".hdf5")
    layout: Literal["layers"] = "layers"
    holds_models = True
    holds_weights = True

    def write(self, record: ModelRecord, path: Path) -> None:
        with io.replacing_file(path) as temporary, writing_sealed(temporary) as writer:
            file, create = writer.file, writer.create_dataset
            if record.config is None:
                legacy_hdf5.write_weights(file, record.legacy, create)
            else:
                config = legacy_config.to_legacy(record.config)
                own = metadata.describe_own(record)
                legacy_hdf5.write_model(file, record.legacy, config, own, record.assets, create)


def _read_legacy(file: guarded_hdf5.GuardedFile) -> ModelRecord:
    own = legacy_hdf5.read_attribute(file, legacy_hdf5.OWN_METADATA) or {}
    version = legacy_hdf5.read_version(file)
    metadata.check_version(version, own, file.shown)
    model_config = legacy_hdf5.read_attribute(file, "model_config")
    training_config = legacy_hdf5.read_attribute(file, "training_config")
    saved = legacy_hdf5.read_weights(file)
    if model_config is None:
        return ModelRecord({}, legacy=saved)
    return ModelRecord(
        {},
        legacy=saved,
        config=legacy_config.from_legacy(model_config, training_config, file.shown, version),
        lifetime=metadata.lifetime_of(own),
        generators=metadata.generators_of(own),
        assets=legacy_hdf5.read_assets(file),
        **metadata.choices_of(own),
    )


def read_stores_file(path: Path) -> dict[str, Store]:
    """The stores of a file of Keras 3's layout.

    Raises:
        CorruptFileError: a damaged file, or one of another layout.
        UnsafeFileError: see `GuardedFile`.
    """
    with _opened(path) as file:
        return hdf5_stores.read_stores(file)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[guarded_hdf5.GuardedFile]:
    """A file to read, once what the HDF5 library looks at is known to be whole. Arrays may be
    filled at the end of the `with` only.
    """
    size, shown = path.stat().st_size, f"'{path}'"
    with open(path, "rb") as content:
        reader = SealedReader(path, open_seal(content, size, shown), shown)
    with contextlib.closing(reader), guarded_hdf5.open_guarded(path, size, shown, reader) as file:
        yield file
        reader.finish()


def starts_with(path: Path, signature: bytes) -> bool:
    """Whether a path is a file that begins with some bytes; a pipe or device is none."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(signature)) == signature
