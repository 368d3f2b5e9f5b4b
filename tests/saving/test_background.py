"""Checkpoints that are written beside a training."""

import logging
import os
import threading

import numpy as np
import pytest

import fkeras
from fkeras.errors import SaveError, UserInputError
from fkeras.saving.background import CheckpointWriter
from fkeras.saving.formats import orbax_directory
from tests.saving.models import X, Y, dense


@pytest.fixture
def failing(monkeypatch):
    """Makes the writing of files beside the arrays fail while it is set."""

    def write(*arguments):
        raise OSError(28, "No space left on device")

    return lambda: monkeypatch.setattr(orbax_directory, "_write_files", write)


@pytest.mark.parametrize("in_background", [False, True])
def test_the_last_checkpoints_stay(tmp_path, in_background):
    model, writer = dense(), CheckpointWriter(tmp_path, 2, in_background)
    for step in (3, 4, 1):  # a training that began anew counts from the start
        model.set_weights([np.full_like(w, step) for w in model.get_weights()])
        writer.save(model, step)
    writer.wait()
    assert sorted(os.listdir(tmp_path)) == ["1", "4"]
    again = fkeras.saving.load_model(tmp_path)
    assert (again.get_weights()[0] == 1).all()
    again.load_weights(tmp_path / "4")
    assert (again.get_weights()[0] == 4).all()


def test_what_is_written_is_the_model_as_it_was(tmp_path, monkeypatch):
    go_on, model = threading.Event(), dense(compiled=True)
    write = orbax_directory._write_files
    monkeypatch.setattr(
        orbax_directory, "_write_files", lambda *args: (go_on.wait(600), write(*args))
    )
    before, writer = model.get_weights(), CheckpointWriter(tmp_path)
    writer.save(model, 0)
    assert not (tmp_path / "0").exists()
    model.fit(X, Y, verbose=0)  # its steps consume the values that they begin with
    go_on.set()
    writer.wait()
    for found, expected in zip(
        fkeras.saving.load_model(tmp_path).get_weights(), before, strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("report", [lambda w, m: w.save(m, 2), lambda w, m: w.wait()])
def test_a_failure_is_raised_at_the_next_occasion_by_name(tmp_path, failing, report):
    model, writer = dense(), CheckpointWriter(tmp_path, owner="Mine")
    writer.save(model, 0)
    writer.wait()
    failing()
    writer.save(model, 1)
    message = r"Mine: the checkpoint '.*/1' could not .*No space left.*that stands is '.*/0'"
    with pytest.raises(SaveError, match=f"(?s){message}"):
        report(writer, model)
    writer.wait()  # it is told once
    assert os.listdir(tmp_path) == ["0"]
    fkeras.saving.load_model(tmp_path)


def test_a_failure_that_nobody_asks_for_is_logged(tmp_path, failing, caplog):
    writer = CheckpointWriter(tmp_path, owner="Mine")
    failing()
    writer.save(dense(), 0)
    writer._thread.join()
    with caplog.at_level(logging.ERROR, "fkeras"):
        del writer

    assert "Mine: the checkpoint" in caplog.text


def test_a_write_in_the_foreground_raises_at_once(tmp_path, failing):
    failing()
    with pytest.raises(SaveError, match="No space left"):
        CheckpointWriter(tmp_path, in_background=False).save(dense(), 0)


def test_what_stands_at_the_place_of_a_step_and_is_no_checkpoint_stays(tmp_path):
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "notes.txt").write_text("x")
    with pytest.raises(UserInputError, match="something else than a saved model"):
        CheckpointWriter(tmp_path).save(dense(), 0)
