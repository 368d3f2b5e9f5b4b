"""Whole course scripts, kept outside of the repository, run as their authors would run them.
Skipped where they are not there.
"""

import pathlib

import pytest

SCRIPTS = pathlib.Path(__file__).parents[3] / "shared" / "acceptance"


def found(name):
    script = SCRIPTS / name
    if not script.exists():
        pytest.skip(f"no {script}")
    return script


@pytest.mark.parametrize(
    "name", ["iris_functional.py", "breast_cancer.py", "regression_dataframe.py", "text_lstm.py"]
)
def test_course_script_runs_unedited(command, name):
    done = command.fkeras(found(name))
    assert done.returncode == 0 and done.stdout.endswith("ok\n"), (
        done.stdout[-2000:] + done.stderr[-4000:]
    )


def test_pure_forms(command):
    done = command.python(found("pure_forms.py"))
    assert done.returncode == 0 and done.stdout.endswith("ok\n"), (
        done.stdout[-4000:] + done.stderr[-4000:]
    )
