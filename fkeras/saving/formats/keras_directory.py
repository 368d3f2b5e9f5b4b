"""A directory of what a `.keras` archive holds: what `save(zipped=False)` makes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from fkeras import io
from fkeras.errors import UnsafeFileError, UserInputError
from fkeras.saving.formats.keras_members import (
    ASSETS,
    CONFIG,
    METADATA,
    WEIGHTS,
    members_of,
    record_of,
)
from fkeras.saving.formats.seal import seal_file
from fkeras.saving.record import ModelRecord


class KerasDirectory:
    """The members of a `.keras` as files.

    Examples:
        >>> import fkeras, os
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> model.save("model", zipped=False)
        >>> sorted(os.listdir("model"))
        ['config.json', 'metadata.json', 'model.weights.h5']
    """

    suffixes = ()
    layout: Literal["stores"] = "stores"
    holds_models = True
    holds_weights = False

    def is_saved_at(self, path: Path) -> bool:
        return (path / CONFIG).is_file() and (path / METADATA).is_file()

    def write(self, record: ModelRecord, path: Path) -> None:
        if path.exists() and not (self.is_saved_at(path) or _is_empty(path)):
            raise UserInputError(
                f"'{path}' holds something else than a saved model: it is not replaced."
            )
        with io.replacing_directory(path) as directory:
            for name, content in members_of(record):
                place = io.entry_path(name, directory)  # refuses names that would leave it
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
                if name == WEIGHTS:  # archives have checksums of their own
                    seal_file(place)

    def read(self, path: Path) -> ModelRecord:
        names = [name for name in (METADATA, CONFIG, WEIGHTS) if (path / name).exists()]
        assets = path / ASSETS.rstrip("/")
        names += [ASSETS + name for name in _files_below(assets)]
        for name in [*names, ASSETS.rstrip("/")]:
            if (path / name).is_symlink():
                raise UnsafeFileError(
                    f"'{path}' is refused: {name!r} is a link to somewhere else. Models need none: "
                    "do not trust this directory."
                )
        return record_of(names, lambda name: (path / name).read_bytes(), f"'{path}'")


def _files_below(folder: Path) -> list[str]:
    """Names of files, links among them, which are not followed."""
    return sorted(
        Path(parent, name).relative_to(folder).as_posix()
        for parent, folders, files in os.walk(folder)
        for name in [*files, *(f for f in folders if Path(parent, f).is_symlink())]
    )


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
