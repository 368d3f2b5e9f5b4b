"""A tar that is not trusted, as `tarfile` should read it: not too long, and to its end."""

import tarfile
from pathlib import Path
from typing import Protocol, Self

from fkeras.errors import ArchiveError


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


class StrictHeader(tarfile.TarInfo):
    """A header of a tar. tarfile takes a damaged one for the end of the archive; this does not."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Reads a header; tarfile calls this.

        Args:
            buf: 512 bytes, or fewer where the file ends.
            encoding: of names.
            errors: what to do with names that are not of that encoding.

        Raises:
            tarfile.ReadError: no header, and not the empty one that ends an archive either.
        """
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            is_end = len(buf) == tarfile.BLOCKSIZE and not any(buf)
            if is_end:
                raise
            raise tarfile.ReadError(f"{error}, before the mark of the end") from error


class LimitedStream:
    """A tar's bytes, up to a limit: headers too can be bombs, and are read into memory at once.

    Args:
        file: the tar, not compressed.
        path: of the archive, for messages.
        allowed_bytes: how much may be read.
    """

    def __init__(self, file: Readable, path: Path, allowed_bytes: int) -> None:
        self._file, self._path = file, path
        self._allowed = self._left = allowed_bytes

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end.

        Args:
            size: in bytes.

        Raises:
            ArchiveError: more was read than is allowed.
        """
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ArchiveError(
                f"'{self._path}' was not extracted: more than the {self._allowed} bytes that may "
                "come out of it are inside. If you trust it, pass ExtractionLimits(ratio=...)."
            )
        return data
