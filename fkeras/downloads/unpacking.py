"""Archives of the cache, extracted once, without touching what else is in their folder."""

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from fkeras.io import extract_archive, locked
from fkeras.io.archive import FormatChoice as FormatChoice


def unpack(
    archive: Path, folder: Path, archive_format: FormatChoice, is_of_that_name: bool = False
) -> bool:
    """Extracts an archive, unless that was done before.

    A folder that is there is not replaced: files of the archive take the place of those of the
    same name, and what a user put beside them stays.

    Args:
        archive: the file.
        folder: where its content belongs.
        archive_format: which formats to accept; see `fkeras.io.extract_archive`.
        is_of_that_name: whether an archive that holds nothing but a folder of the same name gives
            the content of that one.

    Returns:
        False if the file is no archive of an accepted format.

    Raises:
        ArchiveError: the archive is damaged or not safe. Nothing was changed.
    """
    with locked(folder):
        note = folder.with_name(f".{folder.name}.extracted.json")
        version = _version_of(archive)
        if _is_unpacked(folder, note, version):
            return True
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=folder.parent) as temporary:
            fresh = Path(temporary, "fresh")
            if not extract_archive(archive, fresh, archive_format):
                return False
            if is_of_that_name and os.listdir(fresh) == [folder.name]:
                fresh = fresh / folder.name
            names = [os.path.relpath(path, fresh) for path in fresh.rglob("*")]
            folder.mkdir(exist_ok=True)
            _move_over(fresh, folder)
        note.write_text(json.dumps({"archive": version, "names": names}), "utf-8")
        return True


def link_beside(folder: Path) -> None:
    """Makes what lies in a folder reachable beside it, too, where Keras 2 extracted to. What is
    there already stays, and where links are not allowed there are none.
    """
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            place = folder.with_name(entry.name)
            if not os.path.lexists(place):
                place.symlink_to(os.path.join(folder.name, entry.name), entry.is_dir())


def _version_of(archive: Path) -> list[int]:
    status = archive.stat()
    return [status.st_size, status.st_mtime_ns]


def _is_unpacked(folder: Path, note: Path, version: list[int]) -> bool:
    """Whether all that was in this version of the archive is still in the folder."""
    try:
        unpacked = json.loads(note.read_text("utf-8"))
        return unpacked["archive"] == version and all(
            os.path.lexists(folder / name) for name in unpacked["names"]
        )
    except (OSError, ValueError, TypeError, KeyError):  # no note, or half a one
        return False


def _move_over(fresh: Path, folder: Path) -> None:
    """Moves all that is in one folder into another one, in place of what has the same name."""
    for entry in fresh.iterdir():
        place = folder / entry.name
        into = entry.is_dir() and not entry.is_symlink()
        if into and place.is_dir() and not place.is_symlink():
            _move_over(entry, place)
            continue
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        elif into:
            place.unlink(missing_ok=True)
        os.replace(entry, place)
