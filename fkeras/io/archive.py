"""Extracting archives that somebody else made: completely, into one folder, or not at all."""

import contextlib
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from fkeras.errors import UserInputError
from fkeras.io.archive_limits import ArchiveInspector, ExtractionLimits
from fkeras.io.archive_members import (
    ArchiveFormat,
    Member,
    detect_format,
    read_members,
)
from fkeras.io.atomic import replacing_directory
from fkeras.io.paths import FilePath, parts_of
from fkeras.io.tar_stream import Readable

FormatChoice: TypeAlias = Literal["auto", "tar", "zip"] | Sequence[ArchiveFormat] | None

_CHUNK = 2**20
_FORMATS: tuple[ArchiveFormat, ...] = ("tar", "zip")


def extract_archive(
    path: FilePath,
    folder: FilePath,
    archive_format: FormatChoice = "auto",
    *,
    limits: ExtractionLimits | None = None,
    overwrite: bool = False,
) -> bool:
    """Extracts a zip or tar file (plain, gzip, bzip2 or xz) into a folder of its own.

    The format is told by the content, not by the name. The archive is unpacked beside the folder
    and moved there when it is complete; any doubtful member refuses all of it. Dates, owners and
    permissions are not taken over, except that a program stays one. A hard link becomes a copy.

    Args:
        path: the archive.
        folder: the folder to make. Missing folders above it are made.
        archive_format: which formats to accept: `"auto"` for all, `"tar"`, `"zip"`, or a list of
            those; None and an empty list accept none.
        limits: how much may come out; None for the defaults.
        overwrite: whether a folder that is not empty is replaced, with all that is in it.

    Returns:
        True if it was extracted; False if the file is no archive of an accepted format.

    Raises:
        ArchiveError: a member is unsafe (it would leave the folder, is a device, is too large), or
            the archive is damaged or encrypted. Names the file, the member and the reason.
        UserInputError: unknown format, or the folder is not empty.
        OSError: the archive cannot be read, the disk is full, or the folder cannot be written.

    Examples:
        >>> import pathlib, zipfile
        >>> from fkeras.io import extract_archive
        >>> with zipfile.ZipFile("digits.zip", "w") as archive:
        ...     archive.writestr("train/labels.txt", "7 2 1")
        >>> extract_archive("digits.zip", "digits")
        True
        >>> pathlib.Path("digits/train/labels.txt").read_text()
        '7 2 1'
    """
    source, accepted = Path(path), _accepted(archive_format)
    found = detect_format(source)
    if found is None or found not in accepted:
        return False
    _refuse_full(Path(folder), overwrite)
    inspector = ArchiveInspector(source, limits or ExtractionLimits())
    members = read_members(source, found, inspector.allowed_bytes)
    with contextlib.closing(members), replacing_directory(folder) as temporary:
        links = []
        for member, content in members:
            place = temporary.joinpath(*inspector.check(member))
            if member.kind in ("hard link", "symbolic link"):
                links.append((member, place))
            else:
                _write_member(member, content, place, inspector)
        _make_links(links, temporary, inspector)
    return True


def _accepted(choice: FormatChoice) -> tuple[ArchiveFormat, ...]:
    """The formats of `archive_format`."""
    if choice == "auto":
        return _FORMATS
    names = (choice,) if isinstance(choice, str) else tuple(choice or ())
    unknown = [name for name in names if name not in _FORMATS]
    if unknown:
        raise UserInputError(
            "`archive_format` expected 'auto', 'tar', 'zip', a list of 'tar' and 'zip', or None. "
            f"Received: {choice!r}"
        )
    return names


def _refuse_full(folder: Path, overwrite: bool) -> None:
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise UserInputError(
            f"The folder '{folder}' is not empty. Extract to a new folder, or pass "
            "`overwrite=True` to replace it with all that is in it."
        )


def _write_member(
    member: Member, content: Readable, place: Path, inspector: ArchiveInspector
) -> None:
    """Makes a directory, or a file in which exactly the declared bytes must arrive."""
    try:
        if member.kind == "directory":
            place.mkdir(parents=True, exist_ok=True)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        file = open(place, "wb")
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise inspector.error(member, "is a file and a folder at once") from error
    with file:
        while chunk := content.read(_CHUNK):
            inspector.count_written(member, len(chunk))
            file.write(chunk)
        if file.tell() != member.size:
            reason = f"is damaged: {file.tell()} bytes instead of {member.size}"
            raise inspector.error(member, reason)
    if member.executable:
        place.chmod(place.stat().st_mode | stat.S_IXUSR)


def _make_links(
    links: list[tuple[Member, Path]], folder: Path, inspector: ArchiveInspector
) -> None:
    """Copies for hard links, then symbolic links, after all files: none is written through one."""
    for member, place in links:
        if member.kind == "hard link":
            _copy_file(member, folder.joinpath(*parts_of(member.target)), place, inspector)
    symbolic = [(member, place) for member, place in links if member.kind == "symbolic link"]
    for member, place in symbolic:
        if any(parent.is_symlink() for parent in _folders_between(place, folder)):
            raise inspector.error(member, "is in a folder that is a link")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(member.target)
        except (FileExistsError, NotADirectoryError) as error:
            raise inspector.error(member, "has the name of another member") from error
    # Not before all are made: a later link may change where an earlier one leads.
    for member, place in symbolic:
        _refuse_escape(member, place, folder, inspector)


def _copy_file(member: Member, source: Path, place: Path, inspector: ArchiveInspector) -> None:
    if not source.is_file():
        raise inspector.error(member, f"is a link to '{member.target}', which is no file in it")
    inspector.count_written(member, source.stat().st_size)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        shutil.copymode(source, place)
    except (FileExistsError, NotADirectoryError, IsADirectoryError, shutil.SameFileError) as error:
        raise inspector.error(member, "has the name of another member") from error


def _folders_between(place: Path, folder: Path) -> list[Path]:
    """The folders above a place, below the one that is extracted to."""
    return [parent for parent in place.parents if folder in parent.parents]


def _refuse_escape(member: Member, link: Path, folder: Path, inspector: ArchiveInspector) -> None:
    """Follows a link through all others, which its words alone do not tell."""
    root = os.path.realpath(folder)
    if os.path.commonpath([root, os.path.realpath(link)]) != root:
        raise inspector.error(member, f"leads out of the folder by way of '{member.target}'")
