"""`FitOptions`: what `fit` was asked for, as the loop takes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from numbers import Integral
from typing import TYPE_CHECKING

import jax
import numpy as np

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.training.compile_watch import CompileWatch
    from fkeras.training.trainable import Trainable


@dataclasses.dataclass(frozen=True)
class FitOptions:
    """What `fit` was asked for.

    Attributes:
        key: the model's key.
        order_seed: of the orders of samples.
        epochs: index of the epoch to stop before. initial_epoch: of the first.
        steps_per_epoch: batches an epoch; None for all.
        validation_steps: the same for validation.
        validation_freq: validate each so many epochs, or in the epochs (from 1) of a collection.
        steps_per_execution: batches between hooks.
        fuse: whether several steps may be one device call.
        should_stop: tells whether a callback has set `stop_training`.
        finish: called after the last epoch, when the Variables hold its values.
        after_epoch: called after each, before it is validated; None for nothing.
        compile_watch: is told of batches of new shapes; None for nobody.
    """

    key: jax.Array
    order_seed: int
    epochs: int = 1
    initial_epoch: int = 0
    steps_per_epoch: int | None = None
    validation_steps: int | None = None
    validation_freq: int | Collection[int] = 1
    steps_per_execution: int = 1
    fuse: bool = True
    should_stop: Callable[[], bool] = lambda: False
    finish: Callable[[], None] = lambda: None
    after_epoch: Callable[[], None] | None = None
    compile_watch: CompileWatch | None = None

    @property
    def num_epochs(self) -> int:
        """How many epochs are asked for."""
        return self.epochs - self.initial_epoch

    @property
    def steps_of_call(self) -> int | None:
        """How many steps a call takes where the user chose it, else None."""
        return self.steps_per_execution if self.steps_per_execution > 1 else None

    def is_validation_epoch(self, epoch: int) -> bool:
        """Whether an epoch (from 0) is validated."""
        if isinstance(self.validation_freq, Integral):
            return (epoch + 1) % self.validation_freq == 0
        return epoch + 1 in self.validation_freq


def check_validation_freq(validation_freq: int | Collection[int]) -> None:
    """Raises `UserInputError` for a frequency below 1."""
    if isinstance(validation_freq, Integral) and validation_freq < 1:
        raise UserInputError(f"`validation_freq` must be at least 1. Received: {validation_freq}")
    is_epochs = isinstance(validation_freq, Collection) and all(
        isinstance(epoch, Integral) for epoch in validation_freq
    )
    if not isinstance(validation_freq, Integral) and not is_epochs:
        raise UserInputError(
            "`validation_freq` must be an int, or a collection of epochs counted from 1. "
            f"Received: {validation_freq!r}"
        )


def order_seed(model: Trainable) -> int:
    """The seed of the orders of samples, from the model's key."""
    root_key = model._info.root_key
    # A key that was never looked at is known on the host: no transfer from the device for it.
    data = np.asarray(jax.random.key_data(model.build_key)) if root_key is None else root_key.data
    return int(data[0]) << 32 | int(data[1])
