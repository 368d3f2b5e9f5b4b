import errno
import gzip
import io
import pathlib
import random
import stat
import tarfile
import zipfile

import pytest

from fkeras.errors import UserInputError
from fkeras.io import archive, detect_format, extract_archive

from .archives import files_in, link, refused, tar_member, write_tar, write_zip, zip_link

TREE = {"train/labels.txt": b"7 2 1", "train/deep/er/Füße 数字.bin": bytes(3000), "empty.txt": b""}
TAR_MODES = ["w", "w:gz", "w:bz2", "w:xz"]


# -- what goes well ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", TAR_MODES)
@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_tars_of_all_compressions_are_extracted_whatever_their_name(tmp_path, mode, style):
    members = [tar_member(name, data) for name, data in TREE.items()]
    path = write_tar(tmp_path / "a.zip", *members, mode=mode, format=style)
    assert detect_format(path) == "tar"
    assert extract_archive(str(path), str(tmp_path / "out"))
    assert files_in(tmp_path / "out") == TREE
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "out"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("prefix", [b"", b"#!/bin/sh\n"])
def test_zips_are_extracted_whatever_their_name(tmp_path, compression, prefix):
    path = write_zip(tmp_path / "a.tar", TREE.items(), compression=compression)
    path.write_bytes(prefix + path.read_bytes())
    assert detect_format(path) == "zip"
    assert extract_archive(path, tmp_path / "out")
    assert files_in(tmp_path / "out") == TREE


def test_a_tar_that_ends_with_a_zip_is_a_tar(tmp_path):
    inner = write_zip(tmp_path / "inner", TREE.items()).read_bytes()
    path = write_tar(tmp_path / "outer", tar_member("inner.zip", inner))
    assert extract_archive(path, tmp_path / "out")
    assert files_in(tmp_path / "out") == {"inner.zip": inner}


def test_empty_folders_and_the_root_itself_are_extracted(tmp_path):
    folders = [tar_member(name, type=tarfile.DIRTYPE) for name in ("./", "./a", "./a/b/")]
    assert extract_archive(write_tar(tmp_path / "t", *folders), tmp_path / "tar")
    assert extract_archive(write_zip(tmp_path / "z", [("a/b/", b"")]), tmp_path / "zip")
    for name in ("tar", "zip"):
        assert (tmp_path / name / "a" / "b").is_dir()


def test_of_a_name_that_is_there_twice_the_later_counts(tmp_path):
    members = [("a", b"earlier, longer"), ("a", b"later")]
    path = write_tar(tmp_path / "t", *(tar_member(*member) for member in members))
    extract_archive(path, tmp_path / "tar")
    extract_archive(write_zip(tmp_path / "z", members), tmp_path / "zip")
    assert files_in(tmp_path / "tar") == files_in(tmp_path / "zip") == {"a": b"later"}


def test_programs_stay_programs_and_nothing_else_is_taken_over(tmp_path):
    members = [tar_member("run", b"", mode=0o4755, uid=77), tar_member("data", b"", mode=0o000)]
    extract_archive(write_tar(tmp_path / "a", *members), tmp_path / "out")
    modes = [(tmp_path / "out" / name).stat().st_mode for name in ("run", "data")]
    (tmp_path / "plain").touch()
    plain = (tmp_path / "plain").stat().st_mode
    assert modes == [plain | stat.S_IXUSR, plain]


def test_links_that_stay_inside_are_made(tmp_path):
    members = [
        link("first", "train/labels.txt"),  # before what it points to
        tar_member("train/labels.txt", b"7"),
        link("train/up", "../train/labels.txt"),
        link("copy", "train/labels.txt", tarfile.LNKTYPE),
    ]
    extract_archive(write_tar(tmp_path / "a", *members), tmp_path / "out")
    assert set(files_in(tmp_path / "out").values()) == {b"7"}
    assert (tmp_path / "out" / "train" / "up").is_symlink()
    assert not (tmp_path / "out" / "copy").is_symlink()
    path = write_zip(tmp_path / "z", [("a", b"7"), zip_link("b", "a")])
    extract_archive(path, tmp_path / "zip")
    assert (tmp_path / "zip" / "b").readlink() == pathlib.Path("a")


# -- which formats ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "accepts_tar", "accepts_zip"),
    [
        ("auto", True, True),
        ("tar", True, False),
        ("zip", False, True),
        (["zip", "tar"], True, True),
        (None, False, False),
        ([], False, False),
    ],
)
def test_only_the_accepted_formats_are_extracted(tmp_path, choice, accepts_tar, accepts_zip):
    tar, zipped = write_tar(tmp_path / "a", tar_member("a")), write_zip(tmp_path / "b", [("b", "")])
    assert extract_archive(tar, tmp_path / "tar", choice) is accepts_tar
    assert extract_archive(zipped, tmp_path / "zip", choice) is accepts_zip
    assert (tmp_path / "tar").exists() is accepts_tar


@pytest.mark.parametrize("choice", ["rar", ["tar", "rar"], "tar.gz"])
def test_an_unknown_format_is_refused(tmp_path, choice):
    with pytest.raises(UserInputError, match="`archive_format` expected"):
        extract_archive(tmp_path / "none", tmp_path / "out", choice)


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"x" * 2000, bytes(2000), b"\x1f\x8bgarbage", b"BZh9"]
)
def test_other_files_are_no_archives(tmp_path, data):
    (tmp_path / "a.tar.gz").write_bytes(data)
    assert detect_format(tmp_path / "a.tar.gz") is None
    assert extract_archive(tmp_path / "a.tar.gz", tmp_path / "out") is False
    assert not (tmp_path / "out").exists()


def test_one_compressed_table_is_no_archive(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"1,2,3\n" * 1000))
    assert detect_format(tmp_path / "a.csv.gz") is None


def test_a_missing_archive_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        extract_archive(tmp_path / "none", tmp_path / "out")


# -- all or nothing ---------------------------------------------------------------------------


def test_a_full_folder_is_replaced_only_when_asked(tmp_path):
    path = write_zip(tmp_path / "a", [("new", b"1")])
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(UserInputError, match="not empty.*overwrite=True"):
        extract_archive(path, out)
    assert files_in(out) == {"mine": b""}
    extract_archive(path, out, overwrite=True)
    assert files_in(out) == {"new": b"1"}


def test_a_full_disk_leaves_the_earlier_folder_and_no_traces(tmp_path, monkeypatch):
    path = write_tar(tmp_path / "a", tar_member("a", b"1"), tar_member("b", b"2"))
    out = tmp_path / "out"
    extract_archive(write_zip(tmp_path / "z", [("earlier", b"0")]), out)

    class FullDisk(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "open", lambda *args: FullDisk(), raising=False)
    with pytest.raises(OSError, match="No space left"):
        extract_archive(path, out, overwrite=True)
    assert files_in(out) == {"earlier": b"0"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "out", "z"]


@pytest.mark.parametrize(
    ("mode", "options"),
    [("w", {}), ("w:gz", {}), ("w:bz2", {"compresslevel": 1}), ("w:xz", {"preset": 0})],
)
def test_a_tar_that_ends_early_is_refused(tmp_path, mode, options):
    noise = random.Random(0).randbytes(2**18)  # more than a small block of bzip2
    members = tar_member("a", noise), tar_member("b", noise)
    path = write_tar(tmp_path / "a", *members, mode=mode, **options)
    whole = path.read_bytes()
    cut = 512 + 2**18 + 100 if mode == "w" else len(whole) * 2 // 3  # in the header of "b"
    path.write_bytes(whole[:cut])
    with refused(tmp_path / "out", str(path), "damaged", "Download it again"):
        extract_archive(path, tmp_path / "out")


def test_a_tar_with_a_damaged_header_is_refused_though_tarfile_would_stop_there(tmp_path):
    path = write_tar(tmp_path / "a", tar_member("a", b"1"), tar_member("b", b"2"))
    data = bytearray(path.read_bytes())
    data[1024] ^= 1
    path.write_bytes(data)
    with refused(tmp_path / "out", "damaged"):
        extract_archive(path, tmp_path / "out")


def test_a_zip_with_a_damaged_member_is_refused(tmp_path):
    path = write_zip(tmp_path / "a", [("good", b"1" * 50), ("bad", b"2" * 50)])
    path.write_bytes(path.read_bytes().replace(b"2" * 50, b"3" * 50))
    with refused(tmp_path / "out", str(path), "'bad'", "damaged"):
        extract_archive(path, tmp_path / "out")


def test_an_encrypted_zip_is_refused(tmp_path):
    path = write_zip(tmp_path / "a", [("secret", b"1")])
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    path.write_bytes(data)
    with refused(tmp_path / "out", "encrypted", "another program"):
        extract_archive(path, tmp_path / "out")
