"""Downloading a file: once, completely, and as it was meant to be."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from fkeras.errors import DigestError, DownloadError, UserInputError
from fkeras.io.hashing import (
    AlgorithmOrAuto,
    algorithm_for,
    equal_digests,
    file_digest,
    matches_digest,
)
from fkeras.io.http_client import Answer, RangeNotSatisfiableError, TransferError, requesting
from fkeras.io.locks import locked
from fkeras.io.partial_file import FileVersion, PartialFile
from fkeras.io.paths import FilePath
from fkeras.io.urls import check_url

Progress: TypeAlias = Callable[[int, int | None], None]


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long and how often a download is tried.

    Args:
        timeout: seconds of silence until a server counts as lost, more than 0. A slow server that
            keeps sending may take as long as it likes.
        attempts: how often in all, 1 or more. Only failures that may pass are tried again: a lost
            connection is, a missing file is not.
        first_wait: seconds before the second attempt, 0 or more; doubled before each further one.
        longest_wait: seconds that no wait exceeds.

    Raises:
        UserInputError: a number out of its range.

    Examples:
        >>> from fkeras.io import Patience
        >>> [Patience(first_wait=4.0, longest_wait=10.0).wait_after(n) for n in (1, 2, 3)]
        [4.0, 8.0, 10.0]
    """

    timeout: float = 30.0
    attempts: int = 4
    first_wait: float = 1.0
    longest_wait: float = 30.0

    def __post_init__(self) -> None:
        if not (self.timeout > 0 and self.attempts >= 1):
            raise UserInputError(
                f"Patience expected timeout > 0 and attempts >= 1. Received: {self}"
            )
        if not (self.first_wait >= 0 and self.longest_wait >= 0):
            raise UserInputError(f"Patience expected waits of 0 or more. Received: {self}")

    def wait_after(self, failures: int) -> float:
        """Seconds to wait.

        Args:
            failures: attempts that failed so far, 1 or more.
        """
        return min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 60))


@dataclasses.dataclass(frozen=True)
class _Task:
    """What is to be downloaded, and how."""

    url: str
    headers: Mapping[str, str]
    progress: Progress | None
    patience: Patience


def download(
    url: str,
    path: FilePath,
    *,
    digest: str | None = None,
    algorithm: AlgorithmOrAuto = "auto",
    force: bool = False,
    progress: Progress | None = None,
    headers: Mapping[str, str] | None = None,
    patience: Patience | None = None,
) -> Path:
    """Downloads a file to its place, unless it is there already.

    What arrives is kept as `<name>.part`, and the next try, also of another process, goes on from
    there if the server has parts and still the same version of the file. Only a complete file with
    the right digest is moved to its place; one that stands there before stays until then. Of
    several processes that want the same file one downloads it, and the others wait.

    Args:
        url: http, https or file address.
        path: the file to make. Missing folders above it are made.
        digest: hexadecimal digits that the content must have. None accepts any content, and any
            file that is there already.
        algorithm: of the digest: `"sha256"`, `"md5"`, or `"auto"` to tell by the number of digits.
        force: whether a file that is there already is downloaded again.
        progress: called with (bytes so far, bytes in all or None where the server does not say)
            after each piece, on this thread. None for no reports.
        headers: to send along, such as `{"Authorization": "Bearer ..."}`; those do not follow a
            redirect to another host. None for none.
        patience: how long and how often to try; None for the defaults.

    Returns:
        The path.

    Raises:
        DownloadError: the file could not be fetched. Says the address, the reason and what to do.
        DigestError: it was fetched, and is another file.
        UserInputError: not an address or not a digest.
        OSError: the disk is full, or the folder cannot be written.

    Examples:
        >>> import pathlib
        >>> from fkeras.io import download
        >>> _ = pathlib.Path("original.txt").write_text("7 2 1")
        >>> url = pathlib.Path("original.txt").absolute().as_uri()
        >>> path = download(url, "data/copy.txt", progress=lambda done, total: print(done, total))
        5 5
        >>> path.as_posix()
        'data/copy.txt'
    """
    check_url(url)
    place = Path(path)
    if digest is not None:
        algorithm = algorithm_for(digest, algorithm)
    if place.is_dir():
        raise UserInputError(f"Expected the path of a file; '{path}' is a directory.")
    if not force and _is_there(place, digest, algorithm):
        return place
    task = _Task(url, headers or {}, progress, patience or Patience())
    with locked(place):
        # Another process may have downloaded it while this one waited.
        if force or not _is_there(place, digest, algorithm):
            _download_locked(task, PartialFile(place), digest)
    return place


def _is_there(place: Path, digest: str | None, algorithm: AlgorithmOrAuto) -> bool:
    return place.exists() and (digest is None or matches_digest(place, digest, algorithm))


def _download_locked(task: _Task, partial: PartialFile, digest: str | None) -> None:
    """Fetches the file, checks it and moves it to its place."""
    is_resumed = partial.version(task.url) is not None
    _fetch(task, partial)
    if digest is not None:
        if is_resumed and not matches_digest(partial.path, digest):
            # The part that was there may have been damaged: a second chance without it.
            partial.discard()
            _fetch(task, partial)
        _refuse_other_file(task, partial, digest)
    partial.complete()


def _refuse_other_file(task: _Task, partial: PartialFile, digest: str) -> None:
    algorithm = algorithm_for(digest)
    found = file_digest(partial.path, algorithm)
    if not equal_digests(found, digest):
        partial.discard()
        raise DigestError(
            f"'{task.url}' did not give the file that was meant: expected {algorithm} "
            f"{digest.lower()}, found {found}. Nothing was kept. Try again; if the file was "
            "published anew and you trust it, pass its own digest."
        )


def _fetch(task: _Task, partial: PartialFile) -> None:
    """Tries until all bytes are there, or patience ends."""
    for failures in itertools.count(1):
        try:
            _transfer(task, partial)
            break
        except TransferError as error:
            if isinstance(error, RangeNotSatisfiableError):
                partial.discard()
            if error.permanent or failures >= task.patience.attempts:
                raise DownloadError(
                    f"Could not download '{task.url}': {error.reason} (attempt {failures} of "
                    f"{task.patience.attempts}). {error.advice}"
                ) from error
        time.sleep(task.patience.wait_after(failures))


def _transfer(task: _Task, partial: PartialFile) -> None:
    """One attempt, from where the last one ended if that can be."""
    version = partial.version(task.url)
    request = requesting(
        task.url,
        headers=task.headers,
        timeout=task.patience.timeout,
        start=0 if version is None else partial.length,
        validator=None if version is None else version.validator,
    )
    with request as answer:
        if answer.start and not _fits(answer, version, partial.length):
            partial.discard()
            raise TransferError(
                "the server went on with another version of the file", "Try again.", permanent=False
            )
        _save(answer, task, partial)
    if answer.size is not None and partial.length != answer.size:
        raise TransferError(
            f"the connection ended after {partial.length} of {answer.size} bytes",
            "Try again: what arrived is kept.",
            permanent=False,
        )


def _fits(answer: Answer, version: FileVersion | None, length: int) -> bool:
    """Whether the answer goes on where the bytes end, in the same version of the file."""
    return (
        version is not None
        and answer.start == length
        and answer.size == version.size
        and answer.validator in (None, version.validator)
    )


def _save(answer: Answer, task: _Task, partial: PartialFile) -> None:
    """Adds what arrives to the partial file."""
    version = None
    if answer.size is not None and answer.validator is not None:
        version = FileVersion(task.url, answer.size, answer.validator)
    done = answer.start
    try:
        with partial.writing(answer.start, version) as file:
            for chunk in answer.chunks():
                file.write(chunk)
                done += len(chunk)
                if task.progress is not None:
                    task.progress(done, answer.size)
    except OSError:
        # Of the disk; the server's are TransferErrors. A full disk must not stay full.
        partial.discard()
        raise
