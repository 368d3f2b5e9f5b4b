"""`SaveTimes`: when a callback saves, at ends of epochs or after so many batches."""

from __future__ import annotations

from typing import Any, Literal

from fkeras.errors import UserInputError


class SaveTimes:
    """Counts batches since the last save.

    Args:
        owner: name of the callback, for messages.
        save_freq: 'epoch', or a number of batches of 1 or more.

    Raises:
        UserInputError: neither.

    Examples:
        >>> times = SaveTimes("ModelCheckpoint", 3)
        >>> [times.is_due_after(batch) for batch in (0, 1, 2, 0, 1, 2)]
        [False, False, True, False, False, True]
    """

    def __init__(self, owner: str, save_freq: Literal["epoch"] | int) -> None:
        is_count = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if save_freq != "epoch" and not is_count:
            raise UserInputError(
                f"{owner}: Unrecognized save_freq: {save_freq}. Expected save_freq are 'epoch' or "
                "integer values of 1 or more"
            )
        self.save_freq = save_freq
        self.begin()

    def begin(self) -> None:
        """Starts counting from nothing."""
        self.seen = 0  # batches since the last save
        self.last: int | None = None  # index of the last batch, in its epoch

    @property
    def counts_batches(self) -> bool:
        """Whether saves go by batches rather than by epochs."""
        return self.save_freq != "epoch"

    def is_due_after(self, batch: int) -> bool:
        """Whether to save after batch `batch` of an epoch; with `steps_per_execution` not every
        batch is told of.
        """
        if not self.counts_batches:
            return False
        is_new_epoch = self.last is None or batch <= self.last
        self.seen += batch + 1 if is_new_epoch else batch - self.last
        self.last = batch
        if self.seen < self.save_freq:
            return False
        self.seen = 0
        return True

    def batches_until_due(self) -> int | None:
        """How many batches are left until the next save; None where saves go by epochs."""
        return self.save_freq - self.seen if isinstance(self.save_freq, int) else None

    def get_state(self) -> dict[str, Any]:
        return {"seen": self.seen, "last": self.last}

    def set_state(self, state: dict[str, Any]) -> None:
        self.seen, self.last = state["seen"], state["last"]
