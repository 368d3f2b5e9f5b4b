import hashlib
import io
import os
import pathlib
import tarfile
import zipfile

import pytest

import fkeras
from fkeras.errors import ArchiveError, DigestError, DownloadError, UserInputError

get_file = fkeras.utils.get_file
DIGITS = b"7 2 1"
SHA256 = hashlib.sha256(DIGITS).hexdigest()
MD5 = hashlib.md5(DIGITS).hexdigest()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    monkeypatch.setenv("KERAS_HOME", str(folder))
    return folder


def archive(kind, **files):
    data = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(data, "w") as file:
            for name, text in files.items():
                file.writestr(name, text)
    else:
        with tarfile.open(fileobj=data, mode="w:gz") as file:
            for name, text in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(text)
                file.addfile(info, io.BytesIO(text.encode()))
    return data.getvalue()


def test_a_file_is_downloaded_once(server, home, capsys):
    url = server.add("/digits.txt", DIGITS)
    path = get_file(origin=url, file_hash=SHA256)
    assert path == str(home / "datasets" / "digits.txt")
    assert pathlib.Path(path).read_bytes() == DIGITS
    shown = capsys.readouterr().out
    assert f"Downloading data from {url}" in shown and "5/5" in shown
    assert get_file(origin=url, file_hash=SHA256) == path
    assert len(server.requests) == 1 and capsys.readouterr().out == ""
    get_file(origin=url, force_download=True)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "arguments, place",
    [
        ({"fname": "own.txt"}, "home/datasets/own.txt"),
        ({"fname": pathlib.Path("own.txt")}, "home/datasets/own.txt"),
        ({"cache_subdir": "models/small"}, "home/models/small/digits.txt"),
        ({"cache_dir": "other"}, "other/datasets/digits.txt"),
        ({"cache_dir": "other", "cache_subdir": ""}, "other/digits.txt"),
        ({"md5_hash": MD5}, "home/datasets/digits.txt"),
        ({"file_hash": MD5, "hash_algorithm": "md5"}, "home/datasets/digits.txt"),
        ({"file_hash": SHA256, "hash_algorithm": "sha256"}, "home/datasets/digits.txt"),
    ],
)
def test_where_a_file_goes(server, tmp_path, monkeypatch, arguments, place):
    monkeypatch.chdir(tmp_path)
    path = get_file(origin=server.add("/digits.txt", DIGITS), **arguments)
    assert (tmp_path / path) == tmp_path / place and (tmp_path / place).read_bytes() == DIGITS


def test_an_absolute_folder_needs_no_cache(server, tmp_path, home):
    path = get_file("d.txt", server.add("/digits.txt", DIGITS), cache_subdir=str(tmp_path / "any"))
    assert path == str(tmp_path / "any" / "d.txt") and not home.exists()


def test_a_file_of_another_digest_is_downloaded_again(server, home, capsys):
    place = home / "datasets" / "digits.txt"
    place.parent.mkdir(parents=True)
    place.write_text("half")
    url = server.add("/digits.txt", DIGITS)
    get_file(origin=url)
    assert place.read_text() == "half"
    get_file(origin=url, file_hash=SHA256)
    assert place.read_bytes() == DIGITS
    assert "incomplete or outdated" in capsys.readouterr().out


def test_a_download_without_length_ends_its_line(server, capsys):
    get_file(origin=server.add("/digits.txt", DIGITS, has_length=False))
    assert capsys.readouterr().out.endswith("\n")


@pytest.mark.parametrize(
    "kind, arguments, archive_name, folder",
    [
        ("zip", {}, "data.zip_archive", "data.zip"),
        ("tar", {}, "data.zip_archive", "data.zip"),
        ("tar", {"fname": "digits"}, "digits_archive", "digits"),
        ("tar", {"fname": "digits.tar.gz"}, "digits.tar.gz", "digits_extracted"),
        ("zip", {"archive_format": ["tar", "zip"]}, "data.zip_archive", "data.zip"),
        ("tar", {"untar": True, "extract": False}, "data.zip_archive", "data.zip"),
    ],
)
def test_archives_are_extracted_where_keras_extracts_them(
    server, home, kind, arguments, archive_name, folder
):
    url = server.add("/data.zip", archive(kind, **{"train/a.txt": "one"}))
    path = get_file(origin=url, **{"extract": True, **arguments})
    assert path == str(home / "datasets" / folder)
    assert (home / "datasets" / archive_name).is_file()
    assert pathlib.Path(path, "train/a.txt").read_text() == "one"


def test_what_was_extracted_is_found_beside_it_as_with_keras_2(server, home):
    url = server.add("/data.zip", archive("zip", **{"train/a.txt": "one", "list.csv": "1"}))
    datasets = home / "datasets"
    datasets.mkdir(parents=True)
    (datasets / "list.csv").write_text("mine")
    folder = pathlib.Path(get_file("data.zip", url, extract=True))
    assert (folder.parent / "train" / "a.txt").read_text() == "one"
    assert (datasets / "list.csv").read_text() == "mine" and len(list(datasets.iterdir())) == 5
    get_file("data.zip", url, extract=True)
    assert os.readlink(datasets / "train") == os.path.join("data_extracted", "train")


@pytest.mark.parametrize(
    "arguments, inner",
    [({"untar": True}, "roses/a.jpg"), ({"extract": True}, "flowers/roses/a.jpg")],
)
def test_untar_gives_the_folder_of_the_archive_itself_if_it_has_that_name(
    server, home, arguments, inner
):
    url = server.add("/flowers.tgz", archive("tar", **{"flowers/roses/a.jpg": "red"}))
    path = get_file("flowers", url, **arguments)
    assert path == str(home / "datasets" / "flowers")
    assert [p.name for p in pathlib.Path(path).iterdir()] == [inner.partition("/")[0]]
    assert pathlib.Path(path, inner).read_text() == "red"
    assert pathlib.Path(get_file("flowers", url, **arguments), inner).is_file()


def test_what_a_user_does_in_an_extracted_folder_stays(server):
    url = server.add("/data.zip", archive("zip", **{"a.txt": "one", "b/c.txt": "two"}))
    folder = pathlib.Path(get_file(origin=url, extract=True))
    (folder / "a.txt").write_text("changed")
    (folder / "own.txt").write_text("mine")
    get_file(origin=url, extract=True)
    assert (folder / "a.txt").read_text() == "changed"  # nothing to do: all is there
    (folder / "b/c.txt").unlink()
    get_file(origin=url, extract=True)
    assert (folder / "b/c.txt").read_text() == "two" and (folder / "a.txt").read_text() == "one"
    assert (folder / "own.txt").read_text() == "mine" and len(server.requests) == 1


def test_a_folder_that_was_made_elsewhere_is_filled_up(server, home):
    folder = home / "datasets" / "data.zip"
    (folder / "a.txt").mkdir(parents=True)
    (folder / "b").write_text("a file where the archive has a folder")
    url = server.add("/data.zip", archive("zip", **{"a.txt": "one", "b/c.txt": "two"}))
    get_file(origin=url, extract=True)
    assert (folder / "a.txt").read_text() == "one" and (folder / "b/c.txt").read_text() == "two"


def test_an_archive_that_leaves_its_folder_changes_nothing(server, home):
    url = server.add("/data.zip", archive("tar", **{"a.txt": "one", "../evil.txt": "two"}))
    with pytest.raises(ArchiveError, match="evil"):
        get_file(origin=url, extract=True)
    assert [p.name for p in (home / "datasets").iterdir()] == ["data.zip_archive"]


def test_what_is_no_archive_is_told(server):
    with pytest.warns(UserWarning, match="Could not extract archive"):
        get_file(origin=server.add("/digits.txt", DIGITS), extract=True)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"fname": "digits.txt"}, "`origin` argument"),
        ({"origin": "http://h/a", "fname": "../a"}, "no longer accepted"),
        ({"origin": "http://h/a", "fname": "b/a"}, "no longer accepted"),
        ({"origin": "http://h/a", "fname": ".."}, "leaves the folder"),
        ({"origin": "http://h/"}, "Pass a name"),
        ({"origin": "ftp://h/a"}, "its scheme is 'ftp'"),
        ({"origin": "http://h/a", "file_hash": "12"}, "digest"),
    ],
)
def test_wrong_arguments(arguments, said):
    with pytest.raises(UserInputError, match=said):
        get_file(**arguments)


@pytest.mark.parametrize(
    "page, digest, kind",
    [({"statuses": [404]}, None, DownloadError), ({}, "0" * 64, DigestError)],
)
def test_a_failure_says_where_to_put_a_copy(server, home, page, digest, kind):
    url = server.add("/digits.txt", DIGITS, **page)
    with pytest.raises(kind) as caught:
        get_file(origin=url, file_hash=digest)
    assert url in str(caught.value) and str(home / "datasets" / "digits.txt") in str(caught.value)
    assert [p.name for p in (home / "datasets").iterdir()] == []
