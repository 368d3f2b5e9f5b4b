"""`Snapshots`: what is left if a step fails on the device.

A step consumes its inputs. One that fails there has consumed the model's state: `fit` then falls
back to a copy from the start of an epoch, and says so. Of a large state there is no such copy: it
is lost then, the error says so, and whoever reads a weight is told again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jax

from fkeras.training.loan import copy_tree

if TYPE_CHECKING:
    from fkeras.training.loan import Loan, Values
    from fkeras.training.progress import Progress

_SECONDS = 2.0  # between snapshots, so that short epochs cost none

_LOST = (
    "A step after step {} of the model's life failed on the device and took its state with it. "
    "Weights and optimizer state are lost: of one so large `fit` keeps no copy. Make the model "
    "anew. With `fkeras.callbacks.BackupAndRestore(directory)` in `callbacks`, `fit` then goes on "
    "from its last backup."
)


class Snapshots:
    """The last values that no call may consume.

    Args:
        loan: holds the values that training goes on with.
        progress: the model's counts of steps.
    """

    def __init__(self, loan: Loan, progress: Progress) -> None:
        self._loan = loan
        self._progress = progress

    def store(self, values: Values | None) -> None:
        """Keeps values that no call will be given. They belong to the present step.

        Args:
            values: None for none, where the state is large.
        """
        self._values = values
        self._steps = self._progress.steps
        self._time = time.monotonic()

    def store_if_due(self) -> None:
        """Keeps a copy of the present values, unless the last one is young or they are large."""
        if self._values is None:
            return
        if time.monotonic() - self._time >= _SECONDS:
            self.store(copy_tree(self._loan.values_to_donate()))

    def recover(self, error: BaseException) -> None:
        """Gives the last snapshot back where `error` has taken the values with it.

        Where there is none, the model has no values from then on.
        """
        loan, progress = self._loan, self._progress
        if loan.values is None or is_alive(loan.values):
            return
        failed_after = progress.steps
        if self._values is None:
            error.add_note(f"fkeras: {_LOST.format(failed_after)}")
            loan.lose(_LOST.format(failed_after))
            return
        loan.values = self._values
        loan.is_written_back = False
        progress.steps = self._steps
        error.add_note(
            f"fkeras: a step after step {failed_after} of the model's life failed on the device "
            f"and took its state with it. The model has the weights of step {self._steps} again."
        )


def is_alive(values: Any) -> bool:
    """Whether all arrays can be read: neither donated away nor the result of a failed call."""
    for x in jax.tree.leaves(values):
        if not isinstance(x, jax.Array):
            continue
        if x.is_deleted():
            return False
        try:
            x.block_until_ready()
        except Exception:  # whatever the step raised on the device
            return False
    return True
