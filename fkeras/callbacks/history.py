"""`History`: what `fit` returns."""

from __future__ import annotations

from typing import Any

from fkeras.callbacks.callback import Callback
from fkeras.core.former_keys import FormerKeys


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

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self
