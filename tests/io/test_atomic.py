import errno
import os
import pathlib
import stat

import pytest

from fkeras.errors import UserInputError
from fkeras.io import atomic, move_into_place, replacing_directory, replacing_file


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def full_disk(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_new_file_is_made_with_the_folders_above_it(tmp_path):
    path = tmp_path / "a" / "b" / "weights.h5"
    with replacing_file(path) as temporary:
        assert temporary.name == "weights.h5"
        temporary.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert names_in(path.parent) == ["weights.h5"]


@pytest.mark.parametrize("mistake", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_midway_leaves_the_earlier_file_and_nothing_else(tmp_path, mistake):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"earlier")
    with pytest.raises(mistake), replacing_file(str(path)) as temporary:
        temporary.write_bytes(b"ne")
        raise mistake
    assert path.read_bytes() == b"earlier"
    assert names_in(tmp_path) == ["weights.h5"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_end_leaves_the_earlier_file(tmp_path, monkeypatch, step):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"earlier")
    monkeypatch.setattr(os, step, full_disk)
    with pytest.raises(OSError, match="No space left"), replacing_file(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"earlier"
    assert names_in(tmp_path) == ["weights.h5"]


def test_the_file_is_flushed_before_it_is_moved(tmp_path, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        genuine = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, genuine=genuine: (steps.append(name), genuine(*args))
        )
    with replacing_file(tmp_path / "a") as temporary:
        temporary.write_bytes(b"new")
    assert steps[:2] == ["fsync", "replace"]


def test_permissions_of_the_earlier_file_stay(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"earlier")
    path.chmod(0o640)
    with replacing_file(path) as temporary:
        temporary.write_bytes(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    with replacing_file(tmp_path / "replaced") as temporary:
        temporary.touch()
    assert (tmp_path / "plain").stat().st_mode == (tmp_path / "replaced").stat().st_mode


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "real").write_bytes(b"earlier")
    (tmp_path / "link").symlink_to("disk/real")
    with replacing_file(tmp_path / "link") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "disk" / "real").read_bytes() == b"new"


def test_forgetting_to_write_is_an_error_and_keeps_the_earlier_file(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"earlier")
    with pytest.raises(UserInputError, match="Nothing was written"), replacing_file(path):
        pass
    assert path.read_bytes() == b"earlier"


def test_a_file_does_not_replace_a_directory_nor_a_directory_a_file(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserInputError, match="is a directory"), replacing_file(tmp_path / "folder"):
        pass
    with pytest.raises(UserInputError, match="is a file"), replacing_directory(tmp_path / "file"):
        pass
    assert names_in(tmp_path) == ["file", "folder"]


def test_a_directory_is_replaced_with_all_that_is_in_it(tmp_path):
    place = tmp_path / "checkpoint"
    (place / "old").mkdir(parents=True)
    with replacing_directory(place) as temporary:
        (temporary / "deep" / "er").mkdir(parents=True)
        (temporary / "deep" / "er" / "new.bin").write_bytes(b"new")
        (temporary / "link").symlink_to("nowhere")
        assert names_in(place) == ["old"]
    assert names_in(place) == ["deep", "link"]
    assert (place / "deep" / "er" / "new.bin").read_bytes() == b"new"
    assert names_in(tmp_path) == ["checkpoint"]


@pytest.mark.parametrize("exists", [True, False])
def test_an_exception_midway_leaves_the_earlier_directory_and_nothing_else(tmp_path, exists):
    place = tmp_path / "checkpoint"
    if exists:
        place.mkdir()
        (place / "step.txt").write_text("12")
    with pytest.raises(OSError, match="No space"), replacing_directory(place) as temporary:
        (temporary / "step.txt").write_text("13")
        full_disk()
    assert names_in(tmp_path) == (["checkpoint"] if exists else [])
    assert not exists or (place / "step.txt").read_text() == "12"


@pytest.fixture
def cannot_swap(monkeypatch):
    """A system, or a file system, that has no exchange of two directories."""
    monkeypatch.setattr(atomic, "_swap", lambda one, other: False)


def test_a_directory_is_never_missing_where_the_system_can_exchange_two(tmp_path, monkeypatch):
    place = tmp_path / "checkpoint"
    place.mkdir()
    (place / "step.txt").write_text("12")
    if not atomic._swap(place, place):
        pytest.skip("no exchange of directories here")
    monkeypatch.setattr(os, "replace", full_disk)  # nothing is moved one by one
    with replacing_directory(place) as temporary:
        (temporary / "step.txt").write_text("13")
    assert (place / "step.txt").read_text() == "13"
    assert names_in(tmp_path) == ["checkpoint"]


def test_where_it_cannot_the_earlier_one_is_moved_aside(tmp_path, cannot_swap):
    place = tmp_path / "checkpoint"
    place.mkdir()
    with replacing_directory(place) as temporary:
        (temporary / "step.txt").write_text("13")
    assert (place / "step.txt").read_text() == "13"
    assert names_in(tmp_path) == ["checkpoint"]


@pytest.mark.parametrize("failing_move", [1, 2])
@pytest.mark.usefixtures("cannot_swap")
def test_a_failing_move_brings_the_earlier_directory_back(tmp_path, monkeypatch, failing_move):
    place = tmp_path / "checkpoint"
    place.mkdir()
    (place / "step.txt").write_text("12")
    moves, genuine = [], os.replace

    def replace(source, target):
        moves.append(source)
        if len(moves) == failing_move:
            full_disk()
        genuine(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="No space"), replacing_directory(place) as temporary:
        (temporary / "step.txt").write_text("13")
    assert (place / "step.txt").read_text() == "12"
    assert names_in(tmp_path) == ["checkpoint"]


@pytest.mark.usefixtures("cannot_swap")
def test_an_earlier_directory_that_cannot_be_moved_back_is_not_deleted(tmp_path, monkeypatch):
    place = tmp_path / "checkpoint"
    place.mkdir()
    (place / "step.txt").write_text("12")
    genuine = os.replace

    def replace(source, target):
        if pathlib.Path(target) == place:
            full_disk()
        genuine(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="No space"), replacing_directory(place) as temporary:
        (temporary / "step.txt").write_text("13")
    (kept,) = tmp_path.glob(".checkpoint-*/old/step.txt")
    assert kept.read_text() == "12"


def test_a_complete_file_that_cannot_be_moved_stays_where_it_is(tmp_path, monkeypatch):
    (tmp_path / "a.part").write_bytes(b"new")
    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        move_into_place(tmp_path / "a.part", tmp_path / "a")
    assert names_in(tmp_path) == ["a.part"]
