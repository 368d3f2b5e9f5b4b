"""Files and directories that are replaced as a whole, or not at all.

What is new is written into a temporary folder beside its place, flushed to the disk, and moved: on
one file system a move is a single step, so that no reader ever sees half of it. What stood there
before is not touched until the new one is complete. The temporary folder goes in any case.
"""

import contextlib
import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

from fkeras.errors import UserInputError
from fkeras.io.paths import FilePath


@contextlib.contextmanager
def replacing_file(path: FilePath) -> Generator[Path, None, None]:
    """Gives a temporary path to write to, and moves that file to `path` if all went well.

    Use it for every file that somebody may read later. An exception in the block (a full disk, a
    Ctrl-C) leaves what stood at `path` as it was. A link at `path` stays; the file it points to is
    replaced, and keeps its permissions.

    Args:
        path: the file to make or replace. Missing folders above it are made.

    Yields:
        A path of the same name in a temporary folder. Nothing is there yet.

    Raises:
        UserInputError: `path` is a directory, or the block wrote nothing.
        OSError: the disk is full, or the folder cannot be written.

    Examples:
        >>> import pathlib
        >>> from fkeras.io import replacing_file
        >>> with replacing_file("settings.json") as temporary:
        ...     _ = temporary.write_text("{}")
        >>> pathlib.Path("settings.json").read_text()
        '{}'
    """
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise UserInputError(
            f"Expected the path of a file; '{path}' is a directory. Name a file in it, or remove "
            "it."
        )
    _forget_cached(place)
    with _neighbour(place) as folder:
        temporary = folder / place.name
        yield temporary
        if not temporary.is_file():
            raise UserInputError(
                f"Nothing was written to '{temporary}', so '{path}' is as it was. Write the file "
                "to the path that `replacing_file` gives."
            )
        if place.exists():
            shutil.copymode(place, temporary)
        move_into_place(temporary, place)


@contextlib.contextmanager
def replacing_directory(path: FilePath) -> Generator[Path, None, None]:
    """Gives a temporary directory to fill, and moves it to `path` if all went well.

    Use it for what is several files together. An exception in the block leaves what stood at `path`
    as it was. Linux and macOS exchange two directories in one step. Where the system or the file
    system cannot, the earlier one is moved aside first and moved back should the second move fail;
    a process that is killed just between the two leaves it as `old` in a folder `.<name>-...`
    beside its place.

    Args:
        path: the directory to make or replace, with all that is in it. Missing folders above it are
            made.

    Yields:
        An empty temporary directory.

    Raises:
        UserInputError: `path` is a file.
        OSError: the disk is full, or the folder cannot be written.

    Examples:
        >>> import pathlib
        >>> from fkeras.io import replacing_directory
        >>> with replacing_directory("checkpoint") as temporary:
        ...     _ = (temporary / "step.txt").write_text("12")
        >>> pathlib.Path("checkpoint/step.txt").read_text()
        '12'
    """
    place = Path(os.path.realpath(path))
    if place.exists() and not place.is_dir():
        raise UserInputError(
            f"Expected the path of a directory; '{path}' is a file. Choose another path, or remove "
            "it."
        )
    with _neighbour(place) as folder:
        temporary, earlier = folder / "new", folder / "old"
        temporary.mkdir()
        for parent, _, names in os.walk(place):
            for name in names:
                _forget_cached(Path(parent, name))
        yield temporary
        _flush_tree(temporary)
        _exchange(temporary, place, earlier)


def move_into_place(temporary: FilePath, path: FilePath) -> None:
    """Flushes a complete file to the disk and moves it to its place, in the same file system.

    Use it where `replacing_file` does not fit, since the temporary file shall outlive a failure.

    Args:
        temporary: the complete file.
        path: where it belongs; a file there is replaced.

    Raises:
        OSError: the disk is full, or the folder cannot be written. Both files are as they were.

    Examples:
        >>> import pathlib
        >>> from fkeras.io import move_into_place
        >>> _ = pathlib.Path("digits.npz.part").write_bytes(b"digits")
        >>> move_into_place("digits.npz.part", "digits.npz")
        >>> pathlib.Path("digits.npz").read_bytes()
        b'digits'
    """
    _flush_file(Path(temporary))
    os.replace(temporary, path)
    _flush_folder(Path(path).parent)


@contextlib.contextmanager
def _neighbour(place: Path) -> Generator[Path, None, None]:
    """A temporary folder beside a place, in the same file system. It goes at the end, unless the
    earlier directory had to stay in it.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    # A name that is as long as names may be leaves no room for more.
    folder = Path(tempfile.mkdtemp(prefix=f".{place.name[:40]}-", dir=place.parent))
    try:
        yield folder
    finally:
        if place.exists() or not (folder / "old").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _exchange(new: Path, place: Path, earlier: Path) -> None:
    """Moves the new directory to the place, and what stood there aside."""
    if not (place.exists() and _swap(new, place)):
        _move_aside(new, place, earlier)
    _flush_folder(place.parent)


def _move_aside(new: Path, place: Path, earlier: Path) -> None:
    """Two moves; back if the second one fails."""
    if place.exists():
        os.replace(place, earlier)
    try:
        os.replace(new, place)
    except BaseException:
        if earlier.exists():
            os.replace(earlier, place)
        raise


def _swap(one: Path, other: Path) -> bool:
    """Lets two paths change places in one step; False, and nothing done, where that cannot be."""
    here = -100 if sys.platform == "linux" else -2  # of paths that are relative: AT_FDCWD
    name = {"linux": "renameat2", "darwin": "renameatx_np"}.get(sys.platform)
    swap = name and getattr(ctypes.CDLL(None), name, None)
    if not swap:
        return False
    # The flag is 2 in both: RENAME_EXCHANGE, RENAME_SWAP.
    return swap(here, os.fsencode(one), here, os.fsencode(other), ctypes.c_uint(2)) == 0


def _forget_cached(path: Path) -> None:
    """Takes a file that will be replaced out of the system's cache, so that the new one finds
    memory there: pages that were never used before cost several times as much as the writing.
    """
    if hasattr(os, "posix_fadvise") and path.is_file():
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def _flush_file(path: Path) -> None:
    """Waits until a file is on the disk: only then is a move to its place safe from a power cut."""
    # Windows flushes only what is open for writing; elsewhere a file may be read-only.
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system can do that. Where it
    cannot, a power cut may bring the earlier file back, but never half a file.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _flush_tree(folder: Path) -> None:
    """Waits until all files below a folder, and their names, are on the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink():
                _flush_file(path)
        _flush_folder(Path(parent))
