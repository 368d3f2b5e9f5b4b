"""Whose code imports."""

import os
import pathlib

import numpy as np
import pytest

import fkeras
from fkeras.compat import importers, run, standins

ROOT = pathlib.Path(fkeras.__file__).parent


@pytest.fixture
def own():
    """What counts as the user's code, put back afterwards."""
    before = set(importers._own)
    yield importers._own
    importers._own.clear()
    importers._own.update(before)
    importers.kind_of.cache_clear()


@pytest.mark.parametrize(
    "filename, kind",
    [
        (None, "own"),
        ("/home/me/train.py", "own"),
        ("train.py", "own"),
        (np.__file__, "library"),
        (os.__file__, "standard"),
        (str(ROOT / "layers" / "core" / "dense.py"), "library"),
        ("/usr/lib/python3/dist-packages/x.py", "library"),
        ("/home/me/site-packages-backup/x.py", "own"),
    ],
)
def test_code_is_the_users_a_librarys_or_the_standard_librarys(filename, kind):
    assert importers.kind_of(filename) == kind


def test_an_installed_folder_can_count_as_the_users(own):
    folder = "/lib/site-packages/mine"
    assert importers.kind_of(f"{folder}/a.py") == "library"
    importers.count_as_own(folder)
    assert importers.kind_of(f"{folder}/a.py") == "own"
    assert importers.kind_of(f"{folder}_too/a.py") == "library"


def test_what_is_not_installed_is_the_users_anyway(own):
    importers.count_as_own("/home/me/train.py")
    assert not own


@pytest.mark.parametrize(
    "name", ["keras", "keras.layers", "tensorflow.keras.ops", "tensorflow.nn", "tf_keras"]
)
def test_specs_are_of_packages_that_fkeras_offers(name):
    spec = standins.spec_of(name)
    assert (spec.name, spec.origin) == (name, "fkeras")
    assert spec.submodule_search_locations == []
    assert standins.find(name)


@pytest.mark.parametrize("room", ["core", "compat", "errors", "src", "keras2", "io"])
def test_rooms_of_fkeras_are_no_modules_of_keras(room):
    with pytest.raises(ModuleNotFoundError, match=f"No module named 'keras.{room}'"):
        standins.find(f"keras.{room}")


def test_a_script_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(run.CannotRunError, match="No such file or directory") as caught:
        run.run_script(str(tmp_path / "nowhere.py"), [])
    assert caught.value.status == 2
