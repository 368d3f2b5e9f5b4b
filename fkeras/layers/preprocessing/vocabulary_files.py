"""Vocabularies in files: one token a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fkeras.core.config import scopes
from fkeras.errors import CorruptFileError, UnsafeFileError, UserInputError

_NAME = "vocabulary.txt"
_EXACT_NAME = "vocabulary.json"  # beside it, where tokens have line breaks
_WEIGHTS_NAME = "idf_weights.json"


def write(folder: str, tokens: Sequence[str | int], idf_weights: np.ndarray | None = None) -> None:
    """Writes a vocabulary as Keras does; beside it what its format cannot hold.

    Args:
        folder: an existing folder.
        tokens: special ones too.
        idf_weights: weights of tokens, if there are any.
    """
    lines = [str(token) for token in tokens]
    Path(folder, _NAME).write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    if any("\n" in line or "\r" in line for line in lines):
        Path(folder, _EXACT_NAME).write_text(json.dumps(lines))
    if idf_weights is not None:
        values = [float(weight) for weight in idf_weights]
        Path(folder, _WEIGHTS_NAME).write_text(json.dumps(values))


def read(folder: str, size: int | None) -> list[str]:
    """The tokens that `write` or Keras wrote.

    Args:
        folder: the folder.
        size: how many there are, where it is known: empty tokens at the end are told by it.
    """
    exact = Path(folder, _EXACT_NAME)
    if exact.is_file():
        return [str(token) for token in _list_of(exact)]
    lines = _text_of(Path(folder, _NAME)).replace("\r\n", "\n").split("\n")
    while lines and lines[-1] == "" and len(lines) != size:
        lines.pop()
    return lines


def read_idf_weights(folder: str) -> np.ndarray | None:
    """The weights of tokens that `write` wrote; None where it wrote none."""
    path = Path(folder, _WEIGHTS_NAME)
    return np.asarray(_list_of(path), np.float64) if path.is_file() else None


def read_of_user(path: str, who: str) -> list[str]:
    """The tokens of a file that the user names, one a line.

    Raises:
        UnsafeFileError: it is a saved model's config that names it.
        UserInputError: there is no such file.
    """
    if scopes.in_safe_mode(False):
        raise refused(path, who)
    if not Path(path).is_file():
        raise UserInputError(f"{who}: there is no vocabulary file {path!r}.")
    lines = _text_of(Path(path)).replace("\r\n", "\n").split("\n")
    if lines[-1] == "":  # what stands behind the last line break
        lines.pop()
    return lines


def refused(path: str, who: str) -> UnsafeFileError:
    """The error for a path in a config; the caller raises it."""
    return UnsafeFileError(
        f"{who}: the config names a vocabulary file, {path[:200]!r}. A saved model has its "
        "vocabulary inside; a config that names another file could read whatever you can read, so "
        "it is refused. If you trust its source, pass `safe_mode=False`, or call "
        "`fkeras.config.enable_unsafe_deserialization()`."
    )


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise CorruptFileError(
            f"The vocabulary file '{path.name}' is no text in UTF-8: {error.reason} at byte "
            f"{error.start}."
        ) from None


def _list_of(path: Path) -> list[Any]:
    try:
        content = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"'{path.name}' cannot be read: {error}.") from None
    if not isinstance(content, list) or any(isinstance(item, (list, dict)) for item in content):
        raise CorruptFileError(f"'{path.name}' is no list.")
    return content
