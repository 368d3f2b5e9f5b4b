"""The table of what is not there yet: true, and said wherever it is looked for."""

import importlib
import pathlib
import re

import pytest

import fkeras
from fkeras.core import not_there_yet


def message_of(function):
    with pytest.raises((AttributeError, ImportError)) as caught:
        function()
    return str(caught.value)


def importing(statement):
    return lambda: exec(statement, {})


@pytest.mark.parametrize("name", sorted(not_there_yet.INSTEAD))
def test_the_table_names_nothing_that_exists(name):
    value = fkeras
    with pytest.raises(AttributeError, match="does not have `keras"):
        for part in name.split("."):
            value = getattr(value, part)


@pytest.mark.parametrize("name", sorted(not_there_yet.INSTEAD))
def test_what_is_not_there_yet_is_said_wherever_it_is_looked_for(name):
    home, _, last = f"fkeras.{name}".rpartition(".")
    said = not_there_yet.message(name)
    assert f"`keras.{name}`" in said and len(said) > len(name) + 40
    assert message_of(importing(f"from {home} import {last}")) == said
    assert message_of(importing(f"import {home}.{last}")) == said
    assert message_of(lambda: getattr(importlib.import_module(home), last)) == said


def test_what_is_inside_counts_as_the_whole():
    assert not_there_yet.message("applications.ResNet50") == not_there_yet.message("applications")
    assert not_there_yet.message("applic") is None


def test_the_page_of_differences_lists_the_table():
    page = pathlib.Path(fkeras.__file__).parents[1] / "docs" / "differences.md"
    section = page.read_text().split("## Not there yet\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \| (.*) \|$", section, re.MULTILINE)
    listed = {name: text for names, text in rows for name in re.findall(r"`([\w.]+)`", names)}
    assert listed == not_there_yet.INSTEAD
