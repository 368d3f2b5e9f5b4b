"""`EpochBatches`: which batches an epoch of `fit` takes where it is run step by step."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fkeras.core.warn_once import warn_user
from fkeras.data import ArraySource
from fkeras.errors import UserInputError
from fkeras.training import agreement, device_batches

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from fkeras.core.placement import Distribution
    from fkeras.data import Source
    from fkeras.training.fit_options import FitOptions
    from fkeras.training.progress import Progress


class EpochBatches:
    """A pass for each epoch; with `steps_per_epoch`, on from where the last epoch stopped.

    Args:
        source: where batches come from.
        options: what `fit` was asked for.
        progress: the model's lifetime counts: they decide the order of samples.
        distribution: of the model.
    """

    def __init__(
        self,
        source: Source,
        options: FitOptions,
        progress: Progress,
        distribution: Distribution | None = None,
    ) -> None:
        self._source = source
        self._options = options
        self._progress = progress
        self._distribution = distribution
        self.limit: int | None = options.steps_per_epoch or source.steps
        # Whether the user's number of steps cuts the data into epochs.
        self._goes_on = options.steps_per_epoch is not None and (
            source.in_memory or source.steps is None
        )
        self._stream: Iterator[tuple] | None = None
        self._has_warned = False
        self._is_open = False  # a pass that only this epoch takes
        self._order_epoch = 0  # of the model's life, in which the present pass over arrays began
        self._taken_before = 0  # batches of the present pass that earlier epochs took
        self._is_counted = False  # whether those of the present epoch are among them
        self._first = 0  # batch that the next pass begins with, in another process's place

    @contextlib.contextmanager
    def opened(self, epoch: int) -> Iterator[Iterator[tuple]]:
        """The batches of an epoch. What is not gone on with is closed at the end."""
        self._is_counted = False
        if self._goes_on:
            if self._stream is None:
                self._stream = self._new_pass(epoch)
            yield self._stream
            return
        batches = self._new_pass(epoch)
        self._is_open = True
        try:
            yield batches
        finally:
            self._is_open = False
            if hasattr(batches, "close"):  # a generator; threads may stand behind it
                batches.close()

    def _new_pass(self, epoch):
        source = self._source
        if isinstance(source, ArraySource):
            if not self._first:
                self._order_epoch = self._progress.epochs
            order = source.order(self._options.order_seed, self._order_epoch)
            first, self._first = self._first, 0
            return device_batches.batches_of(source, order, first)
        return agreement.shared(iter(source.epoch(epoch)), source, self._distribution)

    def position(self, done: int) -> dict[str, Any]:
        """Where the data stand, for `go_on`.

        Args:
            done: batches used of the present epoch.
        """
        used = self._taken_before + (0 if self._is_counted else done)
        if not self._source.in_memory:
            is_open = self._stream is not None or (self._is_open and not self.is_whole(done))
            return self._source.position(used if is_open else None)
        if self._stream is None:
            return {}
        return {"epoch": self._order_epoch, "used": used}

    def go_on(self, position: dict[str, Any], done: int) -> None:
        """Goes to a position, before the first epoch.

        Args:
            position: of the same data in an earlier process.
            done: batches used of the epoch in which that was.
        """
        if not self._source.in_memory:
            self._source.go_on(position)
            at = position.get("open")
            self._taken_before = at[1] - done if at and self._goes_on else 0
        elif position:
            self._order_epoch, self._first = position["epoch"], position["used"]
            self._taken_before = self._first - done

    def is_whole(self, done: int) -> bool:
        """Whether an epoch of so many batches is known to have no more."""
        return self.limit is not None and done >= self.limit

    def end_epoch(self, taken: int) -> None:
        """Counts the batches that an epoch has taken."""
        self._is_counted = True
        if self._stream is not None:
            self._taken_before += taken

    def restart(self) -> bool:
        """Begins a new pass over arrays. Returns whether there can be one."""
        if self._source.in_memory:
            self._stream = None
            self._taken_before = 0
        return self._source.in_memory

    def ran_out(self, epoch: int, taken: int) -> bool:
        """Says that an epoch got fewer batches than it should, or none.

        Args:
            epoch: the epoch. taken: how many batches it got.

        Returns:
            Whether training ends with this epoch.

        Raises:
            UserInputError: where there was no batch at all, from the beginning.
        """
        limit, options = self.limit, self._options
        is_short = limit is not None and taken < limit
        if is_short and self.restart():
            self._warn_of_short_pass()
            return False
        if taken == 0 and epoch == options.initial_epoch:
            raise UserInputError(
                "The data given to `fit` holds no batch at all. If it is a generator, it may have "
                "been used up: make a new one for each call."
            )
        if is_short:
            warn_user(
                "Your input ran out of data; interrupting training. It should have given "
                f"{limit} batches for each of {options.epochs} epochs; epoch {epoch + 1} got "
                f"{taken}."
            )
            return True
        if taken == 0:
            warn_user(f"Your input ran out of data; interrupting training after {epoch} epochs.")
            return True
        return False

    def _warn_of_short_pass(self):
        if not self._has_warned:
            self._has_warned = True
            warn_user(
                f"Your input ran out of data: `steps_per_epoch={self.limit}`, but the arrays give "
                f"{self._source.steps} batches a pass. The epoch ends there and the next one "
                "begins a new pass."
            )
