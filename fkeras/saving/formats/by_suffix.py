"""The formats there are, by the suffix of a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.errors import UserInputError
from fkeras.saving.formats.orbax import OrbaxDirectory

if TYPE_CHECKING:
    from pathlib import Path

    from fkeras.saving.formats.format import Format

_DIRECTORY = OrbaxDirectory()
_FORMATS: dict[str, Format] = dict.fromkeys(_DIRECTORY.suffixes, _DIRECTORY)
_NOT_YET = (".keras", ".h5", ".hdf5")  # Keras's own


def format_for(path: Path) -> Format:
    """The format of a path. A suffix of no format is part of the name of a directory.

    Raises:
        UserInputError: the suffix is that of a format of Keras which is not here.
    """
    if path.suffix in _NOT_YET:
        raise UserInputError(
            f"'{path.suffix}' files are not in this release. A path without suffix, such as "
            f"'{path.name.split('.')[0]}', is an Orbax checkpoint directory."
        )
    return _FORMATS.get(path.suffix, _DIRECTORY)


def format_at(path: Path) -> Format | None:
    """The format of what stands at a path, whatever its name; None for anything else."""
    return next((form for form in _FORMATS.values() if form.is_saved_at(path)), None)
