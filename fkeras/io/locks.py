"""A lock on a file or directory that several processes may want to make at the same time."""

import contextlib
import errno
import os
import time
from collections.abc import Generator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from fkeras.io.paths import FilePath

_SECONDS_BETWEEN_TRIES = 0.05


@contextlib.contextmanager
def locked(path: FilePath, timeout: float | None = None) -> Generator[None, None, None]:
    """Lets one process, and one thread of it, at a time into the block.

    Look again whether the work is still to be done once the lock is yours: somebody else may have
    done it meanwhile. The lock is a file `.<name>.lock` beside the path, and goes with the block.
    On Linux and macOS the system frees the lock of a process that died; on Windows its file must
    be removed by hand. Whoever has the lock must not ask for it again.

    Args:
        path: what is locked; it need not exist. Missing folders above it are made.
        timeout: seconds to wait for the lock, 0 or more. None waits without limit.

    Raises:
        TimeoutError: somebody else still has the lock.
        OSError: the folder cannot be written.

    Examples:
        >>> from fkeras.io import locked
        >>> with locked("digits.npz"):
        ...     print("nobody else makes digits.npz now")
        nobody else makes digits.npz now
    """
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = place.with_name(f".{place.name}.lock")
    deadline = None if timeout is None else time.monotonic() + timeout
    while (descriptor := _try_to_lock(lock)) is None:
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError(
                f"'{path}' is being made by another process: waited {timeout} seconds for the lock "
                f"'{lock}'. Wait longer; if no such process runs, remove that file."
            )
        time.sleep(_SECONDS_BETWEEN_TRIES)
    try:
        yield
    finally:
        _unlock(lock, descriptor)


def _try_to_lock(lock: Path) -> int | None:
    """The descriptor of the open lock file; None while somebody else has the lock."""
    if fcntl is None:
        return _try_to_create(lock)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had the lock removed its file: a lock on a removed file excludes nobody.
        if os.path.exists(lock) and os.path.samestat(os.fstat(descriptor), os.stat(lock)):
            return descriptor
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.ENOENT):
            os.close(descriptor)
            raise
    os.close(descriptor)
    return None


def _try_to_create(lock: Path) -> int | None:
    """Where the system has no `flock`: the lock is that the file exists."""
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except (FileExistsError, PermissionError):
        # Windows denies access to a file that is just being removed.
        if os.access(lock.parent, os.W_OK):
            return None
        raise


def _unlock(lock: Path, descriptor: int) -> None:
    """Removes the lock file while it is still locked, so that nobody can lose theirs by it."""
    if fcntl is not None:
        lock.unlink(missing_ok=True)
    os.close(descriptor)
    if fcntl is None:
        lock.unlink(missing_ok=True)
