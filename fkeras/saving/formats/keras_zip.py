"""`.keras`: Keras 3's archive of a whole model.

    metadata.json      version, date; under "fkeras" what Keras has no place for
    config.json        the architecture, with what `compile` was given
    model.weights.h5   weights and the optimizer's state, as in a `.weights.h5`
    assets/            other files of layers
"""

from __future__ import annotations

import datetime
import io as python_io
import json
import posixpath
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras import io
from fkeras.errors import CorruptFileError, IncompatibleFileError, UnsafeFileError
from fkeras.saving.formats import guarded_hdf5, hdf5_stores
from fkeras.saving.formats.hdf5 import starts_with
from fkeras.saving.formats.json_text import read_json
from fkeras.saving.record import Lifetime, ModelRecord

if TYPE_CHECKING:
    from fkeras.types import Config

_CONFIG = "config.json"
_METADATA = "metadata.json"
_WEIGHTS = "model.weights.h5"
_ASSETS = "assets/"
_KERAS_VERSION = "3.15.0"  # whose layout this is
_NEWEST_MAJOR = 3
_OWN = "fkeras"  # the entry of the metadata that Keras does not know
_OWN_FORMAT = 1

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
    by_store = True
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
            archive.writestr(_METADATA, json.dumps(describe(record)))
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


# -- metadata ----------------------------------------------------------------------------------


def describe(record: ModelRecord) -> Config:
    """The metadata of a record."""
    own: dict[str, Any] = {"format": _OWN_FORMAT}
    if record.lifetime is not None:
        own["steps"] = record.lifetime.steps
        own["epochs"] = record.lifetime.epochs
        own["key"] = list(record.lifetime.key)
    own["generators"] = {path: value.tolist() for path, value in record.generators.items()}
    return {
        "keras_version": _KERAS_VERSION,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
        _OWN: own,
    }


def check_version(metadata: Config, shown: str) -> None:
    """Refuses files of releases to come.

    Raises:
        IncompatibleFileError: a newer major release of Keras, or a newer format of fkeras.
    """
    version = str(metadata.get("keras_version", ""))
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) > _NEWEST_MAJOR:
        raise IncompatibleFileError(
            f"{shown}, {_METADATA}: written by Keras {version[:20]}; this release reads files of "
            f"Keras {_NEWEST_MAJOR} and 2. Install a newer fkeras."
        )
    for owner, number in ((_OWN, _own(metadata).get("format", 0)), ("keras", metadata.get("fkeras_format", 0))):
        if not isinstance(number, int) or number > _OWN_FORMAT:
            raise IncompatibleFileError(
                f"{shown}, {_METADATA}: format {number!r} of {owner}; this release reads up to "
                f"{_OWN_FORMAT}. Install a newer fkeras."
            )


def lifetime_of(metadata: Config) -> Lifetime | None:
    """How far training had come; None in files of Keras's."""
    own = _own(metadata)
    try:
        first, second = own["key"]
        return Lifetime(int(own["steps"]), int(own["epochs"]), (int(first), int(second)))
    except (KeyError, TypeError, ValueError):
        return None


def generators_of(metadata: Config) -> dict[str, np.ndarray]:
    """The states of seed generators by structural path."""
    states = _own(metadata).get("generators")
    if not isinstance(states, dict):
        return {}
    return {
        path: np.array(state, "uint32")
        for path, state in states.items()
        if isinstance(state, list) and all(isinstance(word, int) for word in state)
    }


def _own(metadata: Config) -> Config:
    own = metadata.get(_OWN)
    return own if isinstance(own, dict) else {}


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
    metadata = read_json(archive.read(_METADATA), f"{shown}, {_METADATA}")
    check_version(metadata, shown)
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
        lifetime=lifetime_of(metadata),
        generators=generators_of(metadata),
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
