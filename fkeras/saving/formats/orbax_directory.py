"""The Orbax directory: all of a model and its training as one artefact, replaced as a whole.

    fkeras.json         config, counts, what the arrays are
    training.json       what else a run wants to remember, where it has anything
    state/              the arrays, written by Orbax under the names of a `TrainState`, such as
                        `params/dense/kernel`, `opt_state/momentum/dense/kernel`, `step`, `key`;
                        `orbax.checkpoint.StandardCheckpointer().restore` reads it
    assets/             other files of layers
    checksums_0.json    of all of this; one for each process that wrote

Formats 1 and 2, which are read and no longer written, had `arrays/` in place of `state/`.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import jax
import numpy as np

from fkeras import io
from fkeras.errors import CorruptFileError, SaveError, UserInputError
from fkeras.saving.formats import array_checksums, checkpoint_index, former_directories, orbax
from fkeras.saving.formats.checkpoint_index import FORMAT as FORMAT
from fkeras.saving.formats.checkpoint_index import INDEX as INDEX
from fkeras.saving.formats.json_text import read_json
from fkeras.saving.formats.links import refuse_links
from fkeras.saving.formats.raw_arrays import RawArray, read_raw
from fkeras.saving.record import ModelRecord

if TYPE_CHECKING:
    from fkeras.types import ArrayLike

STATE = "state"
_TRAINING = "training.json"
_ASSETS = "assets"
_CHECKSUMS = "checksums_{}.json"

_count_of_writes = itertools.count()  # the same in all processes, which write the same


class OrbaxDirectory:
    """A directory that Orbax's own tools can read, too.

    Examples:
        >>> import fkeras, pathlib
        >>> from fkeras.saving.formats.orbax_directory import OrbaxDirectory
        >>> from fkeras.saving.record import record_model
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> OrbaxDirectory().write(record_model(model), pathlib.Path("model"))
        >>> list(OrbaxDirectory().read(pathlib.Path("model")).weights)
        ['dense/kernel', 'dense/bias']
    """

    suffixes = ("",)
    layout: Literal["paths"] = "paths"
    holds_models = True
    holds_weights = True

    def is_saved_at(self, path: Path) -> bool:
        return (path / INDEX).is_file()

    def write(self, record: ModelRecord, path: Path) -> None:
        self.begin(record, path)()

    def begin(
        self, record: ModelRecord, path: Path, in_background: bool = False
    ) -> Callable[[], None]:
        """Begins to write a record.

        Of several processes all call it, with what is the same model: each writes its own parts of
        the arrays, the first one all else.

        Args:
            record: of a model.
            path: the place.
            in_background: whether others need the processors more.

        Returns:
            A function that writes what is left and puts the whole in its place. It may be called on
            another thread, while the model is trained on: the record's arrays are never changed.

        Raises:
            UserInputError: what stands there is something else than a saved model.
        """
        if path.exists() and not self._may_go(path):
            raise UserInputError(
                f"'{path}' holds something else than a saved model: it is not replaced."
            )
        arrays = checkpoint_index.arrays_of(record)
        stored = {name: value for name, value in arrays.items() if np.size(value)}
        if jax.process_count() > 1:
            return _begin_together(_files_of(record, arrays), stored, path)

        def finish() -> None:
            with _explained(path), io.replacing_directory(path) as directory:
                write = orbax.write_arrays(stored, directory / STATE)
                if in_background:
                    write()
                    checksums = array_checksums.checksum_arrays(stored, threads=1)
                else:  # At once: the one waits for the disk, the other computes.
                    with concurrent.futures.ThreadPoolExecutor(1) as pool:
                        future = pool.submit(array_checksums.checksum_arrays, stored)
                        write()
                    checksums = future.result()
                _write_files(_files_of(record, arrays), checksums, directory)

        return finish

    def _may_go(self, path: Path) -> bool:
        return self.is_saved_at(path) or (path.is_dir() and not any(path.iterdir()))

    def read(self, path: Path) -> ModelRecord:
        refuse_links(path)
        index = checkpoint_index.read_index(path)
        if index.get("format", 0) < FORMAT:
            return dataclasses.replace(
                former_directories.read_record(index, path), assets=_read_assets(path / _ASSETS)
            )
        try:
            checksums = _read_checksums(path, index)
            raw = _read_arrays(path / STATE, index)
            arrays = {name: array.value for name, array in raw.items()}
            known = {name: array.checksum for name, array in raw.items()}
            _check_arrays(path, arrays, checksums, known)
            training = _read_training(path / _TRAINING)
            record = checkpoint_index.record_of(index, arrays, training)
        except UserInputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CorruptFileError(
                f"'{path / INDEX}' is damaged: {error!r}. Save the model again, or take another "
                "copy."
            ) from None
        return dataclasses.replace(record, assets=_read_assets(path / _ASSETS))


# -- writing -----------------------------------------------------------------------------------


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except UserInputError:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # Orbax wraps what the system says
        raise SaveError(
            f"'{path}' could not be written, and what stood there stands still: {error}"
        ) from error


def _begin_together(
    files: dict[str, bytes], stored: dict[str, ArrayLike], path: Path
) -> Callable[[], None]:
    """As `begin`, where there are several processes on one file system."""
    key = f"fkeras/{next(_count_of_writes)}/{path.name[:40]}"
    is_first = jax.process_index() == 0
    folder = path.parent / f".{path.name[:40]}-together"
    if is_first:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    orbax.wait_for_all(f"{key}/begins")
    finish_arrays = orbax.write_arrays(stored, folder / STATE)

    def finish() -> None:
        checksums = array_checksums.checksum_arrays(stored)
        if not is_first:
            _write_checksums({}, checksums, folder)
        finish_arrays()
        orbax.wait_for_all(f"{key}/written")
        if is_first:
            _write_files(files, checksums, folder)
            with _explained(path), io.replacing_directory(path) as directory:
                for part in folder.iterdir():
                    os.replace(part, directory / part.name)
            folder.rmdir()
        orbax.wait_for_all(f"{key}/stands")

    return finish


def _files_of(record: ModelRecord, arrays: dict[str, ArrayLike]) -> dict[str, bytes]:
    """All that is beside the arrays, by name."""
    index = checkpoint_index.index_of(record, arrays)
    files = {INDEX: json.dumps({**index, "saved_at_ns": time.time_ns()}).encode()}
    if record.training is not None:
        files[_TRAINING] = json.dumps(record.training).encode()
    for name, content in record.assets.items():
        files[f"{_ASSETS}/{name}"] = content
    return files


def _write_files(files: dict[str, bytes], checksums: dict[str, list], directory: Path) -> None:
    """Writes what is beside the arrays, and the checksums of all."""
    for name, content in files.items():
        # Refuses names that would leave the directory.
        target = io.entry_path(name, directory)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    _write_checksums(files, checksums, directory)


def _write_checksums(files: dict[str, bytes], arrays: dict[str, list], directory: Path) -> None:
    text = json.dumps(
        {"files": {name: zlib.crc32(c) for name, c in files.items()}, "arrays": arrays}
    )
    (directory / _CHECKSUMS.format(jax.process_index())).write_text(text)


# -- reading -----------------------------------------------------------------------------------


def _read_checksums(path: Path, index: dict[str, Any]) -> dict[str, list]:
    """The checksums of arrays; those of files are compared here."""
    arrays: dict[str, list] = {}
    for process in range(min(int(index["processes"]), 1 << 20)):
        place = path / _CHECKSUMS.format(process)
        if not place.is_file():
            raise CorruptFileError(
                f"'{path}' is not whole: the file '{place.name}' is missing. Take another copy."
            )
        said = read_json(place.read_bytes(), f"'{place}'")
        for name, crc in said["files"].items():
            file = io.entry_path(name, path)
            if not file.is_file() or zlib.crc32(file.read_bytes()) != crc:
                raise CorruptFileError(
                    f"'{file}' is damaged: its bytes are not those that were written. Save the "
                    "model again, or take another copy."
                )
        for name, parts in said["arrays"].items():
            arrays.setdefault(name, []).extend(parts)
    return arrays


def _read_arrays(folder: Path, index: dict[str, Any]) -> dict[str, RawArray]:
    names = checkpoint_index.stored_names(index)
    if not index["joined"]:
        return read_raw(folder, names)
    arrays = orbax.read_arrays(folder)
    missing = [name for name in names if name not in arrays]
    if missing:
        raise CorruptFileError(f"'{folder}' is not whole: the array {missing[0]!r} is missing.")
    return {name: RawArray(array, None) for name, array in arrays.items()}


def _check_arrays(
    path: Path,
    arrays: dict[str, np.ndarray],
    checksums: dict[str, list],
    known: dict[str, int | None],
) -> None:
    damaged = array_checksums.find_damaged(arrays, checksums, known)
    if damaged is not None:
        raise CorruptFileError(
            f"'{path}' is damaged: the numbers of {damaged!r} are not those that were written. "
            "Save the model again, or take another copy."
        )


def _read_training(place: Path) -> dict[str, Any] | None:
    return read_json(place.read_bytes(), f"'{place}'") if place.is_file() else None


def _read_assets(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
