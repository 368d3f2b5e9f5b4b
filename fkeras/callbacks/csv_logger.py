"""`CSVLogger`: the results of each epoch as a line of a file."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np

from fkeras.callbacks.callback import Callback
from fkeras.core.warn_once import warn_user
from fkeras.types import PathLike


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

    def __init__(self, filename: PathLike, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys = None  # columns behind `epoch`
        self._has_warned = False
        self._empties = False  # before the next line

    def get_state(self) -> dict[str, Any]:
        size = 0 if self._empties else os.path.getsize(self.filename)
        return {"keys": self.keys, "size": size}

    def set_state(self, state: dict[str, Any]) -> None:
        """Lines that were written later go: they will be written again."""
        size = os.path.getsize(self.filename) if os.path.exists(self.filename) else 0
        if size < state["size"]:
            warn_user(
                f"CSVLogger: {self.filename!r} has {size} bytes and should have "
                f"{state['size']}: the lines of earlier epochs are missing."
            )
            self.keys, self._empties = None, True
            return
        self.keys, self._empties = state["keys"], False
        if size:
            os.truncate(self.filename, state["size"])

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.keys = self._columns_there() if self.append else None
        # Not yet: a training that goes on from a backup has its first lines there.
        self._empties = not self.append
        with open(self.filename, "a"):
            pass

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        begins = self.keys is None
        if begins:
            self.keys = sorted(logs)
            # Validation may come in a later epoch.
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        dropped = sorted(set(logs) - set(self.keys))
        if dropped and not self._has_warned:
            self._has_warned = True
            warn_user(
                f"CSVLogger: {self.filename!r} has no column for {', '.join(dropped)}: these "
                "values are left out."
            )
        mode, self._empties = "w" if self._empties else "a", False
        with open(self.filename, mode, newline="") as file:
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


def _text(value: float):
    if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value):
        return f'"[{", ".join(map(str, value))}]"'
    return value
