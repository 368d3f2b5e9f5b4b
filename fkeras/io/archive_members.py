"""Reading archives member by member: zip and tar (plain, gzip, bzip2, xz) in one form.

A tar is read as a stream, front to back, so that a bomb is noticed before it is unpacked.
"""

import bz2
import contextlib
import dataclasses
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import IO, Literal, TypeAlias, cast

from fkeras.errors import ArchiveError
from fkeras.io.paths import FilePath
from fkeras.io.tar_stream import LimitedStream, Readable, StrictHeader

ArchiveFormat: TypeAlias = Literal["tar", "zip"]
MemberKind: TypeAlias = Literal["file", "directory", "symbolic link", "hard link", "other"]

_LONGEST_LINK = 4096
# ValueError and struct.error: numbers and names in headers that are none.
_DAMAGED = (
    EOFError,
    ValueError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)
_OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


@dataclasses.dataclass(frozen=True)
class Member:
    """One entry of an archive, as the archive declares it.

    Args:
        name: relative name with `/` between its parts; not yet checked.
        kind: what it is.
        size: of its content, in bytes, as declared.
        target: of a link, from the link's own folder for a symbolic link and from the archive's
            root for a hard link.
        executable: whether its owner may run it.
    """

    name: str
    kind: MemberKind
    size: int = 0
    target: str = ""
    executable: bool = False


def detect_format(path: FilePath) -> ArchiveFormat | None:
    """Which kind of archive a file is, by its content: a name may be anything.

    Args:
        path: the file.

    Returns:
        `"tar"`, compressed or not, or `"zip"`; None for what is neither, such as one compressed
        table.

    Raises:
        OSError: the file does not exist or cannot be read.

    Examples:
        >>> import zipfile
        >>> from fkeras.io import detect_format
        >>> zipfile.ZipFile("digits.tar", "w").close()
        >>> detect_format("digits.tar")
        'zip'
    """
    with open(path, "rb") as file:
        if file.read(4) in (b"PK\x03\x04", b"PK\x05\x06"):
            return "zip"
    if _begins_like_tar(path):
        return "tar"
    # A zip file may have a program in front of it.
    return "zip" if zipfile.is_zipfile(path) else None


def read_members(
    path: Path, archive_format: ArchiveFormat, allowed_bytes: int
) -> Generator[tuple[Member, Readable], None, None]:
    """Members in the order of the archive, each with its content, to be read before the next one.

    Args:
        path: the archive.
        archive_format: its format.
        allowed_bytes: how long a tar may be, with headers, once it is not compressed.

    Yields:
        Pairs of a member and its content, which is empty for all but files.

    Raises:
        ArchiveError: the archive is damaged, encrypted or longer than allowed.
    """
    reader = _read_zip(path) if archive_format == "zip" else _read_tar(path, allowed_bytes)
    with contextlib.closing(reader), _damage_named(path):
        while (found := next(reader, None)) is not None:
            member, content = found
            yield member, _NamedDamage(content, path, member.name)


def _begins_like_tar(path: FilePath) -> bool:
    """Whether the first block, without its compression, is a header with the right sum."""
    try:
        with _decompressed(path) as file:
            header = file.read(tarfile.BLOCKSIZE)
        tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except _DAMAGED:
        return False
    except OSError as error:
        if error.errno is not None:
            raise
        return False
    return True


def _decompressed(path: FilePath) -> IO[bytes]:
    """A file's content, as it was before gzip, bzip2 or xz."""
    with open(path, "rb") as file:
        start = file.read(6)
    for magic, opener in _OPENERS.items():
        if start.startswith(magic):
            return cast(IO[bytes], opener(path, "rb"))
    return open(path, "rb")


def _read_tar(path: Path, allowed_bytes: int) -> Generator[tuple[Member, Readable], None, None]:
    with _decompressed(path) as file:
        stream = cast(IO[bytes], LimitedStream(file, path, allowed_bytes))
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=StrictHeader) as archive:
            for info in archive:
                content = archive.extractfile(info) if info.isreg() else None
                yield _member_of_tar(info), content or io.BytesIO()


def _member_of_tar(info: tarfile.TarInfo) -> Member:
    kinds: tuple[tuple[bool, MemberKind], ...] = (
        (info.isreg(), "file"),
        (info.isdir(), "directory"),
        (info.issym(), "symbolic link"),
        (info.islnk(), "hard link"),
    )
    kind: MemberKind = next((kind for is_kind, kind in kinds if is_kind), "other")
    size = info.size if kind == "file" else 0
    return Member(info.name, kind, size, info.linkname, bool(info.mode & stat.S_IXUSR))


def _read_zip(path: Path) -> Generator[tuple[Member, Readable], None, None]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                yield Member(info.filename, "directory"), io.BytesIO()
                continue
            with archive.open(info) as content:
                member = _member_of_zip(info, content)
                yield member, content if member.kind == "file" else io.BytesIO()


def _member_of_zip(info: zipfile.ZipInfo, content: Readable) -> Member:
    """Unix's kind is in the upper half of a field; zero where another system made the archive."""
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        target = content.read(_LONGEST_LINK).decode("utf-8", "surrogateescape")
        return Member(info.filename, "symbolic link", target=target)
    plain = stat.S_IFMT(mode) in (0, stat.S_IFREG)
    kind: MemberKind = "file" if plain else "other"
    return Member(info.filename, kind, info.file_size, executable=bool(mode & stat.S_IXUSR))


@contextlib.contextmanager
def _damage_named(path: Path, member: str | None = None) -> Generator[None, None, None]:
    """Turns what the readers raise for damaged archives into an error with the file and member."""
    where = f"'{path}' was not extracted: " + (f"its member '{member}'" if member else "it")
    try:
        yield
    except ArchiveError:
        raise
    except _DAMAGED as error:
        raise ArchiveError(f"{where} is damaged ({error}). Download it again.") from error
    except OSError as error:
        # gzip and bz2 raise it without a number for damaged data; with one, it is the disk.
        if error.errno is not None:
            raise
        raise ArchiveError(f"{where} is damaged ({error}). Download it again.") from error
    except RuntimeError as error:
        # zipfile's words for a password, and for a compression that this Python does not have.
        raise ArchiveError(
            f"{where} cannot be read ({error}). Extract it with another program."
        ) from error


class _NamedDamage:
    """A member's content whose errors say which member of which archive is damaged."""

    def __init__(self, content: Readable, path: Path, member: str) -> None:
        self._content, self._path, self._member = content, path, member

    def read(self, size: int, /) -> bytes:
        with _damage_named(self._path, self._member):
            return self._content.read(size)
