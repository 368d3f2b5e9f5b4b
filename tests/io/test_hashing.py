import hashlib
import os

import pytest

from fkeras.errors import DigestError, UserInputError
from fkeras.io import (
    algorithm_for,
    check_digest,
    directory_digest,
    equal_digests,
    file_digest,
    matches_digest,
)

ABC_SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4
ABC_MD5 = "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321


@pytest.fixture
def abc(tmp_path):
    path = tmp_path / "abc.txt"
    path.write_bytes(b"abc")
    return path


def test_digests_are_those_of_the_standards(abc):
    assert file_digest(abc) == file_digest(str(abc), "sha256") == ABC_SHA256
    assert file_digest(abc, "md5") == ABC_MD5


def test_a_file_of_many_pieces_has_the_digest_of_its_bytes(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "long").write_bytes(data)
    assert file_digest(tmp_path / "long") == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("digest", "algorithm"),
    [(ABC_SHA256, "auto"), (ABC_MD5, "auto"), (ABC_SHA256.upper(), "sha256"), (ABC_MD5, "md5")],
)
def test_the_right_digest_is_accepted_in_upper_and_lower_case(abc, digest, algorithm):
    assert matches_digest(abc, digest, algorithm)
    check_digest(abc, digest, algorithm)


def test_a_wrong_digest_is_refused_with_file_expected_found_and_remedy(abc):
    wrong = "0" * 64
    assert not matches_digest(abc, wrong)
    with pytest.raises(DigestError) as caught:
        check_digest(abc, wrong)
    for word in (str(abc), "sha256", wrong, ABC_SHA256, "download it again"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("digest", "algorithm"),
    [("", "auto"), ("abc", "auto"), (ABC_SHA256, "md5"), (ABC_MD5, "sha256"), ("z" * 64, "auto")],
)
def test_what_is_no_digest_is_refused_before_the_file_is_read(digest, algorithm):
    with pytest.raises(UserInputError, match="hexadecimal digits"):
        matches_digest("no such file", digest, algorithm)


def test_an_unknown_algorithm_is_refused_with_the_known_ones(abc):
    with pytest.raises(UserInputError, match="'sha1'. Expected one of sha256, md5"):
        file_digest(abc, "sha1")
    with pytest.raises(UserInputError, match="'sha1'"):
        algorithm_for(ABC_MD5, "sha1")
    with pytest.raises(UserInputError, match="'auto'"):
        file_digest(abc, "auto")


def test_equal_digests_ignores_case_and_accepts_any_text():
    assert equal_digests(ABC_MD5, ABC_MD5.upper())
    assert not equal_digests(ABC_MD5, "für")


def make_tree(folder):
    (folder / "layers" / "dense").mkdir(parents=True)
    (folder / "layers" / "dense" / "kernel").write_bytes(b"1234")
    (folder / "config.json").write_bytes(b"{}")
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("config.json")
    return folder


def rename(folder):
    (folder / "config.json").rename(folder / "conf.json")


def relink(folder):
    (folder / "link").unlink()
    (folder / "link").symlink_to("elsewhere")


def move_a_byte(folder):
    (folder / "config.json").write_bytes(b"{}1")
    (folder / "layers" / "dense" / "kernel").write_bytes(b"234")


CHANGES = {
    "content": lambda folder: (folder / "config.json").write_bytes(b"[]"),
    "name": rename,
    "link": relink,
    "a byte from file to file": move_a_byte,
    "empty folder": lambda folder: (folder / "empty").rmdir(),
    "folder for file": lambda folder: (
        (folder / "config.json").unlink(),
        (folder / "config.json").mkdir(),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_digest_of_a_directory_changes_with_what_is_in_it(tmp_path, change):
    folder = make_tree(tmp_path / "a")
    before = directory_digest(folder)
    CHANGES[change](folder)
    assert directory_digest(folder) != before


def test_the_digest_of_a_directory_is_the_same_elsewhere_and_later(tmp_path):
    first, second = make_tree(tmp_path / "a"), make_tree(tmp_path / "b")
    os.utime(second / "config.json", (0, 0))
    assert directory_digest(first, "md5") == directory_digest(second, "md5")
    check_digest(second, directory_digest(first))


def test_a_missing_file_or_directory_is_an_error(tmp_path):
    for read in (file_digest, directory_digest):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none")
