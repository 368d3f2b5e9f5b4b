"""`enable_compilation_cache`: compiled programs on disk, for the next process."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import PathLike


def enable_compilation_cache(directory: PathLike | None = None) -> str:
    """Keeps all compiled programs on disk, so that the next process starts without compiling.

    JAX's own default keeps only what took a second or more to compile, which is almost nothing of a
    small model.

    Args:
        directory: where to keep them; None for `fkeras/programs` in the user's cache directory. The
            processes of one user may share it. Whoever may write there decides what runs: keep it
            as private as code.

    Returns:
        The directory's path.

    Raises:
        UserInputError: `directory` is a file.

    Examples:
        >>> import fkeras
        >>> path = fkeras.config.enable_compilation_cache("programs")
    """
    path = pathlib.Path(directory or _default_directory()).expanduser().resolve()
    if path.exists() and not path.is_dir():
        raise UserInputError(f"enable_compilation_cache: {path} is a file. Pass a directory.")
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    import jax  # `fkeras.config` is read without it

    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return str(path)


def _default_directory() -> pathlib.Path:
    caches = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(caches) / "fkeras" / "programs"
