import errno
import hashlib
import json
import os
import subprocess
import sys

import pytest

from fkeras.errors import DigestError, DownloadError, UserInputError
from fkeras.io import Patience, download
from fkeras.io.partial_file import PartialFile

DATA = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(DATA).hexdigest()
HALF = len(DATA) // 2
AT_ONCE = Patience(timeout=600.0, attempts=3, first_wait=0.0)
ONCE = Patience(timeout=600.0, attempts=1)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "files" / "digits.npz"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


# -- what goes well ---------------------------------------------------------------------------


@pytest.mark.parametrize("has_length", [True, False])
@pytest.mark.parametrize("digest", [None, SHA256, hashlib.md5(DATA).hexdigest()])
def test_a_file_arrives_whole_and_nothing_else_stays(server, place, digest, has_length):
    url = server.add("/digits.npz", DATA, has_length=has_length)
    assert download(url, str(place), digest=digest) == place
    assert place.read_bytes() == DATA
    assert names_in(place.parent) == ["digits.npz"]


def test_an_empty_file_arrives_too(server, place):
    download(server.add("/empty", b""), place)
    assert place.read_bytes() == b""


def test_progress_is_reported_in_bytes_of_all_bytes(server, place):
    steps = []
    url = server.add("/digits.npz", DATA)
    download(url, place, progress=lambda done, total: steps.append((done, total)))
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert steps[-1] == (len(DATA), len(DATA))
    steps.clear()
    url = server.add("/unknown", DATA, has_length=False)
    download(url, place, force=True, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (len(DATA), None)


def test_a_file_that_is_there_is_not_asked_for_again_unless_forced(server, place):
    url = server.add("/digits.npz", DATA)
    for _ in range(2):
        download(url, place, digest=SHA256)
    assert len(server.requests) == 1
    download(url, place, force=True)
    assert len(server.requests) == 2


def test_a_file_with_another_digest_is_downloaded_again(server, place):
    place.parent.mkdir()
    place.write_bytes(b"outdated")
    url = server.add("/digits.npz", DATA)
    assert download(url, place).read_bytes() == b"outdated"
    assert download(url, place, digest=SHA256).read_bytes() == DATA


def test_files_of_this_computer_are_copied(tmp_path, place):
    (tmp_path / "original").write_bytes(DATA)
    download((tmp_path / "original").as_uri(), place, digest=SHA256)
    assert place.read_bytes() == DATA


def test_two_processes_at_once_download_a_file_once(server, place):
    url = server.add("/digits.npz", DATA, waits=True)
    code = "import sys; from fkeras.io import download; print(); download(*sys.argv[1:])"
    command = [sys.executable, "-u", "-c", code, url, str(place)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as first,
        subprocess.Popen(command, stdout=subprocess.PIPE) as second,
    ):
        for process in (first, second):
            process.stdout.readline()
        server.released.set()
    assert (first.returncode, second.returncode) == (0, 0)
    assert place.read_bytes() == DATA
    assert len(server.requests) == 1
    assert names_in(place.parent) == ["digits.npz"]


# -- going on where it ended ------------------------------------------------------------------


def test_a_dropped_connection_goes_on_where_it_ended(server, place):
    url = server.add("/digits.npz", DATA, drops=[HALF, HALF + 1000, None])
    done = []
    download(
        url, place, progress=lambda bytes_so_far, _: done.append(bytes_so_far), patience=AT_ONCE
    )
    assert place.read_bytes() == DATA
    assert server.ranges() == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]
    assert done == sorted(done)


def test_the_next_call_goes_on_where_the_last_one_ended(server, place):
    url = server.add("/digits.npz", DATA, drops=[HALF, None])
    with pytest.raises(DownloadError, match=f"after {HALF} of {len(DATA)} bytes"):
        download(url, place, patience=ONCE)
    assert names_in(place.parent) == ["digits.npz.part", "digits.npz.part.json"]
    download(url, place, digest=SHA256, patience=ONCE)
    assert server.ranges() == [None, f"bytes={HALF}-"]
    assert names_in(place.parent) == ["digits.npz"]


RESTARTS = {
    "no ranges": {"has_ranges": False},
    "another version": {"etag": '"second"'},
    "no ETag any more": {"etag": None},
    "shorter": {"data": DATA[:HALF]},
    "another part": {"wrong_range": f"bytes {HALF - 1}-{len(DATA) - 1}/{len(DATA)}"},
    "a part of something longer": {"wrong_range": f"bytes {HALF}-{len(DATA)}/{len(DATA) + 1}"},
}


@pytest.mark.parametrize("change", RESTARTS)
def test_what_cannot_be_continued_starts_anew(server, place, change):
    url = server.add("/digits.npz", bytes(len(DATA)), drops=[HALF])
    with pytest.raises(DownloadError):
        download(url, place, patience=ONCE)
    page = {"data": DATA, **RESTARTS[change]}
    server.add("/digits.npz", **page)
    expected = page["data"]
    download(url, place, digest=hashlib.sha256(expected).hexdigest(), patience=AT_ONCE)
    assert place.read_bytes() == expected


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_word_for_the_version_nothing_is_continued(server, place, etag):
    url = server.add("/digits.npz", DATA, etag=etag, drops=[HALF, None])
    download(url, place, digest=SHA256, patience=AT_ONCE)
    assert server.ranges() == [None, None]


def test_a_part_of_another_address_is_not_continued(server, place):
    with pytest.raises(DownloadError):
        download(server.add("/a", bytes(len(DATA)), drops=[HALF]), place, patience=ONCE)
    download(server.add("/b", DATA), place, patience=ONCE)
    assert place.read_bytes() == DATA
    assert server.ranges() == [None, None]


def test_a_damaged_part_gets_a_second_chance(server, place):
    url = server.add("/digits.npz", DATA, drops=[HALF, None])
    with pytest.raises(DownloadError):
        download(url, place, patience=ONCE)
    PartialFile(place).path.write_bytes(bytes(HALF))
    download(url, place, digest=SHA256, patience=ONCE)
    assert server.ranges() == [None, f"bytes={HALF}-", None]
    assert place.read_bytes() == DATA


@pytest.mark.parametrize("notes", ["", "{}", "[1, 2, 3]", '["url"', json.dumps(["url", "2", None])])
def test_damaged_notes_on_a_part_count_as_none(place, notes):
    place.parent.mkdir()
    place.with_name("digits.npz.part").write_bytes(b"1")
    place.with_name("digits.npz.part.json").write_text(notes)
    assert PartialFile(place).version("url") is None


# -- what goes wrong --------------------------------------------------------------------------


def test_a_wrong_digest_is_an_error_that_keeps_the_earlier_file(server, place):
    place.parent.mkdir()
    place.write_bytes(b"earlier")
    url = server.add("/digits.npz", b"forged")
    with pytest.raises(DigestError) as caught:
        download(url, place, digest=SHA256, patience=AT_ONCE)
    for word in (url, SHA256, hashlib.sha256(b"forged").hexdigest(), "Try again"):
        assert word in str(caught.value)
    assert len(server.requests) == 1
    assert place.read_bytes() == b"earlier"
    assert names_in(place.parent) == ["digits.npz"]


def test_failures_that_may_pass_are_tried_again_up_to_a_limit(server, place, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    url = server.add("/busy", DATA, statuses=[503, 429, 200])
    download(url, place, patience=Patience(first_wait=4.0, attempts=3))
    assert waits == [4.0, 8.0]
    url = server.add("/broken", DATA, statuses=[500])
    with pytest.raises(DownloadError, match=r"answered 500 .*attempt 3 of 3.*Try again later"):
        download(url, place, force=True, patience=Patience(first_wait=4.0, attempts=3))
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("status", "advice"), [(404, "new address"), (403, "headers"), (401, "login"), (400, "later")]
)
def test_failures_that_stay_are_not_tried_again(server, place, status, advice):
    url = server.add("/none", statuses=[status])
    with pytest.raises(DownloadError, match=f"'{url}': the server answered {status} .*{advice}"):
        download(url, place)
    assert len(server.requests) == 1
    assert not list(place.parent.iterdir())


def test_a_silent_server_is_given_up(server, place):
    url = server.add("/silent", waits=True)
    with pytest.raises(DownloadError, match="fell silent|timed out"):
        download(url, place, patience=Patience(timeout=0.05, attempts=1))


def test_no_server_at_all_is_an_error_with_the_address(server, place):
    url = server.url("/digits.npz")
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match=f"'{url}': it was not reached .*Check the address"):
        download(url, place, patience=AT_ONCE)


def test_a_missing_file_of_this_computer_is_not_tried_again(tmp_path, place):
    with pytest.raises(DownloadError, match="attempt 1 of"):
        download((tmp_path / "none").as_uri(), place)


@pytest.mark.parametrize("at_byte", [0, 300_000])
def test_a_full_disk_leaves_the_earlier_file_and_no_part(server, place, at_byte):
    place.parent.mkdir()
    place.write_bytes(b"earlier")

    def progress(done, total):
        if done > at_byte:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        download(server.add("/digits.npz", DATA), place, force=True, progress=progress)
    assert names_in(place.parent) == ["digits.npz"]
    assert place.read_bytes() == b"earlier"


def test_a_disk_that_fails_at_the_last_step_leaves_the_earlier_file(server, place, monkeypatch):
    place.parent.mkdir()
    place.write_bytes(b"earlier")

    def replace(source, target):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="Read-only"):
        download(server.add("/digits.npz", DATA), place, force=True)
    assert place.read_bytes() == b"earlier"


def test_a_ctrl_c_keeps_what_arrived(server, place):
    def progress(done, total):
        raise KeyboardInterrupt

    url = server.add("/digits.npz", DATA)
    with pytest.raises(KeyboardInterrupt):
        download(url, place, progress=progress)
    assert names_in(place.parent) == ["digits.npz.part", "digits.npz.part.json"]
    download(url, place, digest=SHA256)
    assert server.ranges()[1] is not None


def test_mistakes_in_arguments_are_found_before_anything_is_asked(server, tmp_path):
    url = server.add("/digits.npz", DATA)
    with pytest.raises(UserInputError, match="hexadecimal"):
        download(url, tmp_path / "a", digest="123")
    with pytest.raises(UserInputError, match="is a directory"):
        download(url, tmp_path)
    with pytest.raises(UserInputError, match="Cannot download"):
        download("ftp://files.example/a", tmp_path / "a")
    assert not server.requests


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"attempts": 0}, {"first_wait": -1.0}])
def test_patience_out_of_range_is_refused(wrong):
    with pytest.raises(UserInputError, match="Patience expected"):
        Patience(**wrong)
