"""`get_file`: a file by its address, downloaded once and kept where Keras keeps it."""

import os
from pathlib import Path

from fkeras.callbacks import Progbar
from fkeras.core import messages
from fkeras.core.warn_once import warn_user
from fkeras.downloads.unpacking import FormatChoice, link_beside, unpack
from fkeras.errors import DigestError, DownloadError, UserInputError
from fkeras.io import cache_folder, check_url, download, file_name_in, matches_digest
from fkeras.io.hashing import AlgorithmOrAuto
from fkeras.io.paths import FilePath, reason_to_refuse


def get_file(
    fname: FilePath | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: FilePath = "datasets",
    hash_algorithm: AlgorithmOrAuto = "auto",
    extract: bool = False,
    archive_format: FormatChoice = "auto",
    cache_dir: FilePath | None = None,
    force_download: bool = False,
) -> str:
    """Downloads a file, unless it is in the cache already, and gives its path.

    The cache is Keras's: `$KERAS_HOME`, or `~/.keras`; files go to `datasets` in it, under the
    names that Keras gives them. A download that breaks off goes on where it ended. A file gets its
    name only when it is complete and has the right digest. Archives are extracted as a whole, and
    a doubtful member (one that would leave the folder, a bomb) refuses all of it.

    What was extracted has links beside its folder, where scripts of Keras 2 look for it.

    Pass `file_hash` for whatever comes from the internet: nothing else says that the file is the
    one you mean.

    Args:
        fname: name of the file in the cache; None for the one it has at its address. With
            `extract`, a name without a dot is that of the folder to extract to.
        origin: address: http, https or file.
        untar: the same as `extract` with `archive_format="tar"`; older scripts have it. As for
            them, the folder is that of the archive, if that holds nothing but one called `fname`.
        md5_hash: the same as `file_hash` with MD5; older scripts have it.
        file_hash: digest that the file must have, in hexadecimal digits; None accepts any file.
        cache_subdir: folder in the cache; an absolute path is a folder anywhere.
        hash_algorithm: 'sha256', 'md5', or 'auto' to tell by the number of digits.
        extract: whether the file is an archive (zip or tar, plain, gzip, bzip2 or xz) to extract.
        archive_format: 'auto' for all formats, 'tar', 'zip', or a list of those.
        cache_dir: another folder for the cache.
        force_download: whether a file that is in the cache is downloaded again.

    Returns:
        Path of the file, or of the folder that the archive was extracted to.

    Raises:
        DownloadError: the file could not be fetched; says where to put a copy of your own.
        DigestError: what came has another digest.
        ArchiveError: the archive is damaged or not safe.
        UserInputError: no address, or a name that is none.

    Examples:
        >>> import pathlib, fkeras
        >>> _ = pathlib.Path("original.txt").write_text("7 2 1")
        >>> url = pathlib.Path("original.txt").absolute().as_uri()
        >>> path = fkeras.utils.get_file("digits.txt", origin=url, cache_dir="cache")
        Downloading data from file://...
        5/5 ...
        >>> pathlib.Path(path).as_posix()
        'cache/datasets/digits.txt'
    """
    if origin is None:
        raise UserInputError(
            "get_file: please specify the `origin` argument, the address of the file to download."
        )
    check_url(origin)
    if md5_hash is not None and file_hash is None:
        file_hash = md5_hash
        hash_algorithm = "md5"
    folder = _folder_of(cache_subdir, cache_dir)
    name = _name_of(fname, origin)
    if not (extract or untar):
        place = folder / name
        _download(origin, place, file_hash, hash_algorithm, force_download)
        return os.fspath(place)
    archive, unpacked = _places_of_archive(folder, name, given=bool(fname))
    _download(origin, archive, file_hash, hash_algorithm, force_download)
    if unpack(archive, unpacked, "tar" if untar else archive_format, is_of_that_name=untar):
        link_beside(unpacked)
    else:
        warn_user(
            f"Could not extract archive '{archive}': it is not of the accepted formats "
            f"({'tar' if untar else archive_format}). If the file at '{origin}' is no archive, "
            "leave out `extract`."
        )
    return os.fspath(unpacked)


def _folder_of(cache_subdir: FilePath, cache_dir: FilePath | None) -> Path:
    """The folder that the file belongs to, which may be given as a whole."""
    if os.path.isabs(cache_subdir):
        return Path(cache_subdir)
    return cache_folder(cache_dir) / cache_subdir


def _name_of(fname: FilePath | None, origin: str) -> str:
    if not fname:
        return file_name_in(origin)
    name = os.fspath(fname)
    reason = (
        "has folders in it"
        if os.path.basename(name) != name
        else "names no file"
        if name == "."
        else reason_to_refuse(name)
    )
    if reason:
        raise UserInputError(
            f"get_file: paths are no longer accepted as the `fname` argument. {name!r} {reason}. "
            "Give the folder by `cache_subdir` (inside the cache, or absolute) or `cache_dir`."
        )
    return name


def _places_of_archive(folder: Path, name: str, given: bool) -> tuple[Path, Path]:
    """Where an archive is kept, and where its content, as Keras names them."""
    if given and "." in name:
        return folder / name, folder / f"{name[: name.find('.')]}_extracted"
    return folder / f"{name}_archive", folder / name


def _download(
    origin: str, place: Path, digest: str | None, algorithm: AlgorithmOrAuto, force: bool
) -> None:
    if not force and place.is_file() and digest is not None:
        if not matches_digest(place, digest, algorithm):
            messages.write(
                f"The file '{place}' has another {algorithm} digest than {digest}: it seems to be "
                "incomplete or outdated, and is downloaded again."
            )
    progress = _Progress(origin)
    try:
        download(
            origin, place, digest=digest, algorithm=algorithm, force=force, progress=progress.show
        )
    except (DownloadError, DigestError) as error:
        what = "Incomplete or corrupted file: " if isinstance(error, DigestError) else ""
        raise type(error)(
            f"{what}{error} If you have the file '{place.name}' from elsewhere, put it at "
            f"'{place.absolute()}', where it is looked for first."
        ) from error
    finally:
        progress.finish()


class _Progress:
    """Draws a bar; says what is downloaded when the first bytes come, since a file that is there
    already needs no words.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._bar: Progbar | None = None
        self._done, self._drawn_to_end = 0, False

    def show(self, done: int, total: int | None) -> None:
        if self._bar is None:
            messages.write(f"Downloading data from {self._origin}")
            self._bar = Progbar(total)
        self._done, self._drawn_to_end = done, done == total
        self._bar.update(done, finalize=self._drawn_to_end)

    def finish(self) -> None:
        """Ends the line, also where nobody said how many bytes would come."""
        if self._bar is not None and not self._drawn_to_end:
            self._bar.update(self._done, finalize=True)
