"""`CSVLogger`: the results of each epoch as a line of a file."""

import csv
import os
import warnings

import numpy as np

from fkeras.callbacks.callback import Callback


class CSVLogger(Callback):
    """Writes one line an epoch to a CSV file, which is complete after each epoch.

    Args:
        filename: path of the file.
        separator: between the values of a line.
        append: whether lines are added to a file that is there, in the order of its columns. False
            overwrites it.

    Examples:
        >>> import fkeras, pathlib
        >>> log = fkeras.callbacks.CSVLogger("log.csv")
        >>> log.on_train_begin()
        >>> log.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
        >>> print(pathlib.Path("log.csv").read_text())
        epoch,loss,val_loss
        0,0.5,0.75
    """

    def __init__(self, filename, separator=",", append=False):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys = None  # columns behind `epoch`
        self._told = False

    def on_train_begin(self, logs=None):
        self.keys = self._columns_there() if self.append else None
        if not self.append:
            with open(self.filename, "w"):
                pass

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        begins = self.keys is None
        if begins:
            self.keys = sorted(logs)
            if not any(
                key.startswith("val_") for key in self.keys
            ):  # validation may come in a later epoch
                self.keys += [f"val_{key}" for key in self.keys]
        dropped = sorted(set(logs) - set(self.keys))
        if dropped and not self._told:
            self._told = True
            warnings.warn(
                f"CSVLogger: {self.filename!r} has no column for {', '.join(dropped)}: these "
                "values are left out.",
                stacklevel=2,
            )
        with open(self.filename, "a", newline="") as file:
            writer = csv.writer(file, delimiter=self.sep)
            if begins:
                writer.writerow(["epoch", *self.keys])
            writer.writerow([epoch, *(_text(logs.get(key, "NA")) for key in self.keys)])

    def _columns_there(self):
        """Columns of the file to append to, or None where there is none."""
        if not os.path.exists(self.filename):
            return None
        with open(self.filename, newline="") as file:
            header = next(csv.reader(file, delimiter=self.sep), None)
        return header[1:] if header else None


def _text(value):
    if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value):
        return f'"[{", ".join(map(str, value))}]"'
    return value
