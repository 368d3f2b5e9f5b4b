"""`BackupAndRestore` itself: its arguments and when it is time. What `fit` does with it stands in
tests/training/test_backups.py.
"""

import numpy as np
import pytest

import fkeras
from fkeras import callbacks
from fkeras.callbacks import BackupAndRestore
from fkeras.errors import UserInputError


@pytest.mark.parametrize("folder", ["", None])
def test_no_folder_is_an_error(folder):
    with pytest.raises(UserInputError, match="Empty `backup_dir`"):
        BackupAndRestore(folder)


@pytest.mark.parametrize("save_freq", ["batch", 0.15, 0, -1, True, None])
def test_other_frequencies_are_errors(save_freq):
    with pytest.raises(UserInputError, match="Invalid value"):
        BackupAndRestore("backup", save_freq=save_freq)


def due(callback, batches_of_epochs):
    """(epoch, batch) where it is time; batch -1 for the end of the epoch."""
    times = []

    def look(*place):
        if callback.is_due:
            times.append(place)
            callback.is_due = False

    callback.on_train_begin()
    for epoch, batches in enumerate(batches_of_epochs):
        callback.on_epoch_begin(epoch)
        for batch in batches:
            callback.on_train_batch_end(batch)
            look(epoch, batch)
        callback.on_epoch_end(epoch)
        look(epoch, -1)
    return times


@pytest.mark.parametrize(
    ("save_freq", "expected"),
    [
        ("epoch", [(0, -1), (1, -1)]),
        (2, [(0, 1), (1, 0), (1, 2)]),
        (3, [(0, 2), (1, 2)]),
        (False, []),
    ],
)
def test_when_it_is_time(tmp_path, save_freq, expected):
    callback = BackupAndRestore(tmp_path, save_freq)
    assert due(callback, [range(3), range(3)]) == expected
    assert due(callback, [range(3), range(3)]) == expected  # a second `fit` begins anew


def test_the_folder_goes_at_the_end_or_stays(tmp_path):
    model = fkeras.Sequential([fkeras.Input((2,)), fkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2)), np.ones((4, 1))
    for delete in (True, False):
        folder = tmp_path / "deep" / "backup"
        backup = BackupAndRestore(folder, double_checkpoint=True, delete_checkpoint=delete)
        model.fit(x, y, epochs=2, callbacks=[backup], verbose=0)
        names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
        assert names == ([] if delete else ["earlier.backup", "latest.backup"])
        for path in folder.iterdir() if folder.exists() else ():
            path.unlink()
    (folder / "mine.txt").touch()
    model.fit(x, y, callbacks=[BackupAndRestore(folder)], verbose=0)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_a_csv_file_has_each_line_once(tmp_path):
    path = tmp_path / "log.csv"

    def begin(*states):
        logger = callbacks.CSVLogger(path)
        logger.on_train_begin()
        for state in states:
            logger.set_state(state)
        return logger

    first = begin()
    first.on_epoch_end(0, {"loss": 1.0})
    state = first.get_state()
    first.on_epoch_end(1, {"loss": 9.0})  # behind the last backup
    second = begin(state)
    second.on_epoch_end(1, {"loss": 0.5})
    assert path.read_text().split() == ["epoch,loss,val_loss", "0,1.0,NA", "1,0.5,NA"]
    path.write_text("")
    with pytest.warns(UserWarning, match="lines of earlier epochs are missing"):
        begin(state).on_epoch_end(1, {"loss": 0.5})
    assert path.read_text().split() == ["epoch,loss,val_loss", "1,0.5,NA"]
    begin().on_epoch_end(0, {"loss": 2.0})  # without a backup it is overwritten
    assert path.read_text().split() == ["epoch,loss,val_loss", "0,2.0,NA"]
