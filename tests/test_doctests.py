"""The examples in the docstrings are run."""

import doctest
import importlib
import pathlib
import platform

import pytest

import fkeras
from fkeras.core import names

ROOT = pathlib.Path(fkeras.__file__).parent
MODULES = sorted(
    ".".join(["fkeras", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if ">>> " in path.read_text()
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_print_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # `keep_freed_memory` would last for all tests of this process.
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    module = importlib.import_module(name)
    failures: list[str] = []
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        names.reset()
        doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=failures.append)
    assert not failures, "\n".join(failures)
