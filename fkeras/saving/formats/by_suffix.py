"""The formats there are: by the name of a path where one writes, by content where one reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fkeras.errors import CorruptFileError, UserInputError
from fkeras.saving.formats.hdf5 import LegacyFile, WeightsFile
from fkeras.saving.formats.keras_checkpoint import KerasCheckpoint
from fkeras.saving.formats.keras_directory import KerasDirectory
from fkeras.saving.formats.keras_zip import KerasZip
from fkeras.saving.formats.orbax_directory import OrbaxDirectory
from fkeras.saving.formats.safetensors import SafetensorsFile
from fkeras.saving.formats.sharded_hdf5 import ShardedWeights
from fkeras.saving.formats.step_directories import StepDirectories

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
    KerasCheckpoint(),
    StepDirectories(),
)

_SUFFIXES_OF_DIRECTORIES = (".ckpt", ".checkpoint", ".model", ".orbax", ".tf")
_KNOWN_NAMES = (
    "Names end in '.keras', '.h5' or '.hdf5' for whole models, in '.weights.h5', '.weights.json' "
    "or '.safetensors' for weights; a name without suffix is that of a checkpoint directory."
)
# What `save_format` of older Keras asks for; SavedModel is a directory here, too.
_BY_FORMER_NAME: dict[str, Format] = {
    "keras": _FORMATS[0],
    "h5": _FORMATS[2],
    "hdf5": _FORMATS[2],
    "tf": _DIRECTORY,
}


def format_for(path: Path, save_format: str | None = None) -> Format:
    """The format that a path is written in. Directories may have a suffix of few kinds: `.ckpt`, or
    what is no word, as in `model.v2` and `weights.01-0.5`.

    Args:
        path: absolute.
        save_format: what older Keras took beside the name ('h5', 'keras', 'tf'): it decides where
            the suffix says nothing.

    Raises:
        UserInputError: the suffix of another kind of file, or a misspelt one.
    """
    for form in _FORMATS:
        if any(suffix and path.name.endswith(suffix) for suffix in form.suffixes):
            return form
    if save_format is not None:
        return _BY_FORMER_NAME[save_format]
    if _is_foreign(path.suffix):
        raise UserInputError(
            f"Invalid filepath extension for saving: '{path.name}'. {_KNOWN_NAMES}"
        )
    return _DIRECTORY


def _is_foreign(suffix: str) -> bool:
    is_word = suffix[1:].isalpha() or suffix.lower() in (".h5", ".hdf5")
    return is_word and suffix not in _SUFFIXES_OF_DIRECTORIES


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
        foreign = f" File format not supported. {_KNOWN_NAMES}" if _is_foreign(path.suffix) else ""
        raise UserInputError(
            f"File not found: '{filepath}' does not exist. Please ensure the file is an accessible "
            f"file or directory that `save` or `save_weights` made.{foreign}"
        )
    file_format = format_at(path)
    if file_format is None:
        size = f"a file of {path.stat().st_size} bytes" if path.is_file() else "no regular file"
        found = "a directory without 'fkeras.json' or 'config.json'" if path.is_dir() else size
        raise CorruptFileError(
            f"'{filepath}' is not {expected}: it is {found}, and begins as no archive, HDF5 "
            "file or checkpoint does. It may be cut off: save it again, or take another copy."
        )
    return file_format.read(path)
