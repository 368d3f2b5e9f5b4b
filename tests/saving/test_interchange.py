"""Files go both ways between Keras 3 and fkeras: each model of `interchange`, in each format."""

import json
import os
import subprocess
import sys
import warnings

import fkeras
from tests.saving import interchange


def run_keras(directory):
    """Keras writes all models, and reads what fkeras wrote, in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.saving.interchange", str(directory)]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run(command, check=True, env=environment, capture_output=True, text=True)


def listed(report):
    return "".join(f"\n{what}:\n{problem}" for what, problem in report.items())


def test_each_library_reads_what_the_other_wrote(keras, tmp_path):
    report = {}
    interchange.write_all(fkeras, tmp_path / "fkeras", report)
    assert not report, listed(report)
    run_keras(tmp_path)
    theirs = json.loads((tmp_path / "keras" / "report.json").read_text())
    assert not theirs, listed(theirs)
    with warnings.catch_warnings():
        # The optimizer of a model that was not trained here is not the one in the file.
        warnings.filterwarnings("ignore", "The file holds the state of an optimizer")
        interchange.check_all(fkeras, tmp_path / "keras", report)
    assert not report, listed(report)
    count = len(interchange.MODELS) + len(list(interchange.layer_models()))
    assert len(list((tmp_path / "keras").glob("*.keras"))) == count > 120
