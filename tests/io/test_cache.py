import os
import pathlib
import tempfile

import pytest

from fkeras.errors import UserInputError
from fkeras.io import cache_folder, entry_path


@pytest.fixture(autouse=True)
def _own_places(tmp_path, monkeypatch):
    """No test may touch the user's own cache."""
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def refuse_writing(monkeypatch, folder):
    genuine = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: pathlib.Path(path) != folder and genuine(path, mode)
    )


def test_the_cache_is_in_the_home_folder(tmp_path):
    assert cache_folder() == tmp_path / "home" / ".keras"
    assert cache_folder().is_dir()


def test_keras_home_moves_the_cache_and_an_argument_more_so(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "from_environment"))
    assert cache_folder() == tmp_path / "from_environment"
    assert cache_folder("~/mine") == tmp_path / "home" / "mine"


def test_a_cache_that_cannot_be_written_moves_to_the_temporary_folder(tmp_path, monkeypatch):
    refuse_writing(monkeypatch, tmp_path / "home" / ".keras")
    with pytest.warns(UserWarning, match="cannot be written.*KERAS_HOME"):
        folder = cache_folder()
    assert folder.parent == tmp_path
    assert folder.name.startswith(".keras")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_cache_that_cannot_be_made_moves_to_the_temporary_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="cannot be written"):
        assert cache_folder(tmp_path / "file" / "cache").parent == tmp_path


def test_a_temporary_cache_of_another_user_is_refused(tmp_path, monkeypatch):
    (tmp_path / ".keras-12345").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    refuse_writing(monkeypatch, tmp_path / "home" / ".keras")
    with pytest.raises(UserInputError, match="belongs to another user"):
        cache_folder()


def test_entries_are_below_the_cache(tmp_path):
    assert entry_path("hub/bert/model.json", tmp_path) == tmp_path / "hub" / "bert" / "model.json"
    assert entry_path("a") == cache_folder() / "a"
    assert not entry_path("hub/bert/model.json", tmp_path).parent.exists()


@pytest.mark.parametrize("name", ["", ".", "./", "..", "../a", "a/../../b", "/a", "C:a", "a\\b"])
def test_names_that_would_leave_the_cache_are_refused(tmp_path, name):
    with pytest.raises(UserInputError, match="Cache entry .* Expected a relative name"):
        entry_path(name, tmp_path)
