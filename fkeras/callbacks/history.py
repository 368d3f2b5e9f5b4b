"""`History`: what `fit` returns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from fkeras.callbacks.callback import Callback
from fkeras.core.former_keys import FormerKeys
from fkeras.core.pyplot import load_pyplot
from fkeras.errors import UserInputError, unknown_name
from fkeras.types import PathLike


class History(Callback):
    """Keeps the results of each epoch. `fit` adds one by itself, after the user's callbacks, and
    returns it.

    Attributes:
        history: dict from a name (`loss`, `val_loss`, ...) to a list with one float an epoch. The
            keys `acc`, `val_acc` and `lr` of older Keras are answered, and not listed.
        epoch: list of the epochs' indices.
        params: dict with `verbose`, `epochs` and `steps`.

    Examples:
        >>> import fkeras
        >>> history = fkeras.callbacks.History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history, history.epoch
        ({'loss': [0.5]}, [0])
    """

    can_wait = True

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = FormerKeys()
        self.epoch = []
        self._epochs_of: dict[str, list[int]] = {}  # validation may be seldom

    def get_state(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch, "epochs_of": self._epochs_of}

    def set_state(self, state: dict[str, Any]) -> None:
        self.history, self.epoch = state["history"], state["epoch"]
        self._epochs_of = state.get("epochs_of", {})

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._epochs_of.setdefault(name, []).append(epoch)
        if self.model is not None:
            self.model.history = self

    def plot(self, names: Iterable[str] | str | None = None, path: PathLike | None = None) -> Any:
        """Draws the results over the epochs with Matplotlib: a chart for each, with the one of
        validation as a second line.

        Args:
            names: which results, without `val_`: `'loss'`, or a list. None: all that have one
                number an epoch.
            path: file to write the figure to. None: no file.

        Returns:
            Matplotlib's figure, which is also its current one: `matplotlib.pyplot.show()` shows it.

        Raises:
            UnknownNameError: there is no result of a name.
            UserInputError: there is nothing to draw.
            ImportError: there is no Matplotlib.
        """
        pyplot = load_pyplot("History.plot")
        known = list(
            dict.fromkeys(
                name.removeprefix("val_")
                for name, values in self.history.items()
                if all(np.size(value) == 1 for value in values)
            )
        )
        if names is None:
            names = known
        names = [names] if isinstance(names, str) else list(names)
        for name in names:
            if name not in known:
                raise unknown_name("result of training", name, known)
        if not names:
            raise UserInputError("History.plot: there are no results yet; call it after `fit`.")
        figure, axes = pyplot.subplots(
            1, len(names), figsize=(5 * len(names), 3.5), squeeze=False, layout="constrained"
        )
        for place, name in zip(axes.flat, names):
            for key, label in ((name, "training"), (f"val_{name}", "validation")):
                values = [float(np.reshape(value, ())) for value in self.history.get(key, ())]
                if values:
                    epochs = _x(len(values), self._epochs_of.get(key, []))
                    place.plot(epochs, values, label=label, marker="" if values[1:] else ".")
            place.set(title=name, xlabel="epoch")
            place.xaxis.get_major_locator().set_params(integer=True)
            place.legend()
        if path is not None:
            figure.savefig(path)
        return figure


def _x(count: int, epochs: list[int]) -> list[int]:
    """The epochs, from 1, of so many values; 1, 2, ... where a second `fit` counted them anew."""
    in_order = len(epochs) == count and all(a < b for a, b in zip(epochs, epochs[1:]))
    return [epoch + 1 for epoch in epochs] if in_order else list(range(1, count + 1))
