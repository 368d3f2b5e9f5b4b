"""`SkippedSteps`: what loss scaling leaves out during a `fit`, counted and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.core import messages
from fkeras.core.warn_once import warn_user_once
from fkeras.optimizers import LossScaleOptimizer

if TYPE_CHECKING:
    from fkeras.optimizers import Optimizer
    from fkeras.training.progress import Progress

# In a row: loss scaling finds a scale long before.
_MANY_AN_EPOCH, _MANY_ON_BATCHES = 3, 20


def warn_of_row(optimizer: Optimizer | None, least: int = _MANY_ON_BATCHES) -> None:
    """Says that the last steps were all skipped, where they were so many.

    Args:
        optimizer: of the model; nothing is said of one without loss scaling.
        least: how many.
    """
    if isinstance(optimizer, LossScaleOptimizer) and optimizer.skipped_steps >= least:
        _warn(f"the last {optimizer.skipped_steps} steps in a row")


def _warn(which: str) -> None:
    warn_user_once(
        f"Loss scaling has skipped {which}, since their gradients were not finite: the weights do "
        "not change. Scale the targets down, lower the learning rate, or use 'mixed_bfloat16'.",
        key="loss scaling",
    )


class SkippedSteps:
    """The steps that one `fit` skips. Nothing is counted in the steps themselves: what the
    optimizer applied is compared with how far the model came.

    Args:
        optimizer: of the model.
        progress: the model's lifetime counts.
        is_told: whether a line says at the end how many there were.
    """

    def __init__(
        self, optimizer: LossScaleOptimizer, progress: Progress, is_told: bool = True
    ) -> None:
        self._optimizer = optimizer
        self._progress = progress
        self._is_told = is_told
        self._first_step = progress.steps
        self._applied_before = optimizer.applied_steps

    def after_epoch(self) -> None:
        """A skipped step looks like a constant loss: says so where an epoch ends with many."""
        warn_of_row(self._optimizer, _MANY_AN_EPOCH)

    def finish(self) -> None:
        """Leaves the number with the optimizer, and tells of it."""
        optimizer = self._optimizer
        steps = self._progress.steps - self._first_step
        skipped = steps - (optimizer.applied_steps - self._applied_before)
        optimizer.note_skipped_in_fit(skipped)
        if skipped > 0 and skipped == steps:
            _warn(f"all {steps} steps of this `fit`" if steps > 1 else "the one step of this `fit`")
        elif skipped > 0 and self._is_told:
            messages.write(
                f"Loss scaling skipped {skipped} of {steps} steps, whose gradients were not "
                f"finite; the scale is {float(optimizer.dynamic_scale):g}."
            )
