"""Every script of examples/ runs, in an empty folder and a process of its own."""

import pathlib
import re
import subprocess
import sys

import pytest

EXAMPLES = sorted((pathlib.Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
def test_example_runs(script, tmp_path):
    written_for_keras = re.search(r"^import keras$", script.read_text(), re.MULTILINE)
    command = [sys.executable, *(["-m", "fkeras"] if written_for_keras else []), script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
