"""The formats there are: by the name of a path where one writes, by content where one reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fkeras.errors import CorruptFileError, UserInputError
from fkeras.saving.formats.hdf5 import LegacyFile, WeightsFile
from fkeras.saving.formats.keras_directory import KerasDirectory
from fkeras.saving.formats.keras_zip import KerasZip
from fkeras.saving.formats.orbax import OrbaxDirectory
from fkeras.saving.formats.safetensors import SafetensorsFile
from fkeras.saving.formats.sharded_hdf5 import ShardedWeights

if TYPE_CHECKING:
    from fkeras.saving.formats.format import Format
    from fkeras.saving.record import ModelRecord
    from fkeras.types import PathLike

UNZIPPED = KerasDirectory()  # what `zipped=False` asks for; no suffix does
_DIRECTORY = OrbaxDirectory()
_FORMATS: tuple[Format, ...] = (
    KerasZip(),
    WeightsFile(),
    LegacyFile(),
    ShardedWeights(),
    SafetensorsFile(),
    _DIRECTORY,
    UNZIPPED,
)


def format_for(path: Path) -> Format:
    """The format that a path is written in. A suffix of no format is part of the name of a
    directory.
    """
    for form in _FORMATS:
        if any(suffix and path.name.endswith(suffix) for suffix in form.suffixes):
            return form
    return _DIRECTORY


def format_at(path: Path) -> Format | None:
    """The format of what stands at a path, whatever its name; None for anything else."""
    return next((form for form in _FORMATS if form.is_saved_at(path)), None)


def read_at(filepath: PathLike, expected: str) -> ModelRecord:
    """The record at a path, whatever its format.

    Args:
        filepath: as the user gave it.
        expected: what should be there, for messages.

    Raises:
        UserInputError: nothing is there.
        CorruptFileError: no format begins so; and what the format itself refuses.
    """
    path = Path(os.path.abspath(os.fspath(filepath)))
    if not path.exists():
        raise UserInputError(f"File not found: '{filepath}' does not exist.")
    file_format = format_at(path)
    if file_format is None:
        size = f"a file of {path.stat().st_size} bytes" if path.is_file() else "no regular file"
        found = "a directory without 'fkeras.json' or 'config.json'" if path.is_dir() else size
        raise CorruptFileError(
            f"'{filepath}' is not {expected}: it is {found}, and begins as no archive, HDF5 "
            "file or checkpoint does. It may be cut off: save it again, or take another copy."
        )
    return file_format.read(path)
