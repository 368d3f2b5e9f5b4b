"""Where downloaded files are kept: Keras's cache folder, so that both libraries share files."""

import os
import tempfile
import warnings
from pathlib import Path

from fkeras.errors import UserInputError
from fkeras.io.paths import FilePath, parts_of, reason_to_refuse


def cache_folder(folder: FilePath | None = None) -> Path:
    """The folder of the cache, which is made where it is missing.

    Args:
        folder: the one that the user wants; `~` is the home folder. None takes the environment
            variable `KERAS_HOME`, and without one `~/.keras`, as Keras does.

    Returns:
        The folder. Where it cannot be written, a folder of this user in the system's temporary
        folder, with a warning. (Keras says nothing then, and shares one with all users, any of whom
        could replace the files of the others.)

    Raises:
        UserInputError: that temporary folder belongs to somebody else.

    Examples:
        >>> from fkeras.io import cache_folder
        >>> cache_folder("my_cache").name
        'my_cache'
    """
    wanted = folder or os.environ.get("KERAS_HOME") or Path("~", ".keras")
    place = Path(wanted).expanduser()
    if _is_writable(place):
        return place
    instead = _temporary_cache()
    warnings.warn(
        f"The cache folder '{place}' cannot be written; files go to '{instead}', which may not "
        "last. Set the environment variable KERAS_HOME to a folder that can be written.",
        stacklevel=2,
    )
    return instead


def entry_path(name: str, folder: FilePath | None = None) -> Path:
    """Where a file or directory of the cache is, or will be.

    Args:
        name: relative name with `/` between its parts, such as `datasets/digits.npz`.
        folder: the cache; None as for `cache_folder`.

    Returns:
        A path inside of the cache. Nothing need be there, nor the folders above it.

    Raises:
        UserInputError: the name is empty, or would leave the cache.

    Examples:
        >>> from fkeras.io import entry_path
        >>> entry_path("datasets/digits.npz", folder="my_cache").as_posix()
        'my_cache/datasets/digits.npz'
    """
    reason = reason_to_refuse(name) if parts_of(name) else "has no part that names a file"
    if reason:
        raise UserInputError(
            f"Cache entry {name!r} {reason}. Expected a relative name such as "
            "'datasets/digits.npz'; for another folder, pass that as the cache folder."
        )
    return cache_folder(folder).joinpath(*parts_of(name))


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _temporary_cache() -> Path:
    """A folder that only this user can write, where the system has users."""
    user = os.getuid() if hasattr(os, "getuid") else None
    folder = Path(tempfile.gettempdir(), ".keras" if user is None else f".keras-{user}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None and folder.lstat().st_uid != user:
        raise UserInputError(
            f"The temporary cache folder '{folder}' belongs to another user, who could replace "
            "files in it. Set the environment variable KERAS_HOME to a folder of your own."
        )
    return folder
