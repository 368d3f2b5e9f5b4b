"""Every Python block of README.md and docs/*.md is run, the blocks of a file one after the other in
an empty folder.
"""

import pathlib
import re
import textwrap

import pytest

from fkeras.compat import imports

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [
    page for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if page.exists()
]
BLOCK = re.compile(r"^( *)```python\b.*?\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def keras_is_fkeras():
    imports.install()
    yield
    imports.uninstall()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_of_a_page_runs(page, tmp_path, monkeypatch, keras_is_fkeras):
    monkeypatch.chdir(tmp_path)
    text = page.read_text()
    namespace = {"__name__": "__main__"}
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(2))
        # Empty lines in front, so that a traceback shows the line of the page.
        exec(compile("\n" * line + textwrap.dedent(block.group(2)), page, "exec"), namespace)
