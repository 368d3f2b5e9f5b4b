"""Small scripts, run by the command in a process of their own."""

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

ROOT = pathlib.Path(__file__).parents[2]


class Command:
    """Runs things in an empty folder with only the library on the path."""

    def __init__(self, folder):
        self.folder, self.path = folder, [str(ROOT)]

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def python(self, *arguments, **options):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(self.path)}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1800,
            **options,
        )

    def fkeras(self, *arguments):
        return self.python("-m", "fkeras", *arguments)

    def output(self, text, *arguments):
        """What a script prints, under the command."""
        done = self.fkeras(self.write("script.py", text), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path)
