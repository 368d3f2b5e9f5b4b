"""`.keras`: Keras 3's archive of a whole model.

    metadata.json      version, date; under "fkeras" what Keras has no place for
    config.json        the architecture, with what `compile` was given
    model.weights.h5   weights and the optimizer's state, as in a `.weights.h5`
    assets/            other files of layers
"""

from __future__ import annotations

import io as python_io
import json
import posixpath
import zipfile
from pathlib import Path
from typing import Literal

from fkeras import io
from fkeras.errors import CorruptFileError, UnsafeFileError
from fkeras.saving.formats import guarded_hdf5, hdf5_stores, metadata
from fkeras.saving.formats.hdf5 import starts_with
from fkeras.saving.formats.json_text import read_json
from fkeras.saving.record import ModelRecord

_CONFIG = "config.json"
_METADATA = "metadata.json"
_WEIGHTS = "model.weights.h5"
_ASSETS = "assets/"

_SIGNATURE = b"PK\x03\x04"
_MAX_MEMBERS = 100_000
_MAX_EXPANSION = 100  # of a compressed member; Keras compresses none
_FREE_BYTES = 1 << 24


class KerasZip:
    """Keras 3's `.keras` archive.

    Examples:
        >>> import fkeras, zipfile
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> model.save("model.keras")
        >>> sorted(zipfile.ZipFile("model.keras").namelist())
        ['config.json', 'metadata.json', 'model.weights.h5']
    """

    suffixes = (".keras",)
    layout: Literal["stores"] = "stores"
    holds_models = True
    holds_weights = False

    def is_saved_at(self, path: Path) -> bool:
        return starts_with(path, _SIGNATURE)

    def write(self, record: ModelRecord, path: Path) -> None:
        h5py = guarded_hdf5.import_h5py()
        weights = python_io.BytesIO()
        with h5py.File(weights, "w") as file:
            hdf5_stores.write_stores(file, record.stores)
        with io.replacing_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(_METADATA, json.dumps(metadata.describe(record)))
            archive.writestr(_CONFIG, json.dumps(record.config))
            archive.writestr(_WEIGHTS, weights.getbuffer())
            for name, content in record.assets.items():
                archive.writestr(_ASSETS + name, content)

    def read(self, path: Path) -> ModelRecord:
        shown = f"'{path}'"
        try:
            with zipfile.ZipFile(path) as archive:
                members = _checked_members(archive, shown)
                return _read_record(archive, members, shown)
        except zipfile.BadZipFile as error:
            raise CorruptFileError(
                f"{shown} exists, has {path.stat().st_size} bytes, and is not a complete archive "
                f"({error}). It was cut off or altered: save it again, or take another copy."
            ) from None
        except (NotImplementedError, RuntimeError, EOFError, zipfile.zlib.error) as error:
            raise CorruptFileError(f"{shown} cannot be read: {error}.") from None


# -- the archive -------------------------------------------------------------------------------


def _read_record(
    archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], shown: str
) -> ModelRecord:
    for name in (_METADATA, _CONFIG, _WEIGHTS):
        if name not in members:
            raise CorruptFileError(
                f"{shown} is not a whole model: the member '{name}' is missing. It holds "
                f"{sorted(members)[:8]}."
            )
    described = read_json(archive.read(_METADATA), f"{shown}, {_METADATA}")
    own = metadata.own_part(described)
    metadata.check_version(described.get("keras_version"), own, f"{shown}, {_METADATA}")
    config = read_json(archive.read(_CONFIG), f"{shown}, {_CONFIG}")
    weights = archive.read(_WEIGHTS)
    source = python_io.BytesIO(weights)
    with guarded_hdf5.open_guarded(source, len(weights), f"{shown}, {_WEIGHTS}") as file:
        stores = hdf5_stores.read_stores(file)
    assets = {
        name.removeprefix(_ASSETS): archive.read(name)
        for name in members
        if name.startswith(_ASSETS) and not name.endswith("/")
    }
    return ModelRecord(
        {},
        stores=stores,
        config=config,
        lifetime=metadata.lifetime_of(own),
        generators=metadata.generators_of(own),
        assets=assets,
    )


def _checked_members(archive: zipfile.ZipFile, shown: str) -> dict[str, zipfile.ZipInfo]:
    """The members by name.

    Raises:
        UnsafeFileError: members that a `.keras` has not, that leave the archive, or that are far
            larger than what is stored of them; something in front of the archive.
        CorruptFileError: two members of one name.
    """
    entries = archive.infolist()
    if len(entries) > _MAX_MEMBERS:
        raise UnsafeFileError(f"{shown} is refused: it has {len(entries)} members.")
    if entries and min(entry.header_offset for entry in entries) != 0:
        raise UnsafeFileError(f"{shown} is refused: something stands in front of the archive.")
    members: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.filename
        if name in members:
            raise CorruptFileError(f"{shown} is refused: it has two members {name[:200]!r}.")
        if not (name in (_METADATA, _CONFIG, _WEIGHTS) or _is_asset(name)):
            raise UnsafeFileError(
                f"{shown} is refused: {name[:200]!r} is no member of a `.keras` archive."
            )
        if entry.file_size > _MAX_EXPANSION * entry.compress_size + _FREE_BYTES:
            raise UnsafeFileError(
                f"{shown} is refused: {name[:200]!r} would take {entry.file_size} bytes, of which "
                f"{entry.compress_size} are in the file."
            )
        members[name] = entry
    return members


def _is_asset(name: str) -> bool:
    parts = name.split("/")
    inside = posixpath.normpath(name) == name.rstrip("/") and ".." not in parts
    return inside and (name.startswith(_ASSETS)) and "\\" not in name and "\0" not in name
