import gzip
import os
import stat
import tarfile
import zipfile

import pytest

from fkeras.errors import UserInputError
from fkeras.io import ExtractionLimits, extract_archive

from .archives import link, refused, tar_member, write_tar, write_zip, zip_link

SMALL = ExtractionLimits(ratio=2, always_allowed=25_000, members=5, depth=3)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../escaped", "leaves the folder"),
        ("a/../../escaped", "leaves the folder"),
        ("/tmp/escaped", "absolute"),
        ("C:/escaped", "drive letter"),
        ("a/C:/escaped", "drive letter"),
        ("..\\escaped", "backslash"),
        (".", "no name"),
    ],
)
def test_names_that_leave_the_folder_refuse_the_whole_archive(tmp_path, name, reason):
    tar = write_tar(tmp_path / "tar", tar_member("good", b"1"), tar_member(name, b"2"))
    zipped = write_zip(tmp_path / "zip", [("good", b"1"), (name, b"2")])
    for path in (tar, zipped):
        with refused(tmp_path / "out", str(path), f"'{name}'", reason):
            extract_archive(path, tmp_path / "out")


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "a/../../secret", "C:\\a", ""])
def test_links_that_point_out_are_refused(tmp_path, target):
    members = [tar_member("good", b"1"), link("bad", target)]
    paths = [write_tar(tmp_path / "soft", *members)]
    if target:
        paths.append(write_zip(tmp_path / "zip", [("good", b"1"), zip_link("bad", target)]))
    paths.append(write_tar(tmp_path / "hard", link("bad", target, tarfile.LNKTYPE)))
    for path in paths:
        with refused(tmp_path / "out", "'bad'", "is a link to"):
            extract_archive(path, tmp_path / "out")


def test_a_link_is_measured_from_its_own_folder(tmp_path):
    path = write_tar(tmp_path / "a", link("deep/er/up", "../../../secret"))
    with refused(tmp_path / "out", "points out of the folder"):
        extract_archive(path, tmp_path / "out")


def test_a_hard_link_to_what_is_not_in_the_archive_is_refused(tmp_path):
    path = write_tar(tmp_path / "a", link("bad", "none", tarfile.LNKTYPE))
    with refused(tmp_path / "out", "'bad'", "no file in it"):
        extract_archive(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        # Each link stays inside by its words; together they lead out.
        ([link("here", "."), link("out", "here/here/../../secret")], "leads out"),
        ([link("out", "here/here/../../secret"), link("here", ".")], "leads out"),
        ([link("a", "b"), link("a/escaped", "x")], "folder that is a link"),
        ([link("a", "b"), link("a/b/escaped", "x")], "folder that is a link"),
        ([tar_member("a/b", b"1"), link("a", "/tmp")], "points out"),
        ([tar_member("a/b", b"1"), link("a", "b")], "another member"),
        ([tar_member("a", b"1"), link("a/b", "c")], "another member"),
        ([tar_member("a", b"1"), link("a", "a", tarfile.LNKTYPE)], "another member"),
    ],
)
def test_tricks_with_links_are_refused(tmp_path, members, reason):
    path = write_tar(tmp_path / "a", *members)
    with refused(tmp_path / "out", reason):
        extract_archive(path, tmp_path / "out")


def test_files_are_never_written_through_a_link(tmp_path):
    members = [link("a", "b"), tar_member("b/c", b"1"), tar_member("a/d", b"2")]
    path = write_tar(tmp_path / "t", *members)
    with refused(tmp_path / "out", "'a'", "another member"):
        extract_archive(path, tmp_path / "out")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a")])
def test_a_name_that_is_a_file_and_a_folder_is_refused(tmp_path, names):
    path = write_tar(tmp_path / "a", *(tar_member(name, b"1") for name in names))
    with refused(tmp_path / "out", "a file and a folder at once"):
        extract_archive(path, tmp_path / "out")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused(tmp_path, kind):
    path = write_tar(tmp_path / "a", tar_member("good", b"1"), tar_member("device", type=kind))
    with refused(tmp_path / "out", "'device'", "neither a file nor a folder"):
        extract_archive(path, tmp_path / "out")


def test_devices_in_a_zip_are_refused(tmp_path):
    info = zipfile.ZipInfo("device")
    info.create_system, info.external_attr = 3, (stat.S_IFCHR | 0o666) << 16
    path = write_zip(tmp_path / "a", [(info, b"")])
    with refused(tmp_path / "out", "'device'", "neither a file nor a folder"):
        extract_archive(path, tmp_path / "out")


# -- bombs ------------------------------------------------------------------------------------


def test_a_zip_that_declares_too_much_is_refused(tmp_path):
    members = [("good", b"1"), ("bomb", bytes(10**6))]
    path = write_zip(tmp_path / "a", members, compression=zipfile.ZIP_DEFLATED)
    with refused(tmp_path / "out", "'bomb'", "declares more", "25000 bytes", "ratio"):
        extract_archive(path, tmp_path / "out", limits=SMALL)
    assert extract_archive(path, tmp_path / "out", limits=ExtractionLimits(ratio=1000))


def test_many_members_that_are_small_alone_are_counted_together(tmp_path):
    members = [(f"{i}", bytes(9000)) for i in range(3)]
    path = write_zip(tmp_path / "a", members, compression=zipfile.ZIP_DEFLATED)
    with refused(tmp_path / "out", "'2'", "declares more"):
        extract_archive(path, tmp_path / "out", limits=SMALL)


def test_a_zip_that_holds_more_than_it_declares_is_refused(tmp_path):
    path = write_zip(tmp_path / "a", [("bomb", bytes(10**6))], compression=zipfile.ZIP_DEFLATED)
    declared = (10**6).to_bytes(4, "little")
    assert path.read_bytes().count(declared) == 2
    path.write_bytes(path.read_bytes().replace(declared, (100).to_bytes(4, "little")))
    with refused(tmp_path / "out", "'bomb'", "damaged"):
        extract_archive(path, tmp_path / "out", limits=SMALL)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_tar_that_unpacks_to_too_much_is_refused(tmp_path, mode):
    path = write_tar(tmp_path / "a", tar_member("bomb", bytes(10**6)), mode=mode)
    with refused(tmp_path / "out", "'bomb'", "declares more"):
        extract_archive(path, tmp_path / "out", limits=SMALL)


def test_a_bomb_in_a_header_is_refused(tmp_path):
    path = write_tar(tmp_path / "a", tar_member("a" * 10**6, b"1"), mode="w:gz")
    with refused(tmp_path / "out", "more than the 25000 bytes"):
        extract_archive(path, tmp_path / "out", limits=SMALL)


def test_a_file_with_holes_counts_with_its_whole_size(tmp_path):
    header = tar_member("holes")[0]
    header.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(header.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"%011o\0" % 10**9  # the size with holes
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    (tmp_path / "a").write_bytes(bytes(block) + bytes(1024))
    with refused(tmp_path / "out", "'holes'", "declares more"):
        extract_archive(tmp_path / "a", tmp_path / "out", limits=SMALL)


def test_hard_links_count_as_the_copies_that_they_become(tmp_path):
    members = [tar_member("a", os.urandom(9000))]
    members += [link(f"{i}", "a", tarfile.LNKTYPE) for i in range(3)]
    path = write_tar(tmp_path / "t", *members, mode="w:gz")
    with refused(tmp_path / "out", "'1'", "holds more"):
        extract_archive(path, tmp_path / "out", limits=SMALL)


def test_too_many_members_are_refused(tmp_path):
    path = write_tar(tmp_path / "a", *(tar_member(f"{i}") for i in range(6)))
    with refused(tmp_path / "out", "'5'", "more than 5 members", "ExtractionLimits(members=...)"):
        extract_archive(path, tmp_path / "out", limits=SMALL)


def test_too_deep_folders_are_refused(tmp_path):
    path = write_zip(tmp_path / "a", [("1/2/3", b""), ("1/2/3/4", b"")])
    with refused(tmp_path / "out", "'1/2/3/4'", "4 levels deep", "ExtractionLimits(depth=...)"):
        extract_archive(path, tmp_path / "out", limits=SMALL)


def test_garbage_after_a_compressed_tar_is_refused(tmp_path):
    whole = write_tar(tmp_path / "a", tar_member("a", b"1")).read_bytes()
    (tmp_path / "a").write_bytes(gzip.compress(whole[:1024]) + b"garbage" * 100)
    with refused(tmp_path / "out", "damaged"):
        extract_archive(tmp_path / "a", tmp_path / "out")


@pytest.mark.parametrize(
    "wrong", [{"ratio": 0.5}, {"ratio": float("nan")}, {"members": 0}, {"always_allowed": -1}]
)
def test_limits_out_of_range_are_refused(wrong):
    with pytest.raises(UserInputError, match="ExtractionLimits expected"):
        ExtractionLimits(**wrong)
