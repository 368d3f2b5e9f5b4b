"""Archives for the tests, good ones and bad ones."""

import contextlib
import io
import stat
import tarfile
import warnings
import zipfile

import pytest

from fkeras.errors import ArchiveError


def tar_member(name, data=b"", **fields):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    return member, io.BytesIO(data)


def write_tar(path, *members, mode="w", **options):
    with tarfile.open(path, mode, **options) as file:
        for member, content in members:
            file.addfile(member, content)
    return path


def link(name, target, kind=tarfile.SYMTYPE):
    return tar_member(name, type=kind, linkname=target)


def write_zip(path, members, **options):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", **options) as file:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, data in members:
            file.writestr(name, data)
    return path


def zip_link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, target


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@contextlib.contextmanager
def refused(folder, *words):
    """The block raises an error with these words, and leaves neither the folder nor traces."""
    before = set(folder.parent.rglob("*"))
    with pytest.raises(ArchiveError, match="was not extracted") as caught:
        yield
    for word in words:
        assert word in str(caught.value)
    assert set(folder.parent.rglob("*")) == before
    assert not folder.exists()
