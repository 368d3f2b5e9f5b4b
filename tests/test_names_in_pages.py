"""README, CHANGELOG, the pages of docs/, the examples and the source name nothing that does not
exist, but where they say that it does not.
"""

import importlib
import pathlib
import re
import types

import pytest

import fkeras
from fkeras.compat import former_modules
from fkeras.core import former_names, not_there_yet

ROOT = pathlib.Path(fkeras.__file__).parents[1]
PROSE = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FILES = [
    *PROSE,
    *sorted((ROOT / "examples").glob("*.py")),
    *sorted((ROOT / "fkeras").rglob("*.py")),
]
FILES = [path for path in FILES if path.exists()]
DOTTED = re.compile(r"(?<![\w./'\"-])(f?keras)((?:\.[A-Za-z_]\w*)+)")
# Names of files, of Keras's own rooms, and misspelt on purpose.
NO_NAMES = {"fkeras.json", "keras.src.initializers.x", "fkeras.layers.Dens"}


def exists(name):
    """Whether a dotted name leads somewhere, from the package on."""
    if former_modules.has(name.partition(".")[2]):
        return True
    value, path = fkeras, "fkeras"
    for part in name.split(".")[1:]:
        path = f"{path}.{part}"
        with former_names.silently():
            if hasattr(value, part):
                value = getattr(value, part)
                continue
        try:
            value = importlib.import_module(path)
        except ImportError:
            return False
    return True


def without_missing_section(text):
    """The text without its section "Not there yet", and without lines that say "yet"."""
    text = re.sub(r"^## Not there yet$.*?(?=^## |\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(line for line in text.splitlines() if " yet" not in line)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_dotted_name_exists(path):
    text = path.read_text()
    if path.name == "not_there_yet.py":
        text = "\n".join(not_there_yet.INSTEAD.values())  # what it recommends must exist, too
    elif path.suffix == ".md":
        text = without_missing_section(text)
    found = {match.group() for match in DOTTED.finditer(text)} - NO_NAMES
    assert [name for name in sorted(found) if not exists(name)] == []


def test_what_the_section_of_the_readme_lists_is_missing():
    section = re.search(
        r"^## Not there yet$(.*?)^## ", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    ).group(1)
    missing = {name.split(".")[-1] for name in not_there_yet.INSTEAD}
    named = set(re.findall(r"`([A-Za-z_]\w*)`", section)) - {"utils"}
    assert named and named <= missing
    rooms = {name for name in not_there_yet.INSTEAD if "." not in name and name.islower()}
    assert rooms <= named, "a namespace that is missing, which the README does not say"


def public_names(module, depth=2):
    """Names of Keras's public objects, without their modules."""
    for name in dir(module):
        value = getattr(module, name)
        if name.startswith("_"):
            continue
        yield name
        inner = isinstance(value, types.ModuleType) and value.__name__.startswith("keras.api")
        if depth and (inner or isinstance(value, types.ModuleType) and "keras" in value.__name__):
            yield from public_names(value, depth - 1)


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_speak_of_no_part_of_keras_that_is_missing(path, keras):
    missing = {name.split(".")[-1] for name in not_there_yet.INSTEAD}
    missing &= set(public_names(keras))
    text = without_missing_section(path.read_text())
    words = set(re.findall(r"`(?:\w+\.)*([A-Z]\w+)(?:\(.*?\))?`", text))
    assert sorted(words & missing) == []
