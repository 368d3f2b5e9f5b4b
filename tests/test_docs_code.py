"""Every Python block of README.md and of the pages in docs/ is run, the blocks of a page one after
the other in an empty folder. A page that begins with `<!-- devices: 8 -->` gets so many.
"""

import os
import pathlib
import re
import subprocess
import sys
import textwrap

import pytest

from fkeras.compat import imports

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [
    page for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if page.exists()
]
BLOCK = re.compile(r"^( *)```python\b.*?\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
DEVICES = re.compile(r"\A<!-- devices: (\d+) -->")
WIDTH = 88  # columns of code that the site shows without a scroll bar


def blocks_of(page):
    """(line that the block begins behind, code) for each block of a page."""
    text = page.read_text()
    return [
        (text.count("\n", 0, block.start(2)), textwrap.dedent(block.group(2)))
        for block in BLOCK.finditer(text)
    ]


WITH_CODE = [page for page in PAGES if blocks_of(page)]


@pytest.fixture
def keras_is_fkeras():
    imports.install()
    yield
    imports.uninstall()


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_code_of_a_page_runs(page, tmp_path, monkeypatch, keras_is_fkeras):
    monkeypatch.chdir(tmp_path)
    devices = DEVICES.match(page.read_text())
    if devices:
        run_with_devices(page, int(devices.group(1)), tmp_path)
        return
    namespace = {"__name__": "__main__"}
    for line, code in blocks_of(page):
        # Empty lines in front, so that a traceback shows the line of the page.
        exec(compile("\n" * line + code, page, "exec"), namespace)


def run_with_devices(page, count, folder):
    """Runs the page in a process that has so many devices: JAX counts them once."""
    script = folder / "page.py"
    script.write_text("\n".join(code for _, code in blocks_of(page)))
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={count}"
    environment = {**os.environ, "XLA_FLAGS": flags.strip(), "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert f"{count} devices" in done.stdout


def test_the_listing_of_the_readme_is_what_its_code_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text()
    listed = re.search(r"^```\n(Epoch 1/30.*?)^```", text, re.MULTILINE | re.DOTALL).group(1)
    exec(blocks_of(ROOT / "README.md")[0][1], {"__name__": "__main__"})
    printed = capsys.readouterr().out

    def numbers(text):
        """The last values of each name in the lines of the last epoch and below."""
        return {name: float(value) for name, value in re.findall(r"(\w+): (\d\.\d+)", text)}

    assert numbers(printed) == pytest.approx(numbers(listed), abs=0.02)
    assert printed.splitlines()[-1] == listed.splitlines()[-1]


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_code_of_a_page_fits_its_column(page):
    too_long = [
        (line + i, text)
        for line, code in blocks_of(page)
        for i, text in enumerate(code.splitlines(), 1)
        if len(text) > (100 if page.name == "README.md" else WIDTH)
    ]
    assert too_long == []
