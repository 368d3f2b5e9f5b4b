"""Digests of files and directories, and whether they are those that were expected.

A digest that comes from somewhere else than the file says that the file is the one that was meant.
SHA-256 does; MD5 is there because many addresses are published with one, and protects from damaged
downloads only, not from somebody who forges files.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from fkeras.errors import DigestError, UserInputError
from fkeras.io.paths import FilePath

Algorithm: TypeAlias = Literal["sha256", "md5"]
AlgorithmOrAuto: TypeAlias = Literal["auto", "sha256", "md5"]


def _new_md5() -> "hashlib._Hash":
    """MD5 also where the system forbids it for security."""
    return hashlib.md5(usedforsecurity=False)


_HASHERS: dict[str, Callable[[], "hashlib._Hash"]] = {"sha256": hashlib.sha256, "md5": _new_md5}
_DIGITS = {"sha256": 64, "md5": 32}


def file_digest(path: FilePath, algorithm: Algorithm = "sha256") -> str:
    """The digest of a file's bytes, read in pieces, so that files larger than the memory work.

    Args:
        path: the file.
        algorithm: `"sha256"` or `"md5"`.

    Returns:
        Hexadecimal digits in lower case: 64 for SHA-256, 32 for MD5.

    Raises:
        UserInputError: unknown algorithm.
        OSError: the file does not exist or cannot be read.

    Examples:
        >>> import pathlib
        >>> from fkeras.io import file_digest
        >>> _ = pathlib.Path("empty.bin").write_bytes(b"")
        >>> file_digest("empty.bin", "md5")
        'd41d8cd98f00b204e9800998ecf8427e'
    """
    new_hasher = _HASHERS[_known(algorithm)]
    with open(path, "rb") as file:
        return hashlib.file_digest(file, new_hasher).hexdigest()


def directory_digest(path: FilePath, algorithm: Algorithm = "sha256") -> str:
    """The digest of a directory: of the names, kinds and contents of all that is below it.

    Dates and permissions do not count, nor does the directory's own name. A link counts by where it
    points to, and is not followed.

    Args:
        path: the directory.
        algorithm: `"sha256"` or `"md5"`.

    Returns:
        Hexadecimal digits in lower case.

    Raises:
        UserInputError: unknown algorithm.
        OSError: the directory does not exist or cannot be read.

    Examples:
        >>> import pathlib
        >>> from fkeras.io import directory_digest
        >>> pathlib.Path("weights").mkdir()
        >>> before = directory_digest("weights")
        >>> _ = pathlib.Path("weights", "kernel.bin").write_bytes(b"1234")
        >>> before == directory_digest("weights")
        False
    """
    hasher, root = _HASHERS[_known(algorithm)](), Path(path)
    for entry in sorted(_entries_below(root), key=lambda entry: entry.as_posix()):
        for field in (entry.relative_to(root).as_posix(), *_kind_and_content(entry, algorithm)):
            data = field.encode("utf-8", "surrogateescape")
            # With its length before each field, no two directories give the same bytes.
            hasher.update(len(data).to_bytes(8, "big") + data)
    return hasher.hexdigest()


def algorithm_for(digest: str, algorithm: AlgorithmOrAuto = "auto") -> Algorithm:
    """Which algorithm a digest is of; a mistyped digest is found before anything is downloaded.

    Args:
        digest: hexadecimal digits, in upper or lower case.
        algorithm: `"sha256"`, `"md5"`, or `"auto"` to tell by the number of digits.

    Returns:
        `"sha256"` or `"md5"`.

    Raises:
        UserInputError: unknown algorithm, or not the digits of one.

    Examples:
        >>> from fkeras.io import algorithm_for
        >>> algorithm_for("d41d8cd98f00b204e9800998ecf8427e")
        'md5'
    """
    names: list[Algorithm] = ["sha256", "md5"] if algorithm == "auto" else [_known(algorithm)]
    hexadecimal = not set(digest) - set("0123456789abcdefABCDEF")
    for name in names:
        if hexadecimal and len(digest) == _DIGITS[name]:
            return name
    expected = " or ".join(f"{_DIGITS[name]} hexadecimal digits ({name})" for name in names)
    raise UserInputError(
        f"Expected a digest of {expected}. Received: {digest!r} of length {len(digest)}. Copy the "
        "whole digest, without the name of the file."
    )


def equal_digests(found: str, expected: str) -> bool:
    """Whether two digests are the same, in a time that does not depend on how many digits agree.

    Args:
        found: hexadecimal digits, in upper or lower case.
        expected: the same.

    Examples:
        >>> from fkeras.io import equal_digests
        >>> equal_digests("d41d8cd9", "D41D8CD9")
        True
    """
    return hmac.compare_digest(found.lower().encode(), expected.lower().encode())


def matches_digest(path: FilePath, expected: str, algorithm: AlgorithmOrAuto = "auto") -> bool:
    """Whether a file or directory has the content that was expected.

    Use it where a wrong file has a remedy, such as downloading it again; else `check_digest`.

    Args:
        path: the file or directory.
        expected: hexadecimal digits, in upper or lower case.
        algorithm: `"sha256"`, `"md5"`, or `"auto"` to tell by the number of digits.

    Raises:
        UserInputError: unknown algorithm, or `expected` is not a digest.
        OSError: nothing is at the path, or it cannot be read.

    Examples:
        >>> import pathlib
        >>> from fkeras.io import matches_digest
        >>> _ = pathlib.Path("empty.bin").write_bytes(b"")
        >>> matches_digest("empty.bin", "D41D8CD98F00B204E9800998ECF8427E")
        True
    """
    return equal_digests(_digest(path, algorithm_for(expected, algorithm)), expected)


def check_digest(path: FilePath, expected: str, algorithm: AlgorithmOrAuto = "auto") -> None:
    """Refuses a file or directory whose content is not the one that was expected.

    Args:
        path: the file or directory.
        expected: hexadecimal digits, in upper or lower case.
        algorithm: `"sha256"`, `"md5"`, or `"auto"` to tell by the number of digits.

    Raises:
        DigestError: another content.
        UserInputError: unknown algorithm, or `expected` is not a digest.
        OSError: nothing is at the path, or it cannot be read.

    Examples:
        >>> import pathlib
        >>> from fkeras.io import check_digest
        >>> _ = pathlib.Path("empty.bin").write_bytes(b"")
        >>> check_digest("empty.bin", "d41d8cd98f00b204e9800998ecf8427e")
    """
    name = algorithm_for(expected, algorithm)
    found = _digest(path, name)
    if not equal_digests(found, expected):
        raise DigestError(
            f"'{path}' is damaged or not the file that was meant: expected {name} "
            f"{expected.lower()}, found {found}. Remove it and download it again; if it is a newer "
            "release that you trust, pass its own digest."
        )


def _digest(path: FilePath, algorithm: Algorithm) -> str:
    """Of a file or of a directory."""
    return (
        directory_digest(path, algorithm) if os.path.isdir(path) else file_digest(path, algorithm)
    )


def _known(algorithm: Algorithm) -> Algorithm:
    if algorithm not in _HASHERS:
        raise UserInputError(
            f"Unknown digest algorithm {algorithm!r}. Expected one of {', '.join(_HASHERS)}, or "
            "'auto' where there is a digest to compare with."
        )
    return algorithm


def _entries_below(root: Path) -> list[Path]:
    """Files, links and directories, in no order. A missing directory is an error, not empty."""

    def fail(error: OSError) -> None:
        raise error

    walk = os.walk(root, onerror=fail)
    return [Path(parent, name) for parent, folders, files in walk for name in [*folders, *files]]


def _kind_and_content(entry: Path, algorithm: Algorithm) -> tuple[str, str]:
    if entry.is_symlink():
        return "link", os.readlink(entry)
    if entry.is_dir():
        return "directory", ""
    return "file", file_digest(entry, algorithm)
