"""`.keras`: Keras 3's archive of a whole model. `keras_members` says what is in it."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Literal

from fkeras import io
from fkeras.errors import CorruptFileError, UnsafeFileError
from fkeras.saving.formats.hdf5 import starts_with
from fkeras.saving.formats.keras_members import is_member, members_of, record_of
from fkeras.saving.record import ModelRecord

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
        with io.replacing_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for name, content in members_of(record):
                archive.writestr(name, content)

    def read(self, path: Path) -> ModelRecord:
        shown = f"'{path}'"
        try:
            with zipfile.ZipFile(path) as archive:
                return record_of(_checked_names(archive, shown), archive.read, shown)
        except zipfile.BadZipFile as error:
            raise CorruptFileError(
                f"{shown} exists, has {path.stat().st_size} bytes, and is not a complete archive "
                f"({error}). It was cut off or altered: save it again, or take another copy."
            ) from None
        except (NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
            raise CorruptFileError(f"{shown} cannot be read: {error}.") from None


def _checked_names(archive: zipfile.ZipFile, shown: str) -> list[str]:
    """The names of the members.

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
    names: set[str] = set()
    for entry in entries:
        name = entry.filename
        if name in names:
            raise CorruptFileError(f"{shown} is refused: it has two members {name[:200]!r}.")
        if not is_member(name):
            raise UnsafeFileError(
                f"{shown} is refused: {name[:200]!r} is no member of a `.keras` archive."
            )
        if entry.file_size > _MAX_EXPANSION * entry.compress_size + _FREE_BYTES:
            raise UnsafeFileError(
                f"{shown} is refused: {name[:200]!r} would take {entry.file_size} bytes, of which "
                f"{entry.compress_size} are in the file."
            )
        names.add(name)
    return [entry.filename for entry in entries]
