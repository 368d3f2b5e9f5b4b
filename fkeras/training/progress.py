"""`Progress`: how far a model has come in its life."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np


@dataclasses.dataclass
class Progress:
    """Counts over the lifetime of a model: keys and orders of samples follow from them, so that
    nothing repeats in a second `fit`, and a resumed run is the uninterrupted one.

    Attributes:
        steps: training steps.
        epochs: epochs begun.
        predicted: batches of `predict`; each draws numbers of its own, where it draws any.
        device_counter: (steps, the same number as the last step left it on the device), so that the
            next step need not send it; None before the first one.
    """

    steps: int = 0
    epochs: int = 0
    predicted: int = 0
    device_counter: tuple[int, jax.Array | np.int32] | None = None

    def counter(self) -> jax.Array | np.int32:
        """`steps` as a step takes it; a training step donates it."""
        if self.device_counter is not None:
            steps, counter = self.device_counter
            # Other ways of training count `steps` alone, and a failed call may have consumed it.
            if steps == self.steps and not _is_deleted(counter):
                return counter
        return np.int32(self.steps)

    def advance(self, count: int, counter: jax.Array | np.int32) -> None:
        """Counts `count` training steps, after which the device has `counter`."""
        self.steps += count
        self.device_counter = (self.steps, counter)

    def to_plain(self) -> dict[str, int]:
        """What a checkpoint keeps: a dict of Python ints."""
        return {"steps": self.steps, "epochs": self.epochs}

    def update(self, plain: dict[str, Any]) -> None:
        """Takes over what `to_plain` returned."""
        self.steps = int(plain["steps"])
        self.epochs = int(plain["epochs"])

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "device_counter": None}


def _is_deleted(counter: jax.Array | np.int32) -> bool:
    return isinstance(counter, jax.Array) and counter.is_deleted()
