"""The formats there are: by the name of a path where one writes, by content where one reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.saving.formats.hdf5 import LegacyFile, WeightsFile
from fkeras.saving.formats.keras_checkpoint import KerasCheckpoint
from fkeras.saving.formats.keras_directory import KerasDirectory
from fkeras.saving.formats.keras_zip import KerasZip
from fkeras.saving.formats.orbax_directory import OrbaxDirectory
from fkeras.saving.formats.step_directories import StepDirectories

if TYPE_CHECKING:
    from pathlib import Path

    from fkeras.saving.formats.format import Format

UNZIPPED = KerasDirectory()  # what `zipped=False` asks for; no suffix does
_DIRECTORY = OrbaxDirectory()
_FORMATS: tuple[Format, ...] = (
    KerasZip(),
    WeightsFile(),
    LegacyFile(),
    _DIRECTORY,
    UNZIPPED,
    KerasCheckpoint(),
    StepDirectories(),
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
